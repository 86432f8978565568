//! The names that columns get where the text gives none, and how clashes of names are solved. Both follow the reference
//! compiler to the letter, since queries name these columns further down.
use super::Binder;
use super::scope::{Bind, Reported, Scope};
use crate::ir::Scalar;
use crate::syntax::kql::ast::{Expr, ExprKind};
use crate::text::{Diagnostic, Span, codes};
use crate::types::{Schema, Type};
use std::collections::{HashMap, HashSet};

/// How the result of a function is called.
#[derive(Clone, Copy)]
enum Naming {
    /// Like its first argument.
    First,
    /// The prefix, `_`, and the name of the first argument (nothing where it has none).
    Prefix(&'static str),
    /// The prefix and the names of the first two arguments, as the engine has it.
    PrefixBoth(&'static str),
    /// Always so.
    Fixed(&'static str),
    /// Like its argument where there is but one.
    Only,
    /// Like the column that the text of the first argument names.
    NamedColumn,
}

const FIRST: &[&str] = &[
    "split",
    "tostring",
    "tohex",
    "todynamic",
    "toobject",
    "tolong",
    "toint",
    "toreal",
    "todouble",
    "todatetime",
    "totimespan",
    "totime",
    "tobool",
    "toboolean",
    "todecimal",
    "toguid",
    "parse_csv",
    "parsejson",
    "parse_json",
    "parse_xml",
    "format_datetime",
    "format_timespan",
    "startofday",
    "bin",
    "floor",
    "bin_at",
    "bin_auto",
    "binary_and",
    "binary_or",
    "binary_xor",
    "binary_not",
    "binary_shift_right",
    "binary_shift_left",
    "bitset_count_ones",
    "series_fir",
    "series_outliers",
    "series_iir",
    "series_fill_backward",
    "series_fill_forward",
    "series_fill_const",
    "series_fill_linear",
    "round",
    "ceiling",
    "pow",
    "sqrt",
    "log",
    "log2",
    "log10",
    "exp",
    "exp2",
    "exp10",
    "cos",
    "sin",
    "tan",
    "acos",
    "asin",
    "atan",
    "atan2",
    "abs",
    "rand",
    "gamma",
    "loggamma",
    "erf",
    "erfc",
    "format_bytes",
    "passthrough",
    "take_anyif",
    "binary_all_or",
    "binary_all_and",
    "binary_all_xor",
];

const PREFIXED: &[(&str, &str)] = &[
    ("strlen", "strlen"),
    ("string_size", "string_size"),
    ("gettype", "type"),
    ("treepath", "tree"),
    ("repeat", "repeat"),
    ("percentile_tdigest", "percentile_tdigest"),
    ("percentiles_array_tdigest", "percentile_tdigest"),
    ("dcount_hll", "dcount_hll"),
    ("sum", "sum"),
    ("sumif", "sumif"),
    ("cnt", "cnt"),
    ("count", "count"),
    ("countif", "countif"),
    ("dcount", "dcount"),
    ("dcountif", "dcountif"),
    ("tdigest", "tdigest"),
    ("hll", "hll"),
    ("hll_if", "hll_if"),
    ("min", "min"),
    ("minif", "minif"),
    ("max", "max"),
    ("maxif", "maxif"),
    ("avg", "avg"),
    ("avgif", "avgif"),
    ("makelist", "list"),
    ("make_list", "list"),
    ("make_list_if", "list"),
    ("make_list_with_nulls", "list"),
    ("makeset", "set"),
    ("make_set", "set"),
    ("make_set_if", "set"),
    ("make_dictionary", "dictionary"),
    ("make_bag", "bag"),
    ("make_bag_if", "bag"),
    ("buildschema", "schema"),
    ("stdev", "stdev"),
    ("stdevif", "stdevif"),
    ("stdevp", "stdevp"),
    ("variance", "variance"),
    ("varianceif", "varianceif"),
    ("variancep", "variancep"),
    ("variancepif", "variancepif"),
    ("any", "any"),
    ("anyif", "anyif"),
    ("count_distinct", "count_distinct"),
    ("count_distinctif", "count_distinctif"),
];

fn naming(function: &str, aggregate: bool) -> Option<Naming> {
    Some(match function {
        "covariance" => Naming::PrefixBoth("covariance"),
        "covarianceif" => Naming::PrefixBoth("covarianceif"),
        "covariancep" => Naming::PrefixBoth("covariancep"),
        "covariancepif" => Naming::PrefixBoth("covariancepif"),
        "ingestion_time" => Naming::Fixed("$IngestionTime"),
        "make_datetime" | "make_timespan" => Naming::Only,
        "column_ifexists" | "columnifexists" => Naming::NamedColumn,
        "tdigest_merge" | "merge_tdigest" if aggregate => Naming::Prefix("merge_tdigests"),
        "tdigest_merge" | "merge_tdigest" => Naming::Fixed("tdigests_merge_result"),
        "hll_merge" if aggregate => Naming::Prefix("hll_merge"),
        "hll_merge" => Naming::Fixed("hll_merged_result"),
        name if FIRST.contains(&name) => Naming::First,
        name => Naming::Prefix(PREFIXED.iter().find(|(known, _)| *known == name)?.1),
    })
}

/// The name of an expression's column, where its form gives one.
pub fn of_expr(expr: &Expr, scope: Scope<'_, '_>) -> Option<String> {
    match &expr.kind {
        ExprKind::Parenthesised(inner) => of_expr(inner, scope),
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Path { base, name } => Some(joined(base, &name.text, scope)),
        ExprKind::Element { base, index } => match &index.kind {
            ExprKind::Literal { value, ty: Type::String | Type::Long | Type::Int } => {
                Some(joined(base, &value.text(), scope))
            }
            _ => {
                let left = of_expr(base, scope)?;
                (!left.trim().is_empty()).then(|| format!("{left}_"))
            }
        },
        ExprKind::Call { name, args } => {
            if scope.env.get(&name.text).is_some() {
                return None;
            }
            let first = || {
                let arg = args.first()?;
                arg.name.as_ref().map(|name| name.text.clone()).or_else(|| of_expr(&arg.value, scope))
            };
            match naming(&name.text, scope.aggregates.is_some())? {
                Naming::First => first(),
                Naming::Prefix(prefix) => Some(format!("{prefix}_{}", first().unwrap_or_default())),
                Naming::PrefixBoth(prefix) => {
                    let second = args.get(1).and_then(|arg| of_expr(&arg.value, scope));
                    let parts = [Some(prefix.to_string()), first(), second];
                    Some(parts.into_iter().flatten().collect::<Vec<_>>().join("_"))
                }
                Naming::Fixed(name) => Some(name.into()),
                Naming::Only if args.len() == 1 => first(),
                Naming::Only => None,
                Naming::NamedColumn => match &args.first()?.value.kind {
                    ExprKind::Literal { value, ty: Type::String } => {
                        let text = value.as_str()?;
                        let known = scope.row.is_some_and(|row| row.column(text, Span::default()).is_some());
                        known.then(|| text.into())
                    }
                    _ => None,
                },
            }
        }
        ExprKind::Literal { .. }
        | ExprKind::Unary { .. }
        | ExprKind::Binary { .. }
        | ExprKind::Chain { .. }
        | ExprKind::In { .. }
        | ExprKind::Between { .. }
        | ExprKind::Star
        | ExprKind::Typeof(_)
        | ExprKind::TypeofScalar(_)
        | ExprKind::Wildcard(_)
        | ExprKind::Method { .. }
        | ExprKind::Pipe { .. }
        | ExprKind::Source(_)
        | ExprKind::Datatable { .. }
        | ExprKind::Externaldata { .. }
        | ExprKind::List(_) => None,
    }
}

/// `base_part`; `$left.x` is `x`.
fn joined(base: &Expr, part: &str, scope: Scope<'_, '_>) -> String {
    match of_expr(base, scope) {
        Some(left) if left == "$left" || left == "$right" => part.into(),
        Some(left) if !left.trim().is_empty() => format!("{left}_{part}"),
        _ => part.into(),
    }
}

/// Makes names unique by a number behind them.
#[derive(Default)]
pub struct Unique {
    last: HashMap<String, usize>,
}

impl Unique {
    pub fn add(&mut self, name: &str) {
        self.last.entry(name.into()).or_insert(0);
    }

    /// The name itself, or the first free one of `name1`, `name2`, …
    pub fn name(&mut self, name: &str) -> String {
        let Some(last) = self.last.get(name).copied() else {
            self.last.insert(name.into(), 0);
            return name.into();
        };
        let mut suffix = last + 1;
        loop {
            let candidate = format!("{name}{suffix}");
            if !self.last.contains_key(&candidate) {
                self.last.insert(name.into(), suffix);
                self.last.insert(candidate.clone(), 0);
                return candidate;
            }
            suffix += 1;
        }
    }
}

/// Second and further columns of one name get a number: the columns of both sides of a join.
pub fn make_unique(names: &[String]) -> Vec<String> {
    let mut unique = Unique::default();
    let mut first = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        first.entry(name.as_str()).or_insert(at);
        unique.add(name);
    }
    names
        .iter()
        .enumerate()
        .map(|(at, name)| if first.get(name.as_str()) == Some(&at) { name.clone() } else { unique.name(name) })
        .collect()
}

/// How an operator adds columns to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Project,
    Extend,
    Serialize,
    /// mv-expand and mv-apply.
    Replace,
    Summarize,
    Print,
}

/// One column of a result.
#[derive(Clone, Debug)]
pub struct Output {
    pub name: String,
    pub scalar: Scalar,
    /// The input's column that this one is, unchanged.
    pub identity: Option<String>,
}

/// The columns of a result while they are gathered.
#[derive(Default)]
pub struct Projection {
    pub outputs: Vec<Output>,
    index: HashMap<String, usize>,
    declared: HashSet<String>,
    unique: Unique,
    /// Input columns that are there already.
    skip: HashSet<String>,
}

impl Projection {
    /// All columns of the input, which later ones may replace.
    pub fn of(schema: &Schema) -> Projection {
        let mut projection = Projection::default();
        for column in &schema.columns {
            let scalar = Scalar::column(&column.name, column.ty);
            projection.add(Output { name: column.name.clone(), scalar, identity: Some(column.name.clone()) }, false);
            projection.skip(&column.name);
        }
        projection
    }

    pub fn skip(&mut self, identity: &str) {
        self.skip.insert(identity.into());
    }

    fn skipped(&self, output: &Output) -> bool {
        output.identity.as_ref().is_some_and(|identity| self.skip.contains(identity))
    }

    /// Adds a column whose name may be changed.
    pub fn add(&mut self, mut output: Output, replace: bool) {
        if output.name.is_empty() || self.skipped(&output) {
            return;
        }
        if replace && let Some(at) = self.index.get(&output.name) {
            self.outputs[*at] = output;
            return;
        }
        output.name = self.unique.name(&output.name);
        self.index.insert(output.name.clone(), self.outputs.len());
        self.outputs.push(output);
    }

    /// Adds a column under just this name.
    pub fn declare(&mut self, output: Output, replace: bool, span: Span) -> Result<(), Diagnostic> {
        if self.declared.contains(&output.name) {
            return Err(duplicate(&output.name, span));
        }
        let name = output.name.clone();
        if replace && let Some(at) = self.index.get(&name) {
            self.outputs[*at] = output;
            self.declared.insert(name);
            return Ok(());
        }
        if self.skipped(&output) {
            self.declared.insert(name);
            return Ok(());
        }
        let at = self.outputs.len();
        self.add(output, false);
        if let Some(added) = self.outputs.get(at) {
            self.declared.insert(added.name.clone());
        }
        Ok(())
    }
}

pub fn duplicate(name: &str, span: Span) -> Diagnostic {
    codes::DUPLICATE_NAME.at(span, format!("a column named `{name}` is there already")).help("give it another name")
}

impl<'q> Binder<'_, 'q> {
    /// `Column1`, `Column2`, …: the next that nothing else is called, columns of the row `beside` it among that.
    pub fn default_name(&mut self, scope: Scope<'_, 'q>, beside: bool) -> String {
        loop {
            let name = format!("Column{}", self.next_column);
            self.next_column += 1;
            let taken = beside && scope.row.is_some_and(|row| row.schema().get(&name).is_some());
            if !taken && scope.env.get(&name).is_none() {
                return name;
            }
        }
    }

    /// Puts a fault on the list where there is one.
    pub fn check<T>(&mut self, result: Result<T, Diagnostic>) -> Bind<T> {
        result.map_err(|fault| self.fault(fault))
    }

    pub fn fault(&mut self, fault: Diagnostic) -> Reported {
        if self.faults.len() < super::MOST_FAULTS && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
        Reported
    }
}
