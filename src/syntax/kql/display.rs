//! Trees to text: what is printed reads back as the same tree. Parentheses are part of the tree, so none are added.
use super::ast::*;
use crate::types::Type;
use crate::value::{Value, datetime, guid, json_text, timespan};
use std::fmt::{Display, Formatter, Result};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        list(f, &self.statements, ";\n")
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.bracketed { write!(f, "[{}]", quoted(&self.text)) } else { f.write_str(&self.text) }
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Statement::Let(one) => write!(f, "{one}"),
            Statement::Set { name, value: Some(value), .. } => write!(f, "set {name} = {value}"),
            Statement::Set { name, value: None, .. } => write!(f, "set {name}"),
            Statement::Declare { parameters, .. } => {
                f.write_str("declare query_parameters(")?;
                list(f, parameters, ", ")?;
                f.write_str(")")
            }
            Statement::Pattern(one) => write!(f, "{one}"),
            Statement::Other { what, .. } => write!(f, "{what} …"),
            Statement::Result(query) => write!(f, "{query}"),
        }
    }
}

impl Display for Let {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.value {
            LetValue::Expr(expr) => write!(f, "let {} = {expr}", self.name),
            LetValue::Lambda(lambda) => write!(f, "let {} = {lambda}", self.name),
        }
    }
}

impl Display for PatternDecl {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "declare pattern {}", self.name)?;
        if self.parameters.is_empty() {
            return Ok(());
        }
        f.write_str(" = ")?;
        schema(f, &self.parameters)?;
        if let Some(path) = &self.path {
            write!(f, "[{path}]")?;
        }
        f.write_str(" { ")?;
        for rule in &self.rules {
            write!(f, "{rule} ")?;
        }
        f.write_str("}")
    }
}

impl Display for PatternRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("(")?;
        list(f, &self.values, ", ")?;
        f.write_str(")")?;
        if let Some(path) = &self.path {
            write!(f, ".[{path}]")?;
        }
        f.write_str(" = { ")?;
        for statement in &self.statements {
            write!(f, "{statement}; ")?;
        }
        write!(f, "{} }};", self.body)
    }
}

impl Display for Lambda {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.view { "view (" } else { "(" })?;
        list(f, &self.parameters, ", ")?;
        f.write_str(") { ")?;
        for statement in &self.statements {
            write!(f, "{statement}; ")?;
        }
        write!(f, "{} }}", self.body)
    }
}

impl Display for Parameter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.ty {
            ParameterType::Scalar(ty) => write!(f, "{}:{ty}", self.name)?,
            ParameterType::Table { rest: true, .. } => write!(f, "{}:(*)", self.name)?,
            ParameterType::Table { columns, rest: false } => {
                write!(f, "{}:", self.name)?;
                schema(f, columns)?;
            }
        }
        match &self.default {
            Some(value) => write!(f, " = {value}"),
            None => Ok(()),
        }
    }
}

impl Display for ColumnDecl {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}:{}", self.name, self.ty)
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.name {
            Some(name) => write!(f, "{name} = {}", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.names.as_slice() {
            [] => write!(f, "{}", self.expr),
            [name] => write!(f, "{name} = {}", self.expr),
            names => {
                f.write_str("(")?;
                list(f, names, ", ")?;
                write!(f, ") = {}", self.expr)
            }
        }
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.value.kind {
            // The columns of a chart, and where a name would be taken for the next property.
            ExprKind::List(names) => {
                write!(f, "{} = ", self.name)?;
                list(f, names, ", ")
            }
            _ => write!(f, "{}={}", self.name, self.value),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            ExprKind::Literal { value, ty } => literal(f, value, *ty),
            ExprKind::Name(name) | ExprKind::Wildcard(name) => write!(f, "{name}"),
            // A number would take the point as its own.
            ExprKind::Path { base, name } if matches!(base.kind, ExprKind::Literal { .. }) => {
                write!(f, "{base} .{name}")
            }
            ExprKind::Path { base, name } => write!(f, "{base}.{name}"),
            ExprKind::Element { base, index } => write!(f, "{base}[{index}]"),
            ExprKind::Call { name, args } => {
                write!(f, "{name}(")?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
            ExprKind::Method { base, name, args } => {
                let gap = if matches!(base.kind, ExprKind::Literal { .. }) { " " } else { "" };
                write!(f, "{base}{gap}.{name}(")?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
            ExprKind::Unary { op, expr } => write!(f, "{}{expr}", op.trim_start_matches("unary")),
            ExprKind::Binary { op, left, right, .. } => write!(f, "{left} {op} {right}"),
            ExprKind::Chain { op, terms } => list(f, terms, &format!(" {op} ")),
            ExprKind::In { op, left, terms, .. } => {
                write!(f, "{left} {op} (")?;
                list(f, terms, ", ")?;
                f.write_str(")")
            }
            ExprKind::Between { op, left, low, high } => write!(f, "{left} {op} ({low} .. {high})"),
            ExprKind::Parenthesised(inner) => write!(f, "({inner})"),
            ExprKind::Star => f.write_str("*"),
            ExprKind::Typeof(columns) => {
                f.write_str("typeof")?;
                schema(f, columns)
            }
            ExprKind::TypeofScalar(ty) => write!(f, "typeof({ty})"),
            ExprKind::Pipe { source, operators } => {
                write!(f, "{source}")?;
                operators.iter().try_for_each(|operator| write!(f, "\n| {operator}"))
            }
            ExprKind::Source(operator) => write!(f, "{operator}"),
            ExprKind::Datatable { columns, values } => {
                f.write_str("datatable ")?;
                schema(f, columns)?;
                f.write_str(" [")?;
                list(f, values, ", ")?;
                f.write_str("]")
            }
            ExprKind::Externaldata { columns, urls, properties } => {
                f.write_str("externaldata ")?;
                schema(f, columns)?;
                f.write_str(" [")?;
                list(f, urls, ", ")?;
                f.write_str("]")?;
                for (at, (name, value)) in properties.iter().enumerate() {
                    f.write_str(if at == 0 { " with (" } else { ", " })?;
                    write!(f, "{name} = {value}")?;
                }
                f.write_str(if properties.is_empty() { "" } else { ")" })
            }
            ExprKind::List(items) => {
                f.write_str("[")?;
                list(f, items, ", ")?;
                f.write_str("]")
            }
        }
    }
}

/// A literal that reads back as one: a sign stands inside the typed form.
fn literal(f: &mut Formatter<'_>, value: &Value<'_>, ty: Type) -> Result {
    match value {
        Value::Null => write!(f, "{ty}(null)"),
        Value::Bool(x) => write!(f, "{x}"),
        Value::Int(x) => write!(f, "int({x})"),
        Value::Long(x) if *x < 0 => write!(f, "long({x})"),
        Value::Long(x) => write!(f, "{x}"),
        Value::Real(x) if x.is_nan() => f.write_str("real(nan)"),
        Value::Real(x) if x.is_infinite() => f.write_str(if *x > 0.0 { "real(+inf)" } else { "real(-inf)" }),
        Value::Real(x) if x.is_sign_negative() => write!(f, "real({x:?})"),
        Value::Real(x) => write!(f, "{x:?}"),
        Value::Decimal(x) => write!(f, "decimal({x})"),
        Value::String(text) => f.write_str(&quoted(text)),
        Value::Datetime(x) => write!(f, "datetime({})", datetime::text(*x)),
        Value::Timespan(x) => write!(f, "timespan({})", timespan::text(*x)),
        Value::Guid(x) => write!(f, "guid({})", guid::text(*x)),
        Value::Dynamic(_) => write!(f, "dynamic({})", json_text(value)),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T], between: &str) -> Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

fn schema(f: &mut Formatter<'_>, columns: &[ColumnDecl]) -> Result {
    f.write_str("(")?;
    list(f, columns, ", ")?;
    f.write_str(")")
}

/// A word, then its items with commas between, then nothing more.
fn clause<T: Display>(f: &mut Formatter<'_>, word: &str, items: &[T]) -> Result {
    if items.is_empty() {
        return Ok(());
    }
    f.write_str(word)?;
    list(f, items, ", ")
}

fn optional<T: Display>(f: &mut Formatter<'_>, word: &str, item: Option<&T>) -> Result {
    match item {
        Some(item) => write!(f, "{word}{item}"),
        None => Ok(()),
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let order = match self.order {
            None => "",
            Some(ReorderBy::Asc) => " asc",
            Some(ReorderBy::Desc) => " desc",
            Some(ReorderBy::GrannyAsc) => " granny-asc",
            Some(ReorderBy::GrannyDesc) => " granny-desc",
        };
        write!(f, "{}{order}", self.name)
    }
}

impl Display for SortKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}", self.expr, direction(self.descending))?;
        f.write_str(match self.nulls_first {
            None => "",
            Some(true) => " nulls first",
            Some(false) => " nulls last",
        })
    }
}

fn direction(descending: Option<bool>) -> &'static str {
    match descending {
        None => "",
        Some(false) => " asc",
        Some(true) => " desc",
    }
}

impl Display for MvColumn {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.column)?;
        match self.to {
            Some(ty) => write!(f, " to typeof({ty})"),
            None => Ok(()),
        }
    }
}

impl Display for SeriesAggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.aggregate)?;
        optional(f, " default = ", self.default.as_ref())
    }
}

impl Display for ParsePart {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            ParsePart::Text(text, _) => f.write_str(&quoted(text)),
            ParsePart::Star(_) => f.write_str("*"),
            ParsePart::Column(name, Some(ty)) => write!(f, "{name}:{ty}"),
            ParsePart::Column(name, None) => write!(f, "{name}"),
        }
    }
}

impl Display for FindColumn {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            FindColumn::Column(name, Some(ty)) => write!(f, "{name}:{ty}"),
            FindColumn::Column(name, None) => write!(f, "{name}"),
            FindColumn::PackAll => f.write_str("pack(*)"),
            FindColumn::Star => f.write_str("*"),
        }
    }
}

impl Display for GraphNodes {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} on {}", self.table, self.key)
    }
}

impl Display for GraphNode {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        optional(f, "(", self.name.as_ref())?;
        f.write_str(if self.name.is_some() { ")" } else { "()" })
    }
}

impl Display for GraphEdge {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.direction == GraphDirection::Back { "<-" } else { "-" })?;
        if self.name.is_some() || self.range.is_some() {
            f.write_str("[")?;
            optional(f, "", self.name.as_ref())?;
            if let Some((least, most)) = &self.range {
                write!(f, "*{least}..{most}")?;
            }
            f.write_str("]")?;
        }
        f.write_str(if self.direction == GraphDirection::Forth { "->" } else { "-" })
    }
}

impl Display for GraphPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.start)?;
        self.hops.iter().try_for_each(|(edge, node)| write!(f, "{edge}{node}"))
    }
}

impl Display for GraphOutput {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.edges { "edges" } else { "nodes" })?;
        optional(f, " as ", self.name.as_ref())?;
        options(f, &self.options)
    }
}

impl Display for ScanStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "step {}{}", self.name, if self.optional { " optional" } else { "" })?;
        optional(f, " output = ", self.output.as_ref())?;
        write!(f, ": {}", self.condition)?;
        for (at, (name, value)) in self.assign.iter().enumerate() {
            write!(f, "{}{name} = {value}", if at == 0 { " => " } else { ", " })?;
        }
        f.write_str(";")
    }
}

impl Display for TopNestedLevel {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        optional(f, " ", self.count.as_ref())?;
        write!(f, " of {}", self.of)?;
        optional(f, " with others = ", self.others.as_ref())?;
        write!(f, " by {}{}", self.by, direction(self.descending))
    }
}

/// ` kind=inner hint.strategy=shuffle`
fn options(f: &mut Formatter<'_>, options: &[Setting]) -> Result {
    options.iter().try_for_each(|one| write!(f, " {one}"))
}

/// `(where … | take 1)`
fn branch(f: &mut Formatter<'_>, operators: &[Operator]) -> Result {
    f.write_str("(")?;
    list(f, operators, " | ")?;
    f.write_str(")")
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            OperatorKind::As { name, options: set } => {
                f.write_str("as")?;
                options(f, set)?;
                write!(f, " {name}")
            }
            OperatorKind::AssertSchema { columns } => {
                f.write_str("assert-schema ")?;
                schema(f, columns)
            }
            OperatorKind::Consume { options: set } => {
                f.write_str("consume")?;
                options(f, set)
            }
            OperatorKind::Count { name } => {
                f.write_str("count")?;
                optional(f, " as ", name.as_ref())
            }
            OperatorKind::Distinct { options: set, columns } => {
                f.write_str("distinct")?;
                options(f, set)?;
                clause(f, " ", columns)
            }
            OperatorKind::Evaluate { options: set, name, args, schema: columns, rest } => {
                f.write_str("evaluate")?;
                options(f, set)?;
                write!(f, " {name}(")?;
                list(f, args, ", ")?;
                f.write_str(")")?;
                let Some(columns) = columns else { return Ok(()) };
                f.write_str(match (rest, columns.is_empty()) {
                    (true, true) => " : (*",
                    (true, false) => " : (*, ",
                    (false, _) => " : (",
                })?;
                list(f, columns, ", ")?;
                f.write_str(")")
            }
            OperatorKind::Extend { columns } => {
                f.write_str("extend ")?;
                list(f, columns, ", ")
            }
            OperatorKind::Facet { columns, with } => {
                f.write_str("facet by ")?;
                list(f, columns, ", ")?;
                let Some(with) = with else { return Ok(()) };
                f.write_str(" with ")?;
                branch(f, with)
            }
            OperatorKind::Where { predicate } => write!(f, "where {predicate}"),
            OperatorKind::Find { options: set, tables, predicate, project, project_smart } => {
                f.write_str("find")?;
                options(f, set)?;
                in_tables(f, tables)?;
                write!(f, " where {predicate}")?;
                f.write_str(if *project_smart { " project-smart" } else { "" })?;
                clause(f, " project ", project)
            }
            OperatorKind::Fork { branches } => {
                f.write_str("fork")?;
                branches.iter().try_for_each(|(name, operators)| {
                    optional(f, " ", name.as_ref())?;
                    f.write_str(if name.is_some() { " = " } else { " " })?;
                    branch(f, operators)
                })
            }
            OperatorKind::Getschema => f.write_str("getschema"),
            OperatorKind::Invoke { name, args } => {
                write!(f, "invoke {name}(")?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
            OperatorKind::Join { options: set, right, on } => {
                f.write_str("join")?;
                options(f, set)?;
                write!(f, " {right}")?;
                clause(f, " on ", on)
            }
            OperatorKind::Lookup { options: set, right, on } => {
                f.write_str("lookup")?;
                options(f, set)?;
                write!(f, " {right}")?;
                clause(f, " on ", on)
            }
            OperatorKind::MakeSeries { options: set, aggregates, on, from, to, step, in_range, by } => {
                f.write_str("make-series")?;
                options(f, set)?;
                clause(f, " ", aggregates)?;
                write!(f, " on {on}")?;
                if *in_range {
                    optional(f, " in range(", from.as_ref())?;
                    optional(f, ", ", to.as_ref())?;
                    optional(f, ", ", step.as_ref())?;
                    f.write_str(")")?;
                } else {
                    optional(f, " from ", from.as_ref())?;
                    optional(f, " to ", to.as_ref())?;
                    optional(f, " step ", step.as_ref())?;
                }
                clause(f, " by ", by)
            }
            OperatorKind::MvApply { options: set, columns, limit, body } => {
                let (ids, set): (Vec<&Setting>, Vec<&Setting>) = set.iter().partition(|one| one.name.text == "id");
                f.write_str("mv-apply")?;
                set.iter().try_for_each(|one| write!(f, " {one}"))?;
                clause(f, " ", columns)?;
                optional(f, " limit ", limit.as_ref())?;
                ids.iter().try_for_each(|one| write!(f, " id {}", one.value))?;
                f.write_str(" on ")?;
                branch(f, body)
            }
            OperatorKind::MvExpand { options: set, columns, limit } => {
                f.write_str("mv-expand")?;
                options(f, set)?;
                clause(f, " ", columns)?;
                optional(f, " limit ", limit.as_ref())
            }
            OperatorKind::Parse { filter, options: set, expr, pattern } => {
                f.write_str(if *filter { "parse-where" } else { "parse" })?;
                options(f, set)?;
                write!(f, " {expr} with ")?;
                list(f, pattern, " ")
            }
            OperatorKind::ParseKv { expr, columns, options: set } => {
                write!(f, "parse-kv {expr} as ")?;
                schema(f, columns)?;
                if set.is_empty() {
                    return Ok(());
                }
                clause(f, " with (", set)?;
                f.write_str(")")
            }
            OperatorKind::Partition { options: set, by, body } => {
                f.write_str("partition")?;
                options(f, set)?;
                write!(f, " by {by} ")?;
                match body {
                    PartitionBody::Operators(operators) => branch(f, operators),
                    PartitionBody::Query(query) => write!(f, "{{ {query} }}"),
                }
            }
            OperatorKind::Print { columns } => {
                f.write_str("print ")?;
                list(f, columns, ", ")
            }
            OperatorKind::Project { columns } => {
                f.write_str("project")?;
                clause(f, " ", columns)
            }
            OperatorKind::ProjectAway { columns } => {
                f.write_str("project-away")?;
                clause(f, " ", columns)
            }
            OperatorKind::ProjectKeep { columns } => {
                f.write_str("project-keep")?;
                clause(f, " ", columns)
            }
            OperatorKind::ProjectRename { columns } => {
                f.write_str("project-rename")?;
                clause(f, " ", columns)
            }
            OperatorKind::ProjectReorder { columns } => {
                f.write_str("project-reorder")?;
                clause(f, " ", columns)
            }
            OperatorKind::Range { name, from, to, step } => write!(f, "range {name} from {from} to {to} step {step}"),
            OperatorKind::Reduce { options: set, by, with } => {
                f.write_str("reduce")?;
                options(f, set)?;
                write!(f, " by {by}")?;
                clause(f, " with ", with)
            }
            OperatorKind::Render { chart, options: set } => {
                // `by` and `with` have no place among the properties: with one of them the old form is kept.
                let old = set.iter().any(|one| matches!(one.name.text.as_str(), "by" | "with"));
                let (before, within): (Vec<&Setting>, Vec<&Setting>) = set.iter().partition(|one| {
                    old && matches!(one.name.text.as_str(), "kind" | "title" | "accumulate" | "by" | "with")
                });
                write!(f, "render {chart}")?;
                for one in before {
                    match &one.value.kind {
                        ExprKind::List(names) if one.name.text == "by" => clause(f, " by ", names)?,
                        _ if one.name.text == "with" => write!(f, " with {}", one.value)?,
                        _ => write!(f, " {one}")?,
                    }
                }
                if within.is_empty() {
                    return Ok(());
                }
                clause(f, " with (", &within)?;
                f.write_str(")")
            }
            OperatorKind::MakeGraph { options: set, source, target, nodes, node_id } => {
                f.write_str("make-graph")?;
                options(f, set)?;
                write!(f, " {source} --> {target}")?;
                clause(f, " with ", nodes)?;
                optional(f, " with_node_id = ", node_id.as_ref())
            }
            OperatorKind::GraphMark { options: set } => {
                f.write_str("graph-mark-components")?;
                options(f, set)
            }
            OperatorKind::GraphMatch { shortest, options: set, patterns, predicate, project } => {
                f.write_str(if *shortest { "graph-shortest-paths" } else { "graph-match" })?;
                options(f, set)?;
                clause(f, " ", patterns)?;
                optional(f, " where ", predicate.as_ref())?;
                clause(f, " project ", project)
            }
            OperatorKind::GraphWhere { edges, predicate } => {
                write!(f, "graph-where-{} {predicate}", if *edges { "edges" } else { "nodes" })
            }
            OperatorKind::GraphToTable { outputs } => {
                f.write_str("graph-to-table")?;
                clause(f, " ", outputs)
            }
            OperatorKind::ProjectByNames { names } => {
                f.write_str("project-by-names")?;
                clause(f, " ", names)
            }
            OperatorKind::Sample { count } => write!(f, "sample {count}"),
            OperatorKind::SampleDistinct { count, of } => write!(f, "sample-distinct {count} of {of}"),
            OperatorKind::Scan { options: set, order, partition, declare, steps } => {
                f.write_str("scan")?;
                options(f, set)?;
                clause(f, " order by ", order)?;
                clause(f, " partition by ", partition)?;
                for (at, (column, default)) in declare.iter().enumerate() {
                    write!(f, "{}{column}", if at == 0 { " declare (" } else { ", " })?;
                    optional(f, " = ", default.as_ref())?;
                }
                f.write_str(if declare.is_empty() { " with (" } else { ") with (" })?;
                list(f, steps, " ")?;
                f.write_str(")")
            }
            OperatorKind::Search { options: set, tables, predicate } => {
                f.write_str("search")?;
                options(f, set)?;
                in_tables(f, tables)?;
                write!(f, " {predicate}")
            }
            OperatorKind::Serialize { columns } => {
                f.write_str("serialize")?;
                clause(f, " ", columns)
            }
            OperatorKind::Sort { options: set, keys } => {
                f.write_str("sort")?;
                options(f, set)?;
                clause(f, " by ", keys)
            }
            OperatorKind::Summarize { options: set, aggregates, by } => {
                f.write_str("summarize")?;
                options(f, set)?;
                clause(f, " ", aggregates)?;
                clause(f, " by ", by)
            }
            OperatorKind::Take { count } => write!(f, "take {count}"),
            OperatorKind::Top { count, keys, options: set } => {
                f.write_str("top")?;
                options(f, set)?;
                write!(f, " {count}")?;
                clause(f, " by ", keys)
            }
            OperatorKind::TopHitters { count, of, by } => {
                write!(f, "top-hitters {count} of {of}")?;
                optional(f, " by ", by.as_ref())
            }
            OperatorKind::TopNested { levels } => {
                f.write_str("top-nested")?;
                list(f, levels, ", top-nested")
            }
            OperatorKind::Union { options: set, tables } => {
                f.write_str("union")?;
                options(f, set)?;
                clause(f, " ", tables)
            }
            OperatorKind::Other { what } => write!(f, "{what} …"),
        }
    }
}

/// ` in (T1, T2*)`
fn in_tables(f: &mut Formatter<'_>, tables: &[Expr]) -> Result {
    if tables.is_empty() {
        return Ok(());
    }
    clause(f, " in (", tables)?;
    f.write_str(")")
}
