//! What a client asks of an answer's form: how much it says of itself, and how many entities a page has.
use crate::engine::QueryError;
use crate::engine::RequestLine;
use crate::text::{Source, codes};
use crate::wire::odata_json::Level;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    pub level: Level,
    /// Fewer entities on a page than there may be.
    pub page: Option<u64>,
    /// Whether the level was asked for, and the answer's type names it.
    named: bool,
}

impl Shape {
    /// Pages of at most so many.
    pub fn paged(page: u64) -> Shape {
        Shape { page: Some(page), ..Shape::default() }
    }

    /// `$format` goes before `Accept`; `Prefer` says the size of a page.
    pub fn of(line: &RequestLine, headers: &HeaderMap, source: &Source) -> Result<Shape, QueryError> {
        let page = preferred_page(headers);
        let given = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accepted: String = given.collect::<Vec<_>>().join(",");
        let Some(format) = &line.options.format else {
            let level = accepted.split(',').find_map(level_of);
            return Ok(Shape { level: level.unwrap_or_default(), page, named: level.is_some() });
        };
        let text = format.text.to_ascii_lowercase();
        let kind = text.split(';').next().unwrap_or("").trim();
        if !["json", "application/json"].contains(&kind) {
            let fault = codes::NOT_YET.at(format.span, format!("answers as `{}` are not here yet", format.text));
            return Err(QueryError::Wrong(source.clone(), vec![fault.help("answers are JSON")]));
        }
        let level = level_of(&text);
        Ok(Shape { level: level.unwrap_or_default(), page, named: level.is_some() })
    }

    /// The headers that say what was done of what was asked.
    pub fn told(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if self.named {
            let kind = match self.level {
                Level::None => "application/json;odata.metadata=none;charset=utf-8",
                Level::Minimal => "application/json;odata.metadata=minimal;charset=utf-8",
                Level::Full => "application/json;odata.metadata=full;charset=utf-8",
            };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some(page) = self.page
            && let Ok(applied) = HeaderValue::from_str(&format!("odata.maxpagesize={page}"))
        {
            headers.insert("preference-applied", applied);
        }
    }
}

/// `odata.maxpagesize=50`, `maxpagesize=50`: a page of no entities is none.
fn preferred_page(headers: &HeaderMap) -> Option<u64> {
    let given = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let named = given.flat_map(|value| value.split([',', ';'])).filter_map(|part| part.split_once('='));
    let mut sizes = named.filter_map(|(name, size)| {
        let name = name.trim().to_ascii_lowercase();
        let ours = name.strip_prefix("odata.").unwrap_or(&name) == "maxpagesize";
        if ours { size.trim().trim_matches('"').parse().ok() } else { None }
    });
    sizes.find(|size| *size > 0)
}

/// The level in `application/json;odata.metadata=full`.
fn level_of(kind: &str) -> Option<Level> {
    let word = kind.split(';').filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
        let name = name.trim().to_ascii_lowercase();
        (name.strip_prefix("odata.").unwrap_or(&name) == "metadata").then(|| value.trim().to_ascii_lowercase())
    })?;
    match word.as_str() {
        "none" => Some(Level::None),
        "minimal" => Some(Level::Minimal),
        "full" => Some(Level::Full),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_found_among_others() {
        let page = |prefer: &'static str| {
            preferred_page(&HeaderMap::from_iter([(
                "prefer".parse().expect("a name"),
                HeaderValue::from_static(prefer),
            )]))
        };
        assert_eq!(page("respond-async, odata.maxpagesize=50"), Some(50));
        assert_eq!(page("MaxPageSize=\"7\""), Some(7));
        assert_eq!(page("maxpagesize=0"), None);
        assert_eq!(page("maxpagesize=many"), None);
        assert_eq!(level_of("application/json; odata.metadata=full; charset=utf-8"), Some(Level::Full));
        assert_eq!(level_of("application/json;metadata=none"), Some(Level::None));
        assert_eq!(level_of("*/*;q=0.8"), None);
    }
}
