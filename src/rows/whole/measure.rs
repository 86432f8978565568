//! An aggregation, or an expression over several, as make-series, top-nested and pivot take it.
use super::args::Args;
use crate::functions::Fold;
use crate::ir::WholeArg;
use crate::rows::interpret::ReadyAggregate;
use crate::rows::{Compiled, RowsError};
use crate::types::{Column, Schema, Type};
use crate::value::Value;

pub struct Measure {
    aggregates: Vec<ReadyAggregate>,
    result: Option<Compiled>,
    /// Types of the values that it gives.
    pub types: Vec<Type>,
}

pub type Folds = Vec<Box<dyn Fold>>;

impl Measure {
    pub fn new(args: &Args<'_>, schema: &Schema, now: i64) -> Result<Measure, RowsError> {
        let mut aggregates = Vec::new();
        let mut outputs = Schema::default();
        for arg in args.all {
            if let WholeArg::Aggregate(_, call) = arg {
                aggregates.push(ReadyAggregate::new(call, schema, now)?);
                let columns = call.outputs.iter().map(|(name, ty)| Column { name: name.clone(), ty: *ty });
                outputs.columns.extend(columns);
            }
        }
        let result = match args.scalar("result") {
            Some(scalar) => Some(Compiled::new(scalar, &outputs, now)?),
            None => None,
        };
        let types = match &result {
            Some(result) => vec![result.ty()],
            None => outputs.columns.iter().map(|column| column.ty).collect(),
        };
        Ok(Measure { aggregates, result, types })
    }

    pub fn start(&self) -> Folds {
        self.aggregates.iter().map(ReadyAggregate::start).collect()
    }

    pub fn add(&self, folds: &mut Folds, row: &[Value<'static>]) {
        for (aggregate, fold) in self.aggregates.iter().zip(folds) {
            aggregate.add(fold.as_mut(), row);
        }
    }

    pub fn finish(&self, folds: &Folds) -> Vec<Value<'static>> {
        let outputs: Vec<Value<'static>> =
            self.aggregates.iter().zip(folds).flat_map(|(aggregate, fold)| aggregate.finish(fold.as_ref())).collect();
        match &self.result {
            Some(result) => vec![result.eval(&outputs).into_owned()],
            None => outputs,
        }
    }

    /// The single value of a measure that gives one.
    pub fn finish_one(&self, folds: &Folds) -> Value<'static> {
        self.finish(folds).into_iter().next().unwrap_or(Value::Null)
    }
}
