//! One row to several: mv-expand, parse and parse-kv, row by row. The interpreter and the planner both use it.
use super::RowsError;
use crate::ir::{Expander, ParsePart, Scalar};
use crate::types::Type;
use crate::value::Value;

mod kv;
mod mv;
mod parse;

/// An expander readied for use.
#[derive(Debug)]
pub struct Expansion {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Mv(mv::MvExpand),
    Parse(parse::Parse),
    Kv(kv::ParseKv),
}

impl Expansion {
    pub fn new(expander: &Expander) -> Result<Expansion, RowsError> {
        let kind = match expander {
            Expander::MvExpand { columns, index, array_bags, limit } => Kind::Mv(mv::MvExpand {
                types: columns.iter().map(|(_, _, ty)| *ty).collect(),
                index: index.is_some(),
                array_bags: *array_bags,
                limit: limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            }),
            Expander::Parse { pattern, filter, .. } => Kind::Parse(parse::Parse::new(pattern, *filter)?),
            Expander::ParseKv { columns, settings, .. } => Kind::Kv(kv::ParseKv::new(columns, settings)?),
        };
        Ok(Expansion { kind })
    }

    /// The values of these, in this order, are what [`Expansion::expand`] takes for each row.
    pub fn arguments(expander: &Expander) -> Vec<&Scalar> {
        match expander {
            Expander::MvExpand { columns, .. } => columns.iter().map(|(_, scalar, _)| scalar).collect(),
            Expander::Parse { expr, .. } | Expander::ParseKv { expr, .. } => vec![expr],
        }
    }

    /// The columns that it gives, in this order. A column of the result schema of that name has this value; all other
    /// columns of the result are the input's.
    pub fn gives(expander: &Expander) -> Vec<(String, Type)> {
        match expander {
            Expander::MvExpand { columns, index, .. } => columns
                .iter()
                .map(|(name, _, ty)| (name.clone(), *ty))
                .chain(index.iter().map(|name| (name.clone(), Type::Long)))
                .collect(),
            Expander::Parse { pattern, .. } => pattern
                .parts
                .iter()
                .filter_map(|part| match part {
                    ParsePart::Column(name, ty) => Some((name.clone(), *ty)),
                    ParsePart::Text(_) | ParsePart::Star => None,
                })
                .collect(),
            Expander::ParseKv { columns, .. } => columns.clone(),
        }
    }

    /// Emits the values of the given columns, once for each row that this row becomes.
    pub fn expand<'a>(&self, args: &[Value<'a>], emit: &mut dyn FnMut(&[Value<'_>])) {
        match &self.kind {
            Kind::Mv(mv) => mv.expand(args, emit),
            Kind::Parse(parse) => {
                if let Some(values) = parse.values(&text_of(args)) {
                    emit(&values);
                }
            }
            Kind::Kv(kv) => emit(&kv.values(&text_of(args))),
        }
    }
}

fn text_of<'v>(args: &'v [Value<'_>]) -> std::borrow::Cow<'v, str> {
    args.first().map_or(std::borrow::Cow::Borrowed(""), Value::text)
}
