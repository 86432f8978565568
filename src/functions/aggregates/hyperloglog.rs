//! The sketch behind `dcount` and `hll`: the marks of the values themselves while they are few, HyperLogLog registers
//! when they are many. Estimation after Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017):
//! unbiased over the whole range, without tables.
use super::keys::{Marks, mark};
use crate::value::{Dynamic, Json, Value, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Up to so many values the count is exact.
pub const EXACT: usize = 4_096;
/// Binary logarithm of the number of registers, by accuracy.
const PRECISION: [u32; 5] = [12, 14, 16, 17, 18];
/// How many ranks a register can have with the fewest registers: of the bits that are left, none to all, and one more.
const RANKS: usize = 64 - PRECISION[0] as usize + 2;

/// What the bytes behind these are.
const MARKS: u8 = 0;
const REGISTERS: u8 = 1;

#[derive(Clone, Debug, PartialEq)]
pub struct Hll {
    precision: u32,
    seen: Seen,
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Marks(Marks<u64>),
    /// Marks of which each is there once, as long as none is looked for.
    List(Vec<u64>),
    Registers(Vec<u8>),
}

impl Hll {
    /// An empty sketch of an accuracy from 0 to 4; 1 where none or another is asked for.
    pub fn new(accuracy: Option<i64>) -> Hll {
        let at = accuracy.and_then(|accuracy| usize::try_from(accuracy).ok()).unwrap_or(1);
        Hll::with_precision(*PRECISION.get(at).unwrap_or(&PRECISION[1]))
    }

    fn with_precision(precision: u32) -> Hll {
        Hll { precision, seen: Seen::Marks(Marks::default()) }
    }

    pub fn add(&mut self, value: &Value<'_>) {
        self.add_mark(mark(value));
    }

    /// Adds a value by its [`mark`].
    pub fn add_mark(&mut self, mark: u64) {
        if let Seen::List(marks) = &self.seen {
            self.seen = Seen::Marks(marks.iter().copied().collect());
        }
        match &mut self.seen {
            Seen::Marks(marks) => {
                marks.insert(mark);
                if marks.len() > EXACT {
                    self.condense();
                }
            }
            Seen::Registers(registers) => put(registers, self.precision, mark),
            Seen::List(_) => {}
        }
    }

    /// Adds values by marks of which no two are the same.
    pub fn add_distinct(&mut self, mut marks: impl Iterator<Item = u64>) {
        if self.is_empty() {
            let mut few: Vec<u64> = marks.by_ref().take(EXACT).collect();
            match marks.next() {
                None => self.seen = Seen::List(few),
                // They are too many whatever comes.
                Some(one) => {
                    few.push(one);
                    self.seen = Seen::List(few);
                    self.condense();
                }
            }
        }
        marks.for_each(|mark| self.add_mark(mark));
    }

    fn is_empty(&self) -> bool {
        match &self.seen {
            Seen::Marks(marks) => marks.is_empty(),
            Seen::List(marks) => marks.is_empty(),
            Seen::Registers(_) => false,
        }
    }

    /// The marks, while they are kept themselves.
    fn marks(&self) -> Option<Vec<u64>> {
        match &self.seen {
            Seen::Marks(marks) => Some(marks.iter().copied().collect()),
            Seen::List(marks) => Some(marks.clone()),
            Seen::Registers(_) => None,
        }
    }

    fn condense(&mut self) {
        if let Some(marks) = self.marks() {
            let mut registers = vec![0; 1 << self.precision];
            marks.iter().for_each(|mark| put(&mut registers, self.precision, *mark));
            self.seen = Seen::Registers(registers);
        }
    }

    /// Takes in all that the other has seen. Two accuracies meet at the lesser.
    pub fn union(&mut self, other: &Hll) {
        if let Some(marks) = other.marks() {
            marks.iter().for_each(|mark| self.add_mark(*mark));
            return;
        }
        self.condense();
        let mut other = other.clone();
        let precision = self.precision.min(other.precision);
        self.reduce(precision);
        other.reduce(precision);
        if let (Seen::Registers(mine), Seen::Registers(theirs)) = (&mut self.seen, &other.seen) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
    }

    /// Folds registers down to a lesser precision: a register's lowest index bits become leading bits of its rank.
    fn reduce(&mut self, precision: u32) {
        if let Seen::Registers(registers) = &mut self.seen
            && precision < self.precision
        {
            let cut = self.precision - precision;
            let mut fewer = vec![0u8; 1 << precision];
            for (index, rank) in registers.iter().enumerate().filter(|(_, rank)| **rank > 0) {
                let low = (index & ((1 << cut) - 1)) as u32;
                let rank = if low == 0 { rank + cut as u8 } else { (cut - low.ilog2()) as u8 };
                let kept = &mut fewer[index >> cut];
                *kept = (*kept).max(rank);
            }
            *registers = fewer;
        }
        self.precision = self.precision.min(precision);
    }

    pub fn estimate(&self) -> i64 {
        let registers = match &self.seen {
            Seen::Marks(marks) => return marks.len() as i64,
            Seen::List(marks) => return marks.len() as i64,
            Seen::Registers(registers) => registers,
        };
        let m = registers.len() as f64;
        let q = 64 - self.precision as usize;
        // Side by side: a count that was just written cannot be read at once, and most ranks are alike.
        let mut lanes = [[0usize; RANKS]; 4];
        for some in registers.chunks(lanes.len()) {
            some.iter().zip(&mut lanes).for_each(|(rank, counts)| counts[usize::from(*rank).min(q + 1)] += 1);
        }
        let counts: [usize; RANKS] = std::array::from_fn(|rank| lanes.iter().map(|counts| counts[rank]).sum());
        let mut z = m * tau(1.0 - counts[q + 1] as f64 / m);
        for count in counts[1..=q].iter().rev() {
            z = 0.5 * (z + *count as f64);
        }
        z += m * sigma(counts[0] as f64 / m);
        (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as i64
    }

    pub fn size(&self) -> usize {
        match &self.seen {
            Seen::Marks(marks) => marks.capacity() * (size_of::<u64>() + 1),
            Seen::List(marks) => marks.capacity() * size_of::<u64>(),
            Seen::Registers(registers) => registers.capacity(),
        }
    }

    /// Appends the sketch as bytes, for another of the same precision to take in.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.seen {
            Seen::Marks(marks) => Hll::write_marks(marks.iter().copied(), out),
            Seen::List(marks) => Hll::write_marks(marks.iter().copied(), out),
            Seen::Registers(registers) => {
                out.push(REGISTERS);
                out.extend_from_slice(registers);
            }
        }
    }

    /// Appends a sketch of at most [`EXACT`] marks, of which no two are the same.
    pub fn write_marks(marks: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
        out.push(MARKS);
        marks.for_each(|mark| out.extend_from_slice(&mark.to_le_bytes()));
    }

    /// Takes in what [`Hll::write`] wrote of another; `None` where that is not what the bytes are.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let (kind, bytes) = bytes.split_first()?;
        match *kind {
            MARKS => {
                let (marks, rest) = bytes.as_chunks::<{ size_of::<u64>() }>();
                self.add_distinct(marks.iter().map(|mark| u64::from_le_bytes(*mark)));
                rest.is_empty().then_some(())
            }
            REGISTERS if bytes.len() == 1 << self.precision => {
                self.condense();
                if let Seen::Registers(registers) = &mut self.seen {
                    registers.iter_mut().zip(bytes).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
                }
                Some(())
            }
            _ => None,
        }
    }

    /// The sketch as a dynamic: the precision, and marks or registers in Base64.
    pub fn to_value(&self) -> Value<'static> {
        let (kind, bytes) = match (&self.seen, self.marks()) {
            (Seen::Registers(registers), _) => ("registers", registers.clone()),
            (_, marks) => {
                let mut marks = marks.unwrap_or_default();
                marks.sort_unstable();
                ("marks", marks.iter().flat_map(|mark| mark.to_le_bytes()).collect())
            }
        };
        Value::Dynamic(Dynamic::Tree(json_array([
            Json::from(self.precision),
            Json::from(kind),
            Json::from(BASE64.encode(bytes)),
        ])))
    }

    pub fn from_value(value: &Value<'_>) -> Option<Hll> {
        let Value::Dynamic(dynamic) = value else { return None };
        Hll::from_json(dynamic.tree().as_ref())
    }

    pub fn from_json(tree: &json::Json) -> Option<Hll> {
        let [precision, kind, bytes] = tree.as_array()?.as_slice() else { return None };
        let precision = u32::try_from(precision.as_u64()?).ok().filter(|precision| PRECISION.contains(precision))?;
        let bytes = BASE64.decode(bytes.as_str()?).ok()?;
        let seen = match kind.as_str()? {
            "marks" => Seen::Marks(
                bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).take(EXACT).collect(),
            ),
            "registers" if bytes.len() == 1 << precision => Seen::Registers(bytes),
            _ => return None,
        };
        Some(Hll { precision, seen })
    }
}

fn json_array(items: impl IntoIterator<Item = Json>) -> Json {
    Json::Array(items.into_iter().collect())
}

/// The first bits choose the register; it keeps the longest run of zeros seen in the rest, plus one.
fn put(registers: &mut [u8], precision: u32, mark: u64) {
    let index = (mark >> (64 - precision)) as usize;
    let rank = ((mark << precision).leading_zeros().min(64 - precision) + 1) as u8;
    if let Some(register) = registers.get_mut(index) {
        *register = (*register).max(rank);
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: std::ops::Range<i64>, accuracy: i64) -> Hll {
        let mut hll = Hll::new(Some(accuracy));
        numbers.for_each(|x| hll.add(&Value::Long(x)));
        hll
    }

    fn bytes(hll: &Hll) -> Vec<u8> {
        let mut bytes = Vec::new();
        hll.write(&mut bytes);
        bytes
    }

    #[test]
    fn few_are_exact_and_many_are_near() {
        assert_eq!(of(0..4_000, 1).estimate(), 4_000);
        for accuracy in 0..5 {
            let estimate = of(0..200_000, accuracy).estimate() as f64;
            assert!((estimate / 200_000.0 - 1.0).abs() < 0.03, "{accuracy}: {estimate}");
        }
    }

    #[test]
    fn parts_join_to_the_whole() {
        let mut joined = of(0..30_000, 1);
        joined.union(&of(20_000..50_000, 1));
        assert_eq!(joined, of(0..50_000, 1));
        assert_eq!(Hll::from_value(&joined.to_value()).as_ref(), Some(&joined));
        for (one, other) in [(0..30_000, 20_000..50_000), (0..300, 0..50_000), (0..50_000, 0..3), (0..0, 0..50_000)] {
            let mut merged = of(one, 1);
            merged.merge_bytes(&bytes(&of(other, 1))).unwrap();
            assert_eq!(merged.merge_bytes(&bytes(&merged)), Some(()));
            assert_eq!(merged.estimate(), joined.estimate());
        }
        assert_eq!(joined.merge_bytes(&[0, 1, 2]), None);
        assert_eq!(joined.merge_bytes(&[1, 1, 2]), None);
        let mut coarse = of(0..30_000, 3);
        coarse.union(&of(0..30_000, 0));
        assert_eq!(coarse, of(0..30_000, 0));
    }
}
