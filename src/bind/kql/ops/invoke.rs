//! `invoke`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Item, Reported, Scope, Table};
use crate::bind::provided;
use crate::ir::Scalar;
use crate::syntax::kql::ast::{Arg, Expr, ExprKind, Lambda, Name};
use crate::text::{Span, codes};
use crate::types::Type;
use crate::value::Value;
use std::rc::Rc;

impl<'q> Binder<'_, 'q> {
    pub fn invoke(&mut self, input: Table, name: &'q Name, args: &'q [Arg], span: Span, env: &Env<'q>) -> Bind<Table> {
        match env.get(&name.text) {
            Some((Item::Lambda(lambda), made_in)) if is_file_profile(lambda) => {
                self.file_profile(input, lambda, &made_in, args, span, env)
            }
            Some((Item::Lambda(lambda), made_in)) => self.lambda_table(lambda, &made_in, Some(input), args, span, env),
            Some((Item::Broken, _)) => Err(Reported),
            Some((Item::Scalar(_) | Item::Argument(..) | Item::Table(_) | Item::Pattern(_), _)) => {
                let message = format!("`{}` is no function", name.text);
                Err(self.fault(codes::UNKNOWN_FUNCTION.at(name.span, message)))
            }
            None => Err(self.unknown_function(name)),
        }
    }

    /// `FileProfile(column, limit)`: the column is named as it is, or as a string.
    fn file_profile(
        &mut self,
        input: Table,
        lambda: &'q Lambda,
        made_in: &Env<'q>,
        args: &'q [Arg],
        span: Span,
        env: &Env<'q>,
    ) -> Bind<Table> {
        if args.len() > 2 {
            return Err(self.fault(codes::ARGUMENT_COUNT.at(span, "`FileProfile` takes 0 to 2 arguments")));
        }
        let (column, at) = match args.first().map(|arg| &arg.value) {
            None => ("SHA1".to_owned(), span),
            Some(Expr { kind: ExprKind::Name(name), span }) if input.column(&name.text, *span).is_some() => {
                (name.text.clone(), *span)
            }
            Some(Expr { kind: ExprKind::Name(name), .. }) if env.get(&name.text).is_none() => {
                return Err(self.unknown_column(name, Scope::row(env, &input)));
            }
            Some(expr) => (self.text(expr, Scope::bare(env))?, expr.span),
        };
        let fault = match input.column(&column, at).map(|found| found.ty()) {
            Some(Type::String) => None,
            Some(ty) => Some(codes::WRONG_TYPE.at(at, format!("the column `{column}` must be string, not {ty}"))),
            None => Some(codes::UNKNOWN_COLUMN.at(at, format!("no column is named `{column}`"))),
        };
        if let Some(fault) = fault {
            return Err(self.fault(fault));
        }
        if let Some(limit) = args.get(1) {
            let bound = self.scalar(&limit.value, Scope::bare(env))?;
            self.as_declared(bound, Type::Long, limit.value.span)?;
        }
        let inner = made_in.inner();
        let names = lambda.parameters.iter().map(|parameter| parameter.name.text.as_str());
        let key = Scalar::literal(Value::string(column), Type::String);
        for (name, item) in names.zip([Item::Table(Rc::new(input)), Item::Scalar(key)]) {
            inner.add(name, item);
        }
        self.enter(span)?;
        let bound = self.within(lambda, span, |binder| {
            lambda.statements.iter().try_for_each(|statement| binder.statement(statement, &inner))?;
            binder.table(&lambda.body, &inner)
        });
        self.leave();
        bound
    }
}

fn is_file_profile(lambda: &Lambda) -> bool {
    provided::functions().iter().any(|(one, _)| one.name == "FileProfile" && std::ptr::eq(&one.lambda, lambda))
}
