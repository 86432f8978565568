//! `invoke`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Item, Reported, Table};
use crate::syntax::kql::ast::{Arg, Name};
use crate::text::{Span, codes};

impl<'q> Binder<'_, 'q> {
    pub fn invoke(&mut self, input: Table, name: &'q Name, args: &'q [Arg], span: Span, env: &Env<'q>) -> Bind<Table> {
        match env.get(&name.text) {
            Some((Item::Lambda(lambda), made_in)) => self.lambda_table(lambda, &made_in, Some(input), args, span, env),
            Some((Item::Broken, _)) => Err(Reported),
            Some((Item::Scalar(_) | Item::Argument(..) | Item::Table(_) | Item::Pattern(_), _)) => {
                let message = format!("`{}` is no function", name.text);
                Err(self.fault(codes::UNKNOWN_FUNCTION.at(name.span, message)))
            }
            None => Err(self.unknown_function(name)),
        }
    }
}
