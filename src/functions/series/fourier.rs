//! Fourier transforms of series of any length: radix 2, and Bluestein's way for the other lengths.
use super::super::arguments::row;
use super::super::{Function, Gives, Param, one, optional};
use super::{only_numbers, reals};
use crate::types::{Type, Types};
use crate::value::{Json, Value};
use std::f64::consts::PI;

const TAKES: &[Param] = &[one("series", Types::DYNAMIC), optional("imaginary", Types::DYNAMIC)];

pub const FUNCTIONS: &[Function] = &[
    row(
        &["series_fft"],
        "The fast Fourier transform of a series (and the imaginary parts of its numbers): real and imaginary parts, in \
         columns of their own.",
        TAKES,
        Gives::Always(Type::Dynamic),
        |_, args| turned(args, transform),
        &[("series_fft(dynamic([1, 1]))[0]", "[2.0,0.0]")],
    ),
    row(
        &["series_ifft"],
        "The inverse of `series_fft`.",
        TAKES,
        Gives::Always(Type::Dynamic),
        |_, args| turned(args, inverse),
        &[("series_ifft(dynamic([2, 0]))[0]", "[1.0,1.0]")],
    ),
];

/// Longer series are refused: their transform would not fit the memory of a query.
const LONGEST: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complex {
    pub re: f64,
    pub im: f64,
}

impl Complex {
    fn times(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn turn(angle: f64) -> Complex {
        Complex { re: angle.cos(), im: angle.sin() }
    }

    fn conjugate(self) -> Complex {
        Complex { im: -self.im, ..self }
    }
}

const ZERO: Complex = Complex { re: 0.0, im: 0.0 };

/// The transform of any number of values.
pub fn transform(values: &[Complex]) -> Vec<Complex> {
    let n = values.len();
    if n.is_power_of_two() || n == 0 {
        let mut out = values.to_vec();
        radix_2(&mut out);
        return out;
    }
    // A transform as a convolution with a chirp, over a power of two.
    let size = (2 * n - 1).next_power_of_two();
    let chirp: Vec<Complex> = (0..n).map(|k| Complex::turn(-PI * ((k * k) % (2 * n)) as f64 / n as f64)).collect();
    let mut a = vec![ZERO; size];
    let mut b = vec![ZERO; size];
    for k in 0..n {
        a[k] = values[k].times(chirp[k]);
        b[k] = chirp[k].conjugate();
        if k > 0 {
            b[size - k] = b[k];
        }
    }
    radix_2(&mut a);
    radix_2(&mut b);
    let mut product: Vec<Complex> = a.iter().zip(&b).map(|(a, b)| a.times(*b).conjugate()).collect();
    radix_2(&mut product);
    let scale = 1.0 / size as f64;
    (0..n)
        .map(|k| {
            let value = product[k].conjugate();
            Complex { re: value.re * scale, im: value.im * scale }.times(chirp[k])
        })
        .collect()
}

pub fn inverse(values: &[Complex]) -> Vec<Complex> {
    let turned: Vec<Complex> = values.iter().map(|value| value.conjugate()).collect();
    let scale = 1.0 / values.len().max(1) as f64;
    transform(&turned).into_iter().map(|value| Complex { re: value.re * scale, im: -value.im * scale }).collect()
}

fn radix_2(values: &mut [Complex]) {
    let n = values.len();
    if n < 2 {
        return;
    }
    let bits = n.trailing_zeros();
    for at in 0..n {
        let mirrored = at.reverse_bits() >> (usize::BITS - bits);
        if at < mirrored {
            values.swap(at, mirrored);
        }
    }
    let mut size = 2;
    while size <= n {
        let half = size / 2;
        let turns: Vec<Complex> = (0..half).map(|k| Complex::turn(-2.0 * PI * k as f64 / size as f64)).collect();
        for chunk in values.chunks_mut(size) {
            for (k, turn) in turns.iter().enumerate() {
                let (even, odd) = (chunk[k], chunk[k + half].times(*turn));
                chunk[k] = Complex { re: even.re + odd.re, im: even.im + odd.im };
                chunk[k + half] = Complex { re: even.re - odd.re, im: even.im - odd.im };
            }
        }
        size *= 2;
    }
}

/// Real numbers as complex ones.
pub fn complex(numbers: &[f64]) -> Vec<Complex> {
    numbers.iter().map(|re| Complex { re: *re, im: 0.0 }).collect()
}

fn turned<'a>(args: &[Value<'a>], turn: fn(&[Complex]) -> Vec<Complex>) -> Value<'a> {
    let Some(real) = only_numbers(&args[0]).filter(|all| all.len() <= LONGEST) else { return Value::Null };
    let mut values = complex(&real);
    if let Some(imaginary) = args.get(1).and_then(only_numbers) {
        values.iter_mut().zip(imaginary).for_each(|(value, im)| value.im = im);
    }
    let out = turn(&values);
    Value::json(Json::Array(vec![reals(out.iter().map(|x| x.re)), reals(out.iter().map(|x| x.im))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_for_any_length() {
        for n in [1, 2, 3, 7, 8, 12, 25] {
            let values = complex(&(0..n).map(|x| f64::from(x * x % 7)).collect::<Vec<_>>());
            let back = inverse(&transform(&values));
            assert!(values.iter().zip(&back).all(|(a, b)| (a.re - b.re).abs() < 1e-9 && b.im.abs() < 1e-9), "{n}");
        }
        let sum = transform(&complex(&[1.0, 2.0, 3.0]))[0];
        assert!((sum.re - 6.0).abs() < 1e-12);
    }
}
