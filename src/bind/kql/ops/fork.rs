//! `fork` and `facet`: several answers from one input.
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::bind::kql::{Binder, answer};
use crate::functions;
use crate::ir::{AggregateCall, Answer, Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Operator, OperatorKind};
use crate::text::codes;
use crate::types::{Schema, Type};

impl<'q> Binder<'_, 'q> {
    pub fn several(&mut self, input: Table, operator: &'q Operator, env: &Env<'q>) -> Bind<Vec<Answer>> {
        let input = self.shared(input);
        let mut answers = Vec::new();
        match &operator.kind {
            OperatorKind::Fork { branches } => {
                for (at, (name, operators)) in branches.iter().enumerate() {
                    let table = self.pipe(input.clone(), operators, env)?;
                    let name = match (name, at) {
                        (Some(name), _) => name.text.clone(),
                        (None, 0) => "Results".into(),
                        (None, at) => format!("Results_{}", at + 1),
                    };
                    answers.push(answer(name, table));
                }
            }
            OperatorKind::Facet { columns, with } => {
                self.few(columns.len(), "columns", operator.word)?;
                for (at, name) in columns.iter().enumerate() {
                    let column = self.named_column(&input, name, env)?;
                    let ty = column.ty();
                    if ty == Type::Dynamic {
                        let message = "rows are not grouped by dynamics";
                        return Err(self.fault(codes::WRONG_TYPE.at(name.span, message)));
                    }
                    let Some(aggregate) = functions::aggregate("count") else {
                        return Err(self.not_yet("count", name.span));
                    };
                    let count = format!("count_{}", name.text);
                    let call = AggregateCall {
                        aggregate,
                        args: Vec::<Scalar>::new(),
                        outputs: vec![(count.clone(), Type::Long)],
                        span: name.span,
                    };
                    let (rel, _) = input.clone().take();
                    let schema = Schema::new([(name.text.as_str(), ty), (count.as_str(), Type::Long)]);
                    let by = vec![(name.text.clone(), column)];
                    let op = RelOp::Summarize { input: Box::new(rel), by, aggregates: vec![call] };
                    let label = if at == 0 { "Facet".into() } else { format!("Facet_{}", at + 1) };
                    answers.push(answer(label, Table::new(Rel { op, schema })));
                }
                if let Some(operators) = with {
                    let table = self.pipe(input, operators, env)?;
                    answers.push(answer("With".into(), table));
                }
            }
            _ => return Err(self.not_yet("this operator", operator.word)),
        }
        Ok(answers)
    }
}
