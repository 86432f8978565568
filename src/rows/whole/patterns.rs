//! Patterns of values that many rows share: autocluster, basket, diffpatterns. A pattern is a value for some columns; it
//! covers the rows that have them.
use super::args::Args;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::{HashMap, HashSet};

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "autocluster",
        doc: "The few patterns that tell most of the rows. A pattern's worth is the geometric mean of the share of rows \
              that it covers and the share of columns that it names, weighted by `size` and `1 - size`. From each of the \
              commonest values a pattern grows by the value that makes it worth most, as long as it gains; of patterns \
              for nearly the same rows the best is kept, and none that is worth less than a quarter of the best. The \
              reference engine does not say how it draws its seeds, so it may name other patterns.",
        takes: "size: Constant real; seeds: Constant long; weight: Scalar? and Column? (the column, which no pattern names); \
                wildcard: Constant*, each for the columns of its type. The schema is the number, the rows, their \
                percentage, the input's columns.",
        over: Over::Tables,
        run: autocluster,
    },
    Whole {
        name: "basket",
        doc: "Every pattern that covers at least the share `threshold` of the rows, the commonest first. What goes with \
              a pattern in all its rows is named with it and does not count against the `dimensions`; a pattern that \
              leaves such a value out is not told again. The reference engine draws a sample first, so it may miss \
              patterns near the threshold.",
        takes: "threshold: Constant real; dimensions: Constant long; weight and wildcard as autocluster. The schema is \
                that of autocluster.",
        over: Over::Tables,
        run: basket,
    },
    Whole {
        name: "diffpatterns",
        doc: "Patterns whose shares of the two sets of rows differ by `threshold` at least, the greatest difference \
              first; one that only adds to or takes from a pattern told before is left out. The reference engine does \
              not say how it chooses, so it may name other patterns.",
        takes: "split: Scalar and Column (which no pattern names); a, b: Constant string, its values in the two sets; \
                threshold, dimensions, weight and wildcard as basket. The schema is the number, the rows of both sets, \
                their percentages, the difference, the input's columns.",
        over: Over::Tables,
        run: diffpatterns,
    },
];

/// More patterns than this are not looked at.
const MOST_PATTERNS: usize = 20_000;

/// Of patterns that share more of their rows than this, one is enough.
const ALIKE: f64 = 0.7;

/// A pattern worth less than this share of the best is not told.
const WORTH_TELLING: f64 = 0.25;

/// A set of rows, a bit each.
#[derive(Clone)]
struct Bits(Vec<u64>);

impl Bits {
    fn and(&self, other: &Bits) -> Bits {
        Bits(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    fn within(&self, other: &Bits) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    fn ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let at = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    word * 64 + at
                })
            })
        })
    }
}

/// A value of a column.
struct Item {
    column: usize,
    value: Value<'static>,
    rows: Bits,
}

/// The rows as sets: equal rows are one, with the weights of both sides.
struct Rows {
    items: Vec<Item>,
    /// For each distinct row its weight in the first and in the second set.
    weights: Vec<[f64; 2]>,
    totals: [f64; 2],
}

impl Rows {
    /// The values that `keeps` finds common enough, and the rows by them. `side` says to which set a row belongs.
    fn new(
        args: &Args<'_>,
        input: &Table,
        env: &Env<'_>,
        excluded: Option<usize>,
        side: impl Fn(&[Value<'static>]) -> Option<usize>,
        keeps: impl Fn([f64; 2], [f64; 2]) -> bool,
    ) -> Result<Rows, RowsError> {
        let weight = match args.scalar("weight") {
            Some(_) => Some(args.ready("weight", &input.schema, env.now)?),
            None => None,
        };
        let weighs = args.columns("weight").first().and_then(|(name, _)| input.schema.index(name));
        let columns: Vec<usize> = (0..input.schema.len())
            .filter(|at| Some(*at) != excluded && Some(*at) != weighs)
            .filter(|at| input.schema.columns[*at].ty != Type::Dynamic)
            .collect();
        let mut totals = [0.0; 2];
        // What each value weighs in the two sets, and the first row that has it.
        let mut known: HashMap<(usize, Vec<u8>), (usize, [f64; 2])> = HashMap::new();
        let mut found: Vec<(usize, usize, [f64; 2])> = Vec::new();
        let mut counted: Vec<Option<(usize, f64)>> = Vec::with_capacity(input.rows.len());
        for row in &input.rows {
            let weight = match &weight {
                Some(weight) => weight.eval(row).as_real().unwrap_or(0.0),
                None => 1.0,
            };
            let counts = side(row).map(|side| (side, weight));
            if let Some((side, weight)) = counts {
                totals[side] += weight;
            }
            counted.push(counts);
        }
        for (number, (row, counts)) in input.rows.iter().zip(&counted).enumerate() {
            let Some((side, weight)) = counts else { continue };
            for column in &columns {
                let key = (*column, order::group_key([&row[*column]]));
                known.entry(key).or_insert((number, [0.0; 2])).1[*side] += weight;
            }
            if number % 4096 == 0 {
                env.budget.check_time()?;
            }
        }
        known.retain(|_, (_, weights)| keeps(*weights, totals));
        let mut numbers: HashMap<(usize, Vec<u8>), usize> = HashMap::new();
        found.extend(known.iter().map(|((column, _), (row, weights))| (*column, *row, *weights)));
        // The commonest first, then as the columns and rows come.
        found.sort_by(|a, b| (b.2[0] + b.2[1]).total_cmp(&(a.2[0] + a.2[1])).then((a.0, a.1).cmp(&(b.0, b.1))));
        for (number, (column, row, _)) in found.iter().enumerate() {
            numbers.insert((*column, order::group_key([&input.rows[*row][*column]])), number);
        }
        let mut index: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut weights: Vec<[f64; 2]> = Vec::new();
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); found.len()];
        for (row, counts) in input.rows.iter().zip(&counted) {
            let Some((side, weight)) = counts else { continue };
            let has: Vec<usize> = columns
                .iter()
                .filter_map(|column| numbers.get(&(*column, order::group_key([&row[*column]]))).copied())
                .collect();
            let place = *index.entry(has).or_insert_with_key(|has| {
                has.iter().for_each(|item| members[*item].push(weights.len()));
                weights.push([0.0; 2]);
                weights.len() - 1
            });
            weights[place][*side] += weight;
        }
        let words = weights.len().div_ceil(64);
        if found.len().saturating_mul(words * 8) > env.budget.bytes {
            return Err(RowsError::Bytes(env.budget.bytes));
        }
        let items = found
            .into_iter()
            .zip(members)
            .map(|((column, row, _), members)| {
                let mut rows = Bits(vec![0; words]);
                members.into_iter().for_each(|at| rows.0[at / 64] |= 1 << (at % 64));
                Item { column, value: input.rows[row][column].clone(), rows }
            })
            .collect();
        Ok(Rows { items, weights, totals })
    }

    fn everything(&self) -> Bits {
        let mut rows = Bits(vec![0; self.weights.len().div_ceil(64)]);
        (0..self.weights.len()).for_each(|at| rows.0[at / 64] |= 1 << (at % 64));
        rows
    }

    fn weight(&self, rows: &Bits) -> [f64; 2] {
        rows.ones().fold([0.0; 2], |sum, at| [sum[0] + self.weights[at][0], sum[1] + self.weights[at][1]])
    }

    /// All values that all these rows have, in the order of the items.
    fn closed(&self, rows: &Bits) -> Vec<usize> {
        (0..self.items.len()).filter(|item| rows.within(&self.items[*item].rows)).collect()
    }

    /// All patterns of at most so many values that `keeps` finds common enough, each with all that goes with it.
    fn patterns(
        &self,
        args: &Args<'_>,
        env: &Env<'_>,
        dimensions: usize,
        keeps: impl Fn([f64; 2], [f64; 2]) -> bool,
    ) -> Result<Vec<Pattern>, RowsError> {
        let everything = self.everything();
        let root = self.closed(&everything);
        let mut seen: HashSet<Vec<usize>> = HashSet::from([root.clone()]);
        let mut all: Vec<Pattern> = Vec::new();
        if !root.is_empty() && keeps(self.totals, self.totals) {
            all.push(Pattern { items: root.clone(), weights: self.totals });
        }
        let mut level = vec![(root, everything)];
        for _ in 0..dimensions {
            let mut next = Vec::new();
            for (items, rows) in level {
                for item in (0..self.items.len()).filter(|item| !items.contains(item)) {
                    let narrower = rows.and(&self.items[item].rows);
                    let weights = self.weight(&narrower);
                    if !keeps(weights, self.totals) {
                        continue;
                    }
                    let closed = self.closed(&narrower);
                    if !seen.insert(closed.clone()) {
                        continue;
                    }
                    if seen.len() > MOST_PATTERNS {
                        let message = format!("`{}` looks at {MOST_PATTERNS} patterns at most", args.operator());
                        return Err(args.wrong(format!("{message}; name fewer columns, or raise the threshold")));
                    }
                    all.push(Pattern { items: closed.clone(), weights });
                    next.push((closed, narrower));
                }
                env.budget.check_time()?;
            }
            level = next;
            if level.is_empty() {
                break;
            }
        }
        Ok(all)
    }
}

struct Pattern {
    items: Vec<usize>,
    weights: [f64; 2],
}

/// What stands in the columns of a pattern that it says nothing about.
struct Wildcards(Vec<Value<'static>>);

impl Wildcards {
    fn new(args: &Args<'_>, input: &Schema) -> Wildcards {
        let given = args.constants("wildcard");
        let of = |ty: Type| {
            let fits = |value: &&&Value<'static>| match value {
                Value::Bool(_) => ty == Type::Bool,
                Value::Int(_) => ty == Type::Int,
                Value::Long(_) => ty == Type::Long,
                Value::Real(_) => ty == Type::Real,
                Value::Decimal(_) => ty == Type::Decimal,
                Value::String(_) => ty == Type::String,
                Value::Datetime(_) => ty == Type::Datetime,
                Value::Timespan(_) => ty == Type::Timespan,
                Value::Guid(_) => ty == Type::Guid,
                Value::Dynamic(_) | Value::Null => false,
            };
            given.iter().find(fits).map_or(Value::absent(ty), |value| (*value).clone())
        };
        Wildcards(input.columns.iter().map(|column| of(column.ty)).collect())
    }

    /// The columns of a pattern behind its figures.
    fn row(&self, mut figures: Vec<Value<'static>>, rows: &Rows, items: &[usize]) -> Vec<Value<'static>> {
        let mut cells = self.0.clone();
        for item in items {
            cells[rows.items[*item].column] = rows.items[*item].value.clone();
        }
        figures.extend(cells);
        figures
    }
}

fn long(weight: f64) -> Value<'static> {
    Value::Long(weight.round() as i64)
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

/// A share between 0 and 1.
fn share(args: &Args<'_>, name: &str) -> Result<f64, RowsError> {
    let share = args.constant(name).and_then(Value::as_real).filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| args.wrong(format!("the {name} of `{}` lies between 0 and 1", args.operator())))
}

fn count(args: &Args<'_>, name: &str) -> usize {
    let count = args.constant(name).and_then(Value::as_long).and_then(|count| usize::try_from(count).ok());
    count.unwrap_or(usize::MAX)
}

fn basket(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let threshold = share(&args, "threshold")?;
    let keeps = |weights: [f64; 2], totals: [f64; 2]| weights[0] > 0.0 && weights[0] >= threshold * totals[0];
    let rows = Rows::new(&args, input, env, None, |_| Some(0), keeps)?;
    let mut patterns = rows.patterns(&args, env, count(&args, "dimensions"), keeps)?;
    patterns.sort_by(|a, b| b.weights[0].total_cmp(&a.weights[0]).then_with(|| a.items.cmp(&b.items)));
    let wildcards = Wildcards::new(&args, &input.schema);
    let mut sink = Sink::new(env.budget);
    for (number, pattern) in patterns.iter().enumerate() {
        let [weight, _] = pattern.weights;
        let figures = vec![Value::Long(number as i64), long(weight), Value::Real(percent(weight, rows.totals[0]))];
        sink.push(wildcards.row(figures, &rows, &pattern.items))?;
    }
    Ok(sink.finish(schema))
}

fn diffpatterns(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let threshold = share(&args, "threshold")?;
    let split = args.ready("split", &input.schema, env.now)?;
    let excluded = args.columns("split").first().and_then(|(name, _)| input.schema.index(name));
    let sides = [args.text("a").unwrap_or_default(), args.text("b").unwrap_or_default()];
    let side = |row: &[Value<'static>]| {
        let text = split.eval(row);
        let text = text.text();
        sides.iter().position(|side| *side == text)
    };
    let shares = |weights: [f64; 2], totals: [f64; 2]| [0, 1].map(|side| percent(weights[side], totals[side]));
    let keeps = |weights: [f64; 2], totals: [f64; 2]| {
        let shares = shares(weights, totals);
        shares.iter().any(|share| *share > 0.0 && *share >= 100.0 * threshold)
    };
    let rows = Rows::new(&args, input, env, excluded, side, keeps)?;
    let mut patterns = rows.patterns(&args, env, count(&args, "dimensions"), keeps)?;
    let difference = |pattern: &Pattern| {
        let [a, b] = shares(pattern.weights, rows.totals);
        (a - b).abs()
    };
    patterns.retain(|pattern| {
        let difference = difference(pattern);
        difference > 0.0 && difference >= 100.0 * threshold
    });
    patterns.sort_by(|a, b| difference(b).total_cmp(&difference(a)).then_with(|| a.items.cmp(&b.items)));
    let mut chosen: Vec<Pattern> = Vec::new();
    for pattern in patterns {
        let part = |a: &[usize], b: &[usize]| a.iter().all(|item| b.contains(item));
        if chosen.iter().all(|one| !part(&one.items, &pattern.items) && !part(&pattern.items, &one.items)) {
            chosen.push(pattern);
        }
        env.budget.check_time()?;
    }
    let wildcards = Wildcards::new(&args, &input.schema);
    let mut sink = Sink::new(env.budget);
    for (number, pattern) in chosen.iter().enumerate() {
        let [a, b] = shares(pattern.weights, rows.totals);
        let mut figures = vec![Value::Long(number as i64), long(pattern.weights[0]), long(pattern.weights[1])];
        figures.extend([a, b, (a - b).abs()].map(Value::Real));
        sink.push(wildcards.row(figures, &rows, &pattern.items))?;
    }
    Ok(sink.finish(schema))
}

fn autocluster(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let size = share(&args, "size")?;
    let seeds = count(&args, "seeds");
    // A value that is in one row of a hundred is no beginning, nor does it make a pattern worth more.
    let keeps = |weights: [f64; 2], totals: [f64; 2]| weights[0] > 0.0 && weights[0] * 100.0 >= totals[0];
    let rows = Rows::new(&args, input, env, None, |_| Some(0), keeps)?;
    let total = rows.totals[0];
    let columns = input.schema.len().max(1) as f64;
    let worth = |weight: f64, named: usize| (weight / total).powf(size) * (named as f64 / columns).powf(1.0 - size);
    let mut seen: HashSet<Vec<usize>> = HashSet::new();
    let mut found: Vec<(f64, Vec<usize>, Bits)> = Vec::new();
    for seed in 0..rows.items.len().min(seeds) {
        let mut items = vec![seed];
        let mut covered = rows.items[seed].rows.clone();
        let mut best = worth(rows.weight(&covered)[0], 1);
        loop {
            let mut gain: Option<(f64, usize, Bits)> = None;
            for (number, item) in rows.items.iter().enumerate() {
                if items.iter().any(|one| rows.items[*one].column == item.column) {
                    continue;
                }
                let narrower = covered.and(&item.rows);
                let worth = worth(rows.weight(&narrower)[0], items.len() + 1);
                if worth > gain.as_ref().map_or(best, |(best, ..)| *best) {
                    gain = Some((worth, number, narrower));
                }
            }
            env.budget.check_time()?;
            let Some((worth, item, narrower)) = gain else { break };
            items.push(item);
            (best, covered) = (worth, narrower);
        }
        items.sort_unstable();
        if seen.insert(items.clone()) {
            found.push((best, items, covered));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let top = found.first().map_or(0.0, |(worth, ..)| *worth);
    let mut chosen: Vec<(Vec<usize>, Bits, f64)> = Vec::new();
    for (worth, items, covered) in found {
        let weight = rows.weight(&covered)[0];
        let alike = |(_, other, of_other): &(Vec<usize>, Bits, f64)| {
            let both = rows.weight(&covered.and(other))[0];
            both > ALIKE * (weight + of_other - both)
        };
        if worth >= WORTH_TELLING * top && !chosen.iter().any(alike) {
            chosen.push((items, covered, weight));
        }
    }
    let wildcards = Wildcards::new(&args, &input.schema);
    let mut sink = Sink::new(env.budget);
    for (number, (items, _, weight)) in chosen.iter().enumerate() {
        let figures = vec![Value::Long(number as i64), long(*weight), Value::Real(percent(*weight, total))];
        sink.push(wildcards.row(figures, &rows, items))?;
    }
    Ok(sink.finish(schema))
}
