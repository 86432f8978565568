//! `reduce`.
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, ops};
use crate::ir::{RelOp, WholeArg, WholeCall};
use crate::syntax::kql::ast::{Expr, Operator, Setting};
use crate::text::codes;
use crate::types::{Schema, Type};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    pub fn reduce(
        &mut self,
        input: Table,
        options: &'q [Setting],
        by: &'q Expr,
        with: &'q [Setting],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        if let Some(kind) = ops::option(options, "kind") {
            let span = kind.value.span;
            return Err(self.not_yet("reduce kind", span));
        }
        let of = self.scalar(by, Scope::row(env, &input))?;
        if of.ty() != Type::String {
            let message = format!("a string is expected here, not {}", of.ty());
            return Err(self.fault(codes::WRONG_TYPE.at(by.span, message)));
        }
        let mut args = vec![WholeArg::Scalar("of", of)];
        for setting in with {
            let bound = self.scalar(&setting.value, Scope::bare(env))?;
            let value = self.settle(bound, setting.value.span)?;
            match (setting.name.text.as_str(), &value) {
                ("threshold", Value::Real(_) | Value::Int(_) | Value::Long(_)) => {
                    args.push(WholeArg::Constant("threshold", Value::Real(value.as_real().unwrap_or(0.1))));
                }
                ("characters", Value::String(_)) => args.push(WholeArg::Constant("characters", value)),
                (name, _) => {
                    let known = ["threshold", "characters"];
                    return Err(self.fault(
                        codes::UNKNOWN_PARAMETER
                            .at(setting.name.span, format!("`reduce` takes no such `{name}`"))
                            .nearest(name, known),
                    ));
                }
            }
        }
        let schema = Schema::new([("Pattern", Type::String), ("Count", Type::Long), ("Representative", Type::String)]);
        let (rel, _) = input.take();
        let call = WholeCall { name: "reduce", args, span: operator.span };
        Ok(Table::of(RelOp::Whole { inputs: vec![rel], call }, schema))
    }
}
