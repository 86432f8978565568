//! `$search`: words and phrases in any of the texts of an entity.
use super::expr::Binder;
use super::{all_of, any_of};
use crate::ir::Scalar;
use crate::syntax::odata::ast::{Name, Search};
use crate::text::{Span, codes};
use crate::types::Type;
use crate::value::Value;

/// The texts of an entity are put together for each term.
const MOST_TERMS: usize = 1000;

fn terms(search: &Search) -> usize {
    match search {
        Search::Term(_) | Search::Quoted(_) => 1,
        Search::Not(inner) => terms(inner),
        Search::All(all) | Search::Any(all) => all.iter().map(terms).sum(),
    }
}

impl Binder<'_> {
    /// The terms are found as `has` finds them, in the texts of all properties together.
    pub fn search(&self, search: &Search) -> Option<Scalar> {
        let mut args = vec![Scalar::literal(Value::string("\n"), Type::String)];
        for column in &self.set.properties.columns {
            let text = match column.ty {
                Type::String => Scalar::column(column.name.clone(), column.ty),
                Type::Dynamic => self.plain("tostring", vec![Scalar::column(column.name.clone(), column.ty)])?,
                _ => continue,
            };
            args.push(text);
        }
        let texts = self.plain("strcat_delim", args)?;
        let count = terms(search);
        if count > MOST_TERMS {
            let message = format!("`$search` looks for {count} terms, and for {MOST_TERMS} at most");
            return self.fault(codes::TOO_LONG.at(Span::default(), message));
        }
        self.found(search, &texts)
    }

    fn found(&self, search: &Search, texts: &Scalar) -> Option<Scalar> {
        match search {
            Search::Term(term) | Search::Quoted(Name { text: term, .. }) => {
                let term = Scalar::literal(Value::string(term.clone()), Type::String);
                self.plain("has", vec![texts.clone(), term])
            }
            Search::Not(inner) => {
                let inner = self.found(inner, texts)?;
                self.plain("not", vec![inner])
            }
            Search::All(terms) => {
                Some(all_of(terms.iter().map(|term| self.found(term, texts)).collect::<Option<_>>()?))
            }
            Search::Any(terms) => {
                Some(any_of(terms.iter().map(|term| self.found(term, texts)).collect::<Option<_>>()?))
            }
        }
    }
}
