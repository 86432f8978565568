//! Reals: their texts as the reference engine writes them.
//!
//! The engine prints with Grisu2 as an old RapidJSON has it, whose last digit is not always the nearest one
//! (`0.1 + 0.2` is `0.30000000000000007`), and texts are hashed and compared, so the same digits are made here.
//! Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", 2010.
use super::Json;

/// A text that reads back as the same number: `1.0`, `0.1`, `1e30`, `-0.0`, `NaN`, `inf`.
pub fn text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.into();
    }
    let mut out = String::with_capacity(24);
    if x.is_sign_negative() {
        out.push('-');
    }
    if x == 0.0 {
        out.push_str("0.0");
        return out;
    }
    let (digits, exponent) = digits(x.abs());
    write_digits(&digits, exponent, &mut out);
    out
}

/// A real as an element of a dynamic; JSON has no NaN and no infinities, so they are texts.
pub fn json(x: f64) -> Json {
    serde_json::Number::from_f64(x).map_or_else(
        || {
            Json::String(
                if x.is_nan() {
                    "NaN"
                } else if x > 0.0 {
                    "Infinity"
                } else {
                    "-Infinity"
                }
                .into(),
            )
        },
        Json::Number,
    )
}

/// The real that a text means: digits with point and exponent, `nan`, `inf`, `-Infinity` in any letter case.
pub fn parse(text: &str) -> Option<f64> {
    // What the standard library reads is exactly this; it takes no blanks inside, no underscores and no hex.
    text.trim().parse().ok()
}

fn write_digits(digits: &[u8], exponent: i32, out: &mut String) {
    let push = |out: &mut String, digits: &[u8]| digits.iter().for_each(|d| out.push(char::from(b'0' + d)));
    let count = digits.len() as i32;
    // 10^(point-1) <= x < 10^point
    let point = count + exponent;
    if exponent >= 0 && point <= 21 {
        push(out, digits);
        (0..exponent).for_each(|_| out.push('0'));
        out.push_str(".0");
    } else if 0 < point && point <= 21 {
        push(out, &digits[..point as usize]);
        out.push('.');
        push(out, &digits[point as usize..]);
    } else if -6 < point && point <= 0 {
        out.push_str("0.");
        (point..0).for_each(|_| out.push('0'));
        push(out, digits);
    } else {
        push(out, &digits[..1]);
        if count > 1 {
            out.push('.');
            push(out, &digits[1..]);
        }
        out.push_str(&format!("e{}", point - 1));
    }
}

/// A binary floating-point number with a 64-bit significand: `f · 2^e`.
#[derive(Clone, Copy)]
struct Wide {
    f: u64,
    e: i32,
}

impl Wide {
    fn normalized(self) -> Wide {
        let shift = self.f.leading_zeros();
        Wide { f: self.f << shift, e: self.e - shift as i32 }
    }

    fn times(self, other: Wide) -> Wide {
        let product = u128::from(self.f) * u128::from(other.f);
        let carry = u64::from(product as u64 >> 63 == 1);
        Wide { f: ((product >> 64) as u64).wrapping_add(carry), e: self.e + other.e + 64 }
    }
}

/// The digits of a positive finite number and the power of ten of the last one.
fn digits(x: f64) -> (Vec<u8>, i32) {
    const HIDDEN: u64 = 1 << 52;
    let bits = x.to_bits();
    let (biased, fraction) = ((bits >> 52) as i32, bits & (HIDDEN - 1));
    let v = if biased == 0 { Wide { f: fraction, e: -1074 } } else { Wide { f: fraction + HIDDEN, e: biased - 1075 } };
    let upper = Wide { f: (v.f << 1) + 1, e: v.e - 1 }.normalized();
    let lower =
        if v.f == HIDDEN { Wide { f: (v.f << 2) - 1, e: v.e - 2 } } else { Wide { f: (v.f << 1) - 1, e: v.e - 1 } };
    let lower = Wide { f: lower.f << (lower.e - upper.e), e: upper.e };
    let wanted = f64::from(-61 - upper.e) * std::f64::consts::LOG10_2 + 347.0;
    let index = (((wanted.ceil() as usize) >> 3) + 1).min(POWERS.len() - 1);
    let power = Wide { f: POWERS[index].0, e: POWERS[index].1 };
    let mut exponent = 348 - 8 * index as i32;
    let w = v.normalized().times(power);
    let high = upper.times(power);
    let high = Wide { f: high.f - 1, e: high.e };
    let low = lower.times(power).f + 1;
    let out = generate(w, high, high.f - low, &mut exponent);
    (out, exponent)
}

fn generate(w: Wide, high: Wide, mut delta: u64, exponent: &mut i32) -> Vec<u8> {
    const POW10: [u64; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    let shift = (-high.e) as u32;
    let one = 1u64 << shift;
    let distance = high.f - w.f;
    let (mut whole, mut part) = (high.f >> shift, high.f & (one - 1));
    let mut out: Vec<u8> = Vec::with_capacity(18);
    let mut kappa = POW10.iter().take_while(|power| **power <= whole).count() as i32;
    while kappa > 0 {
        let power = POW10[kappa as usize - 1];
        let digit = whole / power;
        whole %= power;
        if digit != 0 || !out.is_empty() {
            out.push(digit as u8);
        }
        kappa -= 1;
        let rest = (whole << shift) + part;
        if rest <= delta {
            *exponent += kappa;
            round(&mut out, delta, rest, POW10[kappa as usize] << shift, distance);
            return out;
        }
    }
    loop {
        part = part.wrapping_mul(10);
        delta = delta.wrapping_mul(10);
        let digit = part >> shift;
        if digit != 0 || !out.is_empty() {
            out.push(digit as u8);
        }
        part &= one - 1;
        kappa -= 1;
        if part < delta {
            *exponent += kappa;
            // Past eight digits after the point the engine's code rounds no more.
            let scale = if kappa > -9 { POW10[(-kappa) as usize] } else { 0 };
            round(&mut out, delta, part, one, distance.wrapping_mul(scale));
            return out;
        }
    }
}

/// Lowers the last digit while that brings the number nearer.
fn round(out: &mut [u8], delta: u64, mut rest: u64, unit: u64, distance: u64) {
    while rest < distance
        && delta - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        if let Some(last) = out.last_mut() {
            *last = last.saturating_sub(1);
        }
        rest += unit;
    }
}

/// 10^(8·i − 348) as 64-bit significands and binary exponents.
const POWERS: [(u64, i32); 87] = [
    (0xfa8fd5a0081c0288, -1220),
    (0xbaaee17fa23ebf76, -1193),
    (0x8b16fb203055ac76, -1166),
    (0xcf42894a5dce35ea, -1140),
    (0x9a6bb0aa55653b2d, -1113),
    (0xe61acf033d1a45df, -1087),
    (0xab70fe17c79ac6ca, -1060),
    (0xff77b1fcbebcdc4f, -1034),
    (0xbe5691ef416bd60c, -1007),
    (0x8dd01fad907ffc3c, -980),
    (0xd3515c2831559a83, -954),
    (0x9d71ac8fada6c9b5, -927),
    (0xea9c227723ee8bcb, -901),
    (0xaecc49914078536d, -874),
    (0x823c12795db6ce57, -847),
    (0xc21094364dfb5637, -821),
    (0x9096ea6f3848984f, -794),
    (0xd77485cb25823ac7, -768),
    (0xa086cfcd97bf97f4, -741),
    (0xef340a98172aace5, -715),
    (0xb23867fb2a35b28e, -688),
    (0x84c8d4dfd2c63f3b, -661),
    (0xc5dd44271ad3cdba, -635),
    (0x936b9fcebb25c996, -608),
    (0xdbac6c247d62a584, -582),
    (0xa3ab66580d5fdaf6, -555),
    (0xf3e2f893dec3f126, -529),
    (0xb5b5ada8aaff80b8, -502),
    (0x87625f056c7c4a8b, -475),
    (0xc9bcff6034c13053, -449),
    (0x964e858c91ba2655, -422),
    (0xdff9772470297ebd, -396),
    (0xa6dfbd9fb8e5b88f, -369),
    (0xf8a95fcf88747d94, -343),
    (0xb94470938fa89bcf, -316),
    (0x8a08f0f8bf0f156b, -289),
    (0xcdb02555653131b6, -263),
    (0x993fe2c6d07b7fac, -236),
    (0xe45c10c42a2b3b06, -210),
    (0xaa242499697392d3, -183),
    (0xfd87b5f28300ca0e, -157),
    (0xbce5086492111aeb, -130),
    (0x8cbccc096f5088cc, -103),
    (0xd1b71758e219652c, -77),
    (0x9c40000000000000, -50),
    (0xe8d4a51000000000, -24),
    (0xad78ebc5ac620000, 3),
    (0x813f3978f8940984, 30),
    (0xc097ce7bc90715b3, 56),
    (0x8f7e32ce7bea5c70, 83),
    (0xd5d238a4abe98068, 109),
    (0x9f4f2726179a2245, 136),
    (0xed63a231d4c4fb27, 162),
    (0xb0de65388cc8ada8, 189),
    (0x83c7088e1aab65db, 216),
    (0xc45d1df942711d9a, 242),
    (0x924d692ca61be758, 269),
    (0xda01ee641a708dea, 295),
    (0xa26da3999aef774a, 322),
    (0xf209787bb47d6b85, 348),
    (0xb454e4a179dd1877, 375),
    (0x865b86925b9bc5c2, 402),
    (0xc83553c5c8965d3d, 428),
    (0x952ab45cfa97a0b3, 455),
    (0xde469fbd99a05fe3, 481),
    (0xa59bc234db398c25, 508),
    (0xf6c69a72a3989f5c, 534),
    (0xb7dcbf5354e9bece, 561),
    (0x88fcf317f22241e2, 588),
    (0xcc20ce9bd35c78a5, 614),
    (0x98165af37b2153df, 641),
    (0xe2a0b5dc971f303a, 667),
    (0xa8d9d1535ce3b396, 694),
    (0xfb9b7cd9a4a7443c, 720),
    (0xbb764c4ca7a44410, 747),
    (0x8bab8eefb6409c1a, 774),
    (0xd01fef10a657842c, 800),
    (0x9b10a4e5e9913129, 827),
    (0xe7109bfba19c0c9d, 853),
    (0xac2820d9623bf429, 880),
    (0x80444b5e7aa7cf85, 907),
    (0xbf21e44003acdd2d, 933),
    (0x8e679c2f5e44ff8f, 960),
    (0xd433179d9c8cb841, 986),
    (0x9e19db92b4e31ba9, 1013),
    (0xeb96bf6ebadf77d9, 1039),
    (0xaf87023b9bf0ee6b, 1066),
];

#[cfg(test)]
mod tests {
    use super::{parse, text};

    #[test]
    fn prints_as_the_engine_does() {
        let cases = [
            (0.1 + 0.2, "0.30000000000000007"),
            (1.0 / 3.0, "0.3333333333333333"),
            (9.999999999999998, "9.999999999999999"),
            (10.000000000000002, "10.000000000000002"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000.0"),
            (1e30, "1e30"),
            (1.25e-7, "1.25e-7"),
            (123456.789, "123456.789"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (x, wanted) in cases {
            assert_eq!(text(x), wanted);
        }
    }

    #[test]
    fn every_text_reads_back() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let x = f64::from_bits(bits);
            if x.is_finite() {
                assert_eq!(parse(&text(x)), Some(x), "{x:?}");
            }
        }
        assert_eq!(parse(&text(f64::MIN_POSITIVE / 4.0)), Some(f64::MIN_POSITIVE / 4.0));
        assert_eq!(parse(&text(f64::MAX)), Some(f64::MAX));
    }

    #[test]
    fn reads_numbers_and_the_three_that_are_none() {
        for written in ["1", "1.", ".5", "-0", "1.5e10", "+2E-3", "  3.14  ", "NaN", "Inf", "-infinity"] {
            assert!(parse(written).is_some(), "{written}");
        }
        for written in ["", "1_000", "0b101", "0x1F", "1 2", "abc"] {
            assert!(parse(written).is_none(), "{written}");
        }
    }
}
