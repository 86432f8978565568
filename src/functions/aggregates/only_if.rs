//! The `…if` forms: another fold that sees only the rows whose predicate (argument 1) is true, and sees them without it.
use crate::functions::{Call, Fold};
use crate::value::Value;

const PREDICATE: usize = 1;

#[derive(Debug)]
pub struct OnlyIf {
    inner: Box<dyn Fold>,
}

/// The fold that `start` begins, over the rows that the predicate keeps.
pub fn only_if(call: &Call<'_>, start: fn(&Call<'_>) -> Box<dyn Fold>) -> Box<dyn Fold> {
    let types: Vec<_> = call.types.iter().enumerate().filter(|(i, _)| *i != PREDICATE).map(|(_, ty)| *ty).collect();
    Box::new(OnlyIf { inner: start(&Call { types: &types, ..*call }) })
}

/// The same where the predicate is the last argument, as in `covarianceif(x, y, predicate)`.
pub fn only_if_last(call: &Call<'_>, start: fn(&Call<'_>) -> Box<dyn Fold>) -> Box<dyn Fold> {
    let types = &call.types[..call.types.len().saturating_sub(1)];
    Box::new(OnlyIfLast { inner: start(&Call { types, ..*call }) })
}

impl Fold for OnlyIf {
    fn add(&mut self, args: &[Value<'_>]) {
        if args.get(PREDICATE).and_then(Value::as_bool) != Some(true) {
            return;
        }
        match args {
            [only, _] => self.inner.add(std::slice::from_ref(only)),
            [first, _, rest @ ..] => {
                let args: Vec<Value<'_>> = std::iter::once(first).chain(rest).map(Value::borrow).collect();
                self.inner.add(&args);
            }
            _ => {}
        }
    }

    fn ignores_repeats(&self) -> bool {
        self.inner.ignores_repeats()
    }

    fn state(&self) -> Vec<Value<'static>> {
        self.inner.state()
    }

    fn merge(&mut self, state: &[Value<'_>]) {
        self.inner.merge(state);
    }

    fn finish(&self) -> Value<'static> {
        self.inner.finish()
    }

    fn finish_row(&self) -> Vec<Value<'static>> {
        self.inner.finish_row()
    }

    fn size(&self) -> usize {
        size_of_val(&*self.inner) + self.inner.size()
    }
}

#[derive(Debug)]
struct OnlyIfLast {
    inner: Box<dyn Fold>,
}

impl Fold for OnlyIfLast {
    fn add(&mut self, args: &[Value<'_>]) {
        if let [rest @ .., predicate] = args
            && predicate.as_bool() == Some(true)
        {
            self.inner.add(rest);
        }
    }

    fn ignores_repeats(&self) -> bool {
        self.inner.ignores_repeats()
    }

    fn state(&self) -> Vec<Value<'static>> {
        self.inner.state()
    }

    fn merge(&mut self, state: &[Value<'_>]) {
        self.inner.merge(state);
    }

    fn finish(&self) -> Value<'static> {
        self.inner.finish()
    }

    fn size(&self) -> usize {
        size_of_val(&*self.inner) + self.inner.size()
    }
}
