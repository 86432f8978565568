//! `$select`: which properties of the entities are told.
use super::expr::Binder;
use super::sets::Kind;
use crate::ir::Scalar;
use crate::syntax::odata::ast::{Name, Options, SelectItem, Step, StepKind};
use crate::text::codes;
use crate::types::Type;
use crate::value::Value;

impl Binder<'_> {
    /// The columns of the answer, by name.
    pub fn select(&self, options: &Options, expanded: bool) -> Vec<(String, Scalar)> {
        let mut columns: Vec<(String, Scalar)> = Vec::new();
        let star = options.select.iter().any(|item| item.path.len() == 1 && item.path[0].text == "*");
        if options.select.is_empty() || star {
            let all = self.set.properties.columns.iter();
            columns.extend(all.map(|column| (column.name.clone(), Scalar::column(column.name.clone(), column.ty))));
            columns.extend(self.computed.borrow().iter().cloned());
        }
        // Parts of one property are told together.
        let mut parts: Vec<(String, Vec<&SelectItem>)> = Vec::new();
        for item in &options.select {
            if item.path[0].text == "*" {
                continue;
            }
            if let Some(options) = item.options.as_ref().filter(|options| ***options != Options::default()) {
                let _ = options;
                self.not_here::<()>(item.span, "options within `$select` are");
                continue;
            }
            let Some(name) = self.selected(&item.path[0]) else { continue };
            match parts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, items)) => items.push(item),
                None => parts.push((name, vec![item])),
            }
        }
        for (name, items) in parts {
            if columns.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let whole = items.iter().any(|item| item.path.len() == 1);
            let scalar = if whole { self.whole(&name) } else { self.parts(&items) };
            columns.extend(scalar.map(|scalar| (name, scalar)));
        }
        if expanded && columns.iter().all(|(name, _)| name != "evidence") {
            columns.extend(self.whole("evidence").map(|scalar| ("evidence".to_owned(), scalar)));
        }
        columns
    }

    /// The name of a property or of what is computed.
    fn selected(&self, name: &Name) -> Option<String> {
        if self.computed.borrow().iter().any(|(known, _)| *known == name.text) {
            return Some(name.text.clone());
        }
        if name.text.starts_with('@') || name.text.ends_with('*') {
            return self.not_here(name.span, &format!("`{}` in `$select` is", name.text));
        }
        let relation = super::sets::RELATED.iter().any(|one| one.relation.eq_ignore_ascii_case(&name.text));
        if relation && matches!(self.set.kind, Kind::Alerts) {
            return self.not_here(name.span, &format!("`{}` in `$select` is", name.text));
        }
        self.named(name).map(|column| column.name.clone())
    }

    fn whole(&self, name: &str) -> Option<Scalar> {
        if let Some((_, scalar)) = self.computed.borrow().iter().find(|(known, _)| known == name) {
            return Some(scalar.clone());
        }
        self.set.properties.get(name).map(|column| Scalar::column(column.name.clone(), column.ty))
    }

    /// `relatedUser/userName,relatedUser/domainName`: an object with these.
    fn parts(&self, items: &[&SelectItem]) -> Option<Scalar> {
        let mut args = Vec::with_capacity(items.len() * 2);
        for item in items {
            let steps: Vec<Step> = item
                .path
                .iter()
                .map(|name| Step { kind: StepKind::Name(name.text.clone()), span: name.span })
                .collect();
            if item.path.len() > 2 {
                return self.not_here(item.span, "a path of more than two names in `$select` is");
            }
            let collection = ["evidence", "comments", "mitreTechniques"];
            if collection.iter().any(|name| name.eq_ignore_ascii_case(&item.path[0].text)) {
                return self.not_here(item.span, "a part of a collection in `$select` is");
            }
            let found = self.raw_path(&steps, item.span)?;
            let key = match &found {
                Scalar::Call { args, .. } => args.get(1).cloned(),
                _ => None,
            };
            let Some(key) = key else {
                return self.fault(codes::WRONG_TYPE.at(item.span, "this has no parts"));
            };
            args.push(key);
            args.push(found);
        }
        let bag = self.plain("bag_pack", args)?;
        let whole = self.whole(&self.selected(&items[0].path[0])?)?;
        // What is absent has no parts.
        let absent = self.plain("isnull", vec![whole])?;
        self.plain("iff", vec![absent, Scalar::literal(Value::Null, Type::Dynamic), bag])
    }
}
