//! Pratt parsing over the table of operators: how tightly each binds decides the tree.
use super::combinators::{Step, Tokens};
use crate::functions::operators::Operator;

/// What a language says about its expressions.
pub trait Expressions {
    type Tree;

    /// An operand with its prefix; `min` is how tightly the operators of this stretch bind at least.
    fn operand<'t>(&self, i: Tokens<'t>, min: u8) -> Step<'t, Self::Tree>;

    /// The infix operator that stands here, and what comes after it. Takes no note of what it would have liked.
    fn operator<'t>(&self, i: Tokens<'t>) -> Option<(&'static Operator, Tokens<'t>)>;

    /// The right-hand side, which begins at `i`, and the whole made of both.
    fn whole<'t>(
        &self,
        i: Tokens<'t>,
        left: Self::Tree,
        operator: &'static Operator,
        at: Tokens<'t>,
    ) -> Step<'t, Self::Tree>;
}

/// An expression of operators that bind at least as tightly as `min`. Links of a chain are a loop, not a recursion.
pub fn climb<'t, E: Expressions>(language: &E, i: Tokens<'t>, min: u8) -> Step<'t, E::Tree> {
    let (mut i, mut tree) = language.operand(i, min)?;
    let mut most = u8::MAX;
    while let Some((operator, after)) = language.operator(i) {
        if operator.binds < min || operator.binds > most {
            break;
        }
        (i, tree) = language.whole(after, tree, operator, i)?;
        most = if operator.chains() { operator.binds } else { operator.binds - 1 };
    }
    Ok((i, tree))
}
