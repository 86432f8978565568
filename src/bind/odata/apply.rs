//! `$apply`: transformations of a whole set, one behind the other.
use super::super::kql::{calls, coerce, weight};
use super::compute::MOST_NAMES;
use super::expr::Binder;
use super::sets::{Kind, Set};
use super::{filtered, project};
use crate::functions;
use crate::ir::{AggregateCall, Rel, RelOp, Scalar, SortKey};
use crate::syntax::odata::ast::{
    Aggregate, Computed, Expr, ExprKind, Grouping, Literal, Name, OrderBy, Step, StepKind, Trafo,
};
use crate::text::{Diagnostics, Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;

/// Transformations past this many are refused.
const MOST: usize = 200;
/// `concat` writes its input out for each branch: it comes to so many expressions at most.
const LARGEST: usize = 100_000;
/// A column with what groups are told apart by.
const GROUP: &str = "@group";

/// A relation on its way through the transformations.
pub struct Applied<'a> {
    pub name: String,
    pub now: i64,
    pub aliases: &'a [(Name, Expr)],
    done: usize,
}

impl<'a> Applied<'a> {
    pub fn new(name: &str, now: i64, aliases: &'a [(Name, Expr)]) -> Applied<'a> {
        Applied { name: name.to_owned(), now, aliases, done: 0 }
    }

    /// What comes out behind the last of them.
    pub fn all(&mut self, mut rel: Rel, trafos: &[Trafo]) -> Result<Rel, Diagnostics> {
        for trafo in trafos {
            self.done += 1;
            if self.done > MOST {
                return Err(vec![codes::TOO_LONG.at(Span::default(), format!("more than {MOST} transformations"))]);
            }
            rel = self.one(rel, trafo)?;
        }
        Ok(rel)
    }

    fn set(&self, rel: &Rel) -> Set {
        let properties = rel.schema.clone();
        Set { name: self.name.clone(), kind: Kind::Applied, properties, key: None, newest: None }
    }

    /// Binds something to the columns of a relation.
    fn bound<T>(&self, rel: &Rel, bind: impl FnOnce(&Binder<'_>) -> Option<T>) -> Result<T, Diagnostics> {
        let set = self.set(rel);
        let binder = Binder::new(&set, self.now, self.aliases);
        match bind(&binder) {
            Some(found) => binder.faults_or(found),
            None => {
                binder.faults_or(())?;
                Err(vec![codes::NOT_YET.at(Span::default(), "this transformation is not here yet")])
            }
        }
    }

    fn one(&mut self, rel: Rel, trafo: &Trafo) -> Result<Rel, Diagnostics> {
        match trafo {
            Trafo::Identity => Ok(rel),
            Trafo::Filter(condition) => {
                let condition = self.bound(&rel, |binder| binder.predicate(condition))?;
                Ok(filtered(rel, condition))
            }
            Trafo::Search(search) => {
                let condition = self.bound(&rel, |binder| binder.search(search))?;
                Ok(filtered(rel, condition))
            }
            Trafo::Compute(items) => self.compute(rel, items),
            Trafo::Orderby(keys) => self.sorted(rel, keys),
            Trafo::Top(count) => Ok(taken(rel, *count)),
            Trafo::Skip(count) => {
                let schema = rel.schema.clone();
                Ok(Rel { op: RelOp::Skip { input: Box::new(rel), count: *count }, schema })
            }
            Trafo::Aggregate(items) => self.aggregated(rel, &[], items),
            Trafo::Groupby { by, then } => self.grouped(rel, by, then),
            Trafo::Concat(branches) => self.concat(rel, branches),
            Trafo::Ranked { word, amount, by } => {
                let descending = match word.text.as_str() {
                    "topcount" => true,
                    "bottomcount" => false,
                    _ => return Err(not_here(word)),
                };
                let ExprKind::Literal(Literal::Long(count)) = &amount.kind else {
                    let message = format!("`{}` takes a whole number first", word.text);
                    return Err(vec![codes::NOT_CONSTANT.at(amount.span, message)]);
                };
                let key = OrderBy { expr: by.clone(), descending };
                Ok(taken(self.sorted(rel, &[key])?, u64::try_from(*count).unwrap_or(0)))
            }
            Trafo::Join { word, .. } | Trafo::Other(word) => Err(not_here(word)),
        }
    }

    fn sorted(&self, rel: Rel, keys: &[OrderBy]) -> Result<Rel, Diagnostics> {
        let keys: Vec<SortKey> = self.bound(&rel, |binder| Some(binder.sort_keys(keys)))?;
        let schema = rel.schema.clone();
        Ok(Rel { op: RelOp::Sort { input: Box::new(rel), keys }, schema })
    }

    fn compute(&self, rel: Rel, items: &[Computed]) -> Result<Rel, Diagnostics> {
        let more = self.bound(&rel, |binder| {
            binder.compute(items);
            Some(binder.computed.borrow().clone())
        })?;
        let mut columns = every(&rel.schema);
        columns.extend(more);
        Ok(project(rel, columns))
    }

    /// Groups by these paths, each a column of the result.
    fn groups(&self, rel: &Rel, by: &[Grouping]) -> Result<Vec<(String, Scalar)>, Diagnostics> {
        if by.len() > MOST_NAMES {
            let message = format!("more than {MOST_NAMES} properties to group by");
            return Err(vec![codes::TOO_LONG.at(Span::default(), message)]);
        }
        let mut groups: Vec<(String, Scalar)> = Vec::with_capacity(by.len());
        for grouping in by {
            let path = match grouping {
                Grouping::Path(path) => path,
                Grouping::Rollup(word) => return Err(not_here(word)),
            };
            let steps: Vec<Step> =
                path.iter().map(|name| Step { kind: StepKind::Name(name.text.clone()), span: name.span }).collect();
            let span = path[0].span;
            let expr = Expr { kind: ExprKind::Path(steps), span };
            let scalar = self.bound(rel, |binder| binder.scalar(&expr))?;
            if scalar.ty() == Type::Dynamic {
                let message = format!("`{}` has many values and cannot be grouped by", path[0].text);
                return Err(vec![codes::WRONG_TYPE.at(span, message)]);
            }
            let name = match &scalar {
                Scalar::Column { name, .. } => name.clone(),
                _ => path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join("_"),
            };
            if groups.iter().all(|(known, _)| *known != name) {
                groups.push((name, scalar));
            }
        }
        Ok(groups)
    }

    /// `groupby((a,b),aggregate(…))`; with transformations that keep entities as they are, those of each group.
    fn grouped(&mut self, rel: Rel, by: &[Grouping], then: &[Trafo]) -> Result<Rel, Diagnostics> {
        let groups = self.groups(&rel, by)?;
        match then {
            [] => Ok(summarized(rel, groups, vec![])),
            [rows @ .., Trafo::Aggregate(items)]
                if rows.iter().all(|one| matches!(one, Trafo::Compute(_) | Trafo::Identity)) =>
            {
                let rel = self.all(rel, rows)?;
                self.aggregated(rel, &groups, items)
            }
            _ => {
                let keeps = |one: &Trafo| {
                    matches!(
                        one,
                        Trafo::Compute(_)
                            | Trafo::Identity
                            | Trafo::Filter(_)
                            | Trafo::Search(_)
                            | Trafo::Orderby(_)
                            | Trafo::Top(_)
                            | Trafo::Skip(_)
                            | Trafo::Ranked { .. }
                    )
                };
                if !then.iter().all(keeps) {
                    let span = match &by[0] {
                        Grouping::Path(path) => path[0].span,
                        Grouping::Rollup(word) => word.span,
                    };
                    let what =
                        "`groupby` with anything but `aggregate`, or what keeps entities as they are, is not here yet";
                    return Err(vec![codes::NOT_YET.at(span, what)]);
                }
                let mut columns = every(&rel.schema);
                let group = self.bound(&rel, |binder| {
                    let mut args = vec![Scalar::literal(Value::string("\u{1}"), Type::String)];
                    for (_, scalar) in &groups {
                        args.push(binder.plain("tostring", vec![scalar.clone()])?);
                    }
                    args.push(Scalar::literal(Value::string(""), Type::String));
                    binder.plain("strcat_delim", args)
                })?;
                columns.push((GROUP.into(), group));
                let rel = project(rel, columns);
                let each = Rel { op: RelOp::Each, schema: rel.schema.clone() };
                let body = self.all(each, then)?;
                let columns = every(&body.schema).into_iter().filter(|(name, _)| name != GROUP).collect();
                let body = project(body, columns);
                let schema = body.schema.clone();
                let by = Scalar::column(GROUP, Type::String);
                Ok(Rel { op: RelOp::Partition { input: Box::new(rel), by, body: Box::new(body) }, schema })
            }
        }
    }

    fn aggregated(&self, rel: Rel, groups: &[(String, Scalar)], items: &[Aggregate]) -> Result<Rel, Diagnostics> {
        if let Some(item) = items.get(MOST_NAMES) {
            return Err(vec![codes::TOO_LONG.at(item.span, format!("more than {MOST_NAMES} aggregations"))]);
        }
        let mut aggregates: Vec<AggregateCall> = Vec::with_capacity(items.len());
        for item in items {
            let call = self.bound(&rel, |binder| self.aggregate(binder, item))?;
            let name = &call.outputs[0].0;
            let taken = groups.iter().any(|(known, _)| known == name)
                || aggregates.iter().any(|other| other.outputs[0].0 == *name);
            if taken {
                return Err(vec![codes::DUPLICATE_NAME.at(item.span, format!("`{name}` is there already"))]);
            }
            aggregates.push(call);
        }
        Ok(summarized(rel, groups.to_vec(), aggregates))
    }

    fn aggregate(&self, binder: &Binder<'_>, item: &Aggregate) -> Option<AggregateCall> {
        if let Some(from) = item.from {
            return binder.not_here(from, "`from` in `aggregate` is");
        }
        let counts = |expr: &Expr| matches!(&expr.kind, ExprKind::Path(steps) if matches!(steps.last(), Some(Step { kind: StepKind::Count(_), .. })));
        let (word, args) = match (&item.expr, &item.with) {
            (None, _) => ("count", vec![]),
            // The items of all entities together.
            (Some(expr), None) if counts(expr) => ("sum", vec![binder.scalar(expr)?]),
            (Some(expr), None) => {
                let fault = codes::NOT_YET.at(expr.span, "aggregations that a service names itself are not here");
                return binder.fault(fault.help("say how, as in `amount with sum as total`"));
            }
            (Some(expr), Some(method)) => {
                let word = match method.text.as_str() {
                    "sum" => "sum",
                    "min" => "min",
                    "max" => "max",
                    "average" => "avg",
                    "countdistinct" => "count_distinct",
                    other => return binder.not_here(method.span, &format!("the method `{other}` is")),
                };
                (word, vec![binder.scalar(expr)?])
            }
        };
        let aggregate = functions::aggregate(word)?;
        let count = args.len();
        let mut fitted = Vec::with_capacity(count);
        for (at, arg) in args.into_iter().enumerate() {
            let Some(param) = calls::parameter(aggregate.takes, at, count) else { continue };
            match coerce::fit(arg, param.types, self.now) {
                Ok(arg) => fitted.push(arg),
                Err(arg) => {
                    let method = item.with.as_ref().map_or(word, |method| &method.text);
                    let message = format!("`{method}` is not of a {}", arg.ty());
                    return binder.fault(codes::WRONG_TYPE.at(item.span, message));
                }
            }
        }
        let ty = match calls::gives(aggregate.gives, &fitted, word, item.span) {
            Ok(ty) => ty,
            Err(fault) => return binder.fault(fault),
        };
        let name = item.name.as_ref()?.text.clone();
        Some(AggregateCall { aggregate, args: fitted, outputs: vec![(name, ty)], span: item.span })
    }

    /// The entities of each branch, one set behind the other; what one of them lacks is absent there.
    fn concat(&mut self, rel: Rel, branches: &[Vec<Trafo>]) -> Result<Rel, Diagnostics> {
        let mut inputs = Vec::with_capacity(branches.len());
        let mut sum = 0;
        for branch in branches {
            sum += weight(vec![&rel], vec![]);
            if sum > LARGEST {
                let message = format!("`concat` in `$apply` comes to more than {LARGEST} expressions");
                return Err(vec![codes::TOO_LONG.at(Span::default(), message)]);
            }
            inputs.push(self.all(rel.clone(), branch)?);
        }
        let mut schema = Schema::default();
        for column in inputs.iter().flat_map(|input| &input.schema.columns) {
            match schema.get(&column.name).map(|known| known.ty) {
                None => schema.columns.push(column.clone()),
                Some(ty) if ty == column.ty => {}
                Some(ty) => {
                    let message = format!("`{}` is a {ty} in one branch and a {} in another", column.name, column.ty);
                    return Err(vec![codes::WRONG_TYPE.at(Span::default(), message)]);
                }
            }
        }
        let shaped = |input: Rel| {
            let columns = schema.columns.iter().map(|Column { name, ty }| {
                let there = input.schema.get(name).is_some();
                let scalar =
                    if there { Scalar::column(name.clone(), *ty) } else { Scalar::literal(Value::absent(*ty), *ty) };
                (name.clone(), scalar)
            });
            let columns = columns.collect();
            project(input, columns)
        };
        let inputs = inputs.into_iter().map(shaped).collect();
        Ok(Rel { op: RelOp::Union { inputs }, schema })
    }
}

fn every(schema: &Schema) -> Vec<(String, Scalar)> {
    schema.columns.iter().map(|column| (column.name.clone(), Scalar::column(column.name.clone(), column.ty))).collect()
}

fn taken(rel: Rel, count: u64) -> Rel {
    let schema = rel.schema.clone();
    Rel { op: RelOp::Take { input: Box::new(rel), count }, schema }
}

fn summarized(rel: Rel, by: Vec<(String, Scalar)>, aggregates: Vec<AggregateCall>) -> Rel {
    let groups = by.iter().map(|(name, scalar)| (name.clone(), scalar.ty()));
    let values = aggregates.iter().flat_map(|call| call.outputs.iter().cloned());
    let schema = Schema::new(groups.chain(values));
    Rel { op: RelOp::Summarize { input: Box::new(rel), by, aggregates }, schema }
}

fn not_here(word: &Name) -> Diagnostics {
    vec![codes::NOT_YET.at(word.span, format!("`{}` in `$apply` is not here yet", word.text))]
}
