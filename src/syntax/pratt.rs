//! Pratt parsing over the table of operators: how tightly each binds decides the tree. The pending left-hand sides wait
//! on a stack of their own, so that neither long chains nor many levels of operators go down the thread's stack.
use super::combinators::{Miss, Step, Tokens, certain, grow};
use crate::functions::operators::{Operator, Right};

/// What a language says about its expressions.
pub trait Expressions {
    type Tree;

    /// An operand with its prefix; `min` is how tightly an operator after it must bind to take it.
    fn operand<'t>(&self, i: Tokens<'t>, min: u8) -> Step<'t, Self::Tree>;

    /// The infix operator that stands here, and what comes after it. Takes no note of what it would have liked.
    fn operator<'t>(&self, i: Tokens<'t>) -> Option<(&'static Operator, Tokens<'t>)>;

    /// Whether a chain of this operator is one node with many terms.
    fn flat(&self, operator: &Operator) -> bool;

    /// The whole of both operands; `at` is where the operator stands.
    fn infix(&self, left: Self::Tree, operator: &'static Operator, at: Tokens<'_>, right: Self::Tree) -> Self::Tree;

    /// The whole of an operator whose right-hand side is a list or a range, which begins after `at`.
    fn suffix<'t>(&self, left: Self::Tree, operator: &'static Operator, at: Tokens<'t>) -> Step<'t, Self::Tree>;
}

struct Pending<'t, Tree> {
    left: Tree,
    height: u16,
    operator: &'static Operator,
    at: Tokens<'t>,
}

/// An expression with all its operators.
pub fn climb<'t, E: Expressions>(language: &E, i: Tokens<'t>) -> Step<'t, E::Tree> {
    let trace = i.trace;
    let outer = trace.take_height();
    let mut pending: Vec<Pending<'t, E::Tree>> = Vec::new();
    let (mut i, mut tree) = language.operand(i, 0)?;
    let mut height = trace.take_height();
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
            (height, tree) = join(language, last, tree, height)?;
        }
        match operator.right {
            Right::Operand | Right::Prefix => {
                pending.push(Pending { left: tree, height, operator, at: i });
                (i, tree) = certain(language.operand(after, operator.binds + 1))?;
                height = trace.take_height();
                most = u8::MAX;
            }
            Right::List | Right::Range => {
                let left = height;
                (i, tree) = certain(language.suffix(tree, operator, i))?;
                trace.raise_height(left);
                grow(i)?;
                height = trace.take_height();
                most = operator.binds - 1;
            }
        }
    }
    while let Some(last) = pending.pop() {
        (height, tree) = join(language, last, tree, height)?;
    }
    trace.raise_height(outer.max(height));
    Ok((i, tree))
}

/// The whole of a pending left-hand side and what stands to its right, and how high it is.
fn join<'t, E: Expressions>(
    language: &E,
    last: Pending<'t, E::Tree>,
    right: E::Tree,
    height: u16,
) -> Result<(u16, E::Tree), nom::Err<Miss>> {
    // Flat chains are as high as their highest term; all others grow with each link.
    let flat = language.flat(last.operator);
    last.at.trace.raise_height(if flat { height } else { last.height.max(height) });
    grow(last.at)?;
    let height = last.at.trace.take_height().max(last.height);
    Ok((height, language.infix(last.left, last.operator, last.at, right)))
}
