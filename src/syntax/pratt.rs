//! Pratt parsing over the table of operators: how tightly each binds decides the tree. The pending left-hand sides wait
//! on a stack of their own, so that neither long chains nor many levels of operators go down the thread's stack.
use super::combinators::{Step, Tokens, certain};
use crate::functions::operators::{Operator, Right};

/// What a language says about its expressions.
pub trait Expressions {
    type Tree;

    /// An operand with its prefix; `min` is how tightly an operator after it must bind to take it.
    fn operand<'t>(&self, i: Tokens<'t>, min: u8) -> Step<'t, Self::Tree>;

    /// The infix operator that stands here, and what comes after it. Takes no note of what it would have liked.
    fn operator<'t>(&self, i: Tokens<'t>) -> Option<(&'static Operator, Tokens<'t>)>;

    /// The whole of both operands; `at` is where the operator stands.
    fn infix<'t>(
        &self,
        left: Self::Tree,
        operator: &'static Operator,
        at: Tokens<'t>,
        right: Self::Tree,
    ) -> Step<'t, Self::Tree>;

    /// The whole of an operator whose right-hand side is a list or a range, which begins after `at`.
    fn suffix<'t>(&self, left: Self::Tree, operator: &'static Operator, at: Tokens<'t>) -> Step<'t, Self::Tree>;
}

struct Pending<'t, Tree> {
    left: Tree,
    operator: &'static Operator,
    at: Tokens<'t>,
}

/// An expression with all its operators.
pub fn climb<'t, E: Expressions>(language: &E, i: Tokens<'t>) -> Step<'t, E::Tree> {
    let mut pending: Vec<Pending<'t, E::Tree>> = Vec::new();
    let (mut i, mut tree) = language.operand(i, 0)?;
    // How tightly the next operator may bind: a comparison cannot be an operand of another one.
    let mut most = u8::MAX;
    'operators: while let Some((operator, after)) = language.operator(i) {
        if operator.binds > most {
            break;
        }
        while let Some(last) = pending.pop_if(|last| last.operator.binds >= operator.binds) {
            if last.operator.binds == operator.binds && !operator.chains() {
                pending.push(last);
                break 'operators;
            }
            (_, tree) = language.infix(last.left, last.operator, last.at, tree)?;
        }
        match operator.right {
            Right::Operand | Right::Prefix => {
                pending.push(Pending { left: tree, operator, at: i });
                (i, tree) = certain(language.operand(after, operator.binds + 1))?;
                most = u8::MAX;
            }
            Right::List | Right::Range => {
                (i, tree) = certain(language.suffix(tree, operator, i))?;
                most = operator.binds - 1;
            }
        }
    }
    while let Some(last) = pending.pop() {
        (_, tree) = language.infix(last.left, last.operator, last.at, tree)?;
    }
    Ok((i, tree))
}
