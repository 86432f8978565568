//! `$compute`: names for expressions, which the other options may use.
use super::expr::Binder;
use crate::syntax::odata::ast::Computed;
use crate::text::codes;

/// The most names at once.
pub const MOST_NAMES: usize = 1000;

impl Binder<'_> {
    pub fn compute(&self, items: &[Computed]) {
        if let Some(item) = items.get(MOST_NAMES) {
            self.fault::<()>(codes::TOO_LONG.at(item.name.span, format!("more than {MOST_NAMES} computed properties")));
            return;
        }
        for item in items {
            let name = &item.name;
            let taken = self.set.property(&name.text).is_some()
                || self.computed.borrow().iter().any(|(known, _)| *known == name.text);
            if taken {
                let fault = codes::DUPLICATE_NAME.at(name.span, format!("`{}` is there already", name.text));
                self.fault::<()>(fault.help("choose another name behind `as`"));
                continue;
            }
            if let Some(scalar) = self.scalar(&item.expr) {
                self.computed.borrow_mut().push((name.text.clone(), scalar));
            }
        }
    }
}
