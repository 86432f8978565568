//! Uses of `declare pattern`: the query whose values are those of the use takes its place.
use super::Binder;
use super::constant::value_of;
use super::scope::{Bind, Env, Item, Scope, Table};
use crate::syntax::kql::ast::{Arg, Expr, ExprKind, Name, PatternDecl};
use crate::text::{Span, codes};
use crate::value::Value;

/// `App('a').Data`: the pattern, its arguments and the part behind the point.
pub struct Use<'q> {
    pattern: &'q PatternDecl,
    args: &'q [Arg],
    path: Option<&'q Name>,
}

/// The use of a pattern that an expression is.
pub fn used<'q>(expr: &'q Expr, env: &Env<'q>) -> Option<Use<'q>> {
    let (call, path) = match &expr.kind {
        ExprKind::Path { base, name } => (&base.kind, Some(name)),
        other => (other, None),
    };
    let ExprKind::Call { name, args } = call else { return None };
    match env.get(&name.text) {
        Some((Item::Pattern(pattern), _)) => Some(Use { pattern, args, path }),
        _ => None,
    }
}

impl<'q> Binder<'_, 'q> {
    pub fn pattern_table(&mut self, one: Use<'q>, span: Span, env: &Env<'q>) -> Bind<Table> {
        let mut given = Vec::with_capacity(one.args.len());
        for arg in one.args {
            let bound = self.scalar(&arg.value, Scope::bare(env))?;
            given.push(self.settle(bound, arg.value.span)?);
        }
        for rule in &one.pattern.rules {
            let mut values = Vec::with_capacity(rule.values.len());
            for value in &rule.values {
                let bound = self.scalar(value, Scope::bare(env))?;
                values.push(value_of(&bound).cloned().unwrap_or(Value::Null));
            }
            let path = match &rule.path {
                Some(value) => Some(self.text(value, Scope::bare(env))?),
                None => None,
            };
            if values == given && path.as_deref() == one.path.map(|name| name.text.as_str()) {
                let inner = env.inner();
                for statement in &rule.statements {
                    self.statement(statement, &inner)?;
                }
                return self.table(&rule.body, &inner);
            }
        }
        let message = format!("the pattern `{}` has no query for these values", one.pattern.name.text);
        Err(self.fault(codes::UNKNOWN_FUNCTION.at(span, message)))
    }
}
