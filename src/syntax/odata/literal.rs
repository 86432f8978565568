//! Primitive literals: how long each is and what it means.
use super::ast::Literal;
use crate::value::{datetime, guid};

/// A literal at the start of a text, and its length; `None` where there is none. An error says what is wrong with it.
pub fn read(text: &str) -> Option<(Result<Literal, String>, usize)> {
    if text.starts_with('\'') {
        return Some(string(text));
    }
    let word = &text[..text.find([' ', ',', ')', '(', '\t']).unwrap_or(text.len())];
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "null" => return Some((Ok(Literal::Null), word.len())),
        "true" => return Some((Ok(Literal::Bool(true)), word.len())),
        "false" => return Some((Ok(Literal::Bool(false)), word.len())),
        "nan" => return Some((Ok(Literal::Real(f64::NAN)), word.len())),
        "inf" => return Some((Ok(Literal::Real(f64::INFINITY)), word.len())),
        "-inf" => return Some((Ok(Literal::Real(f64::NEG_INFINITY)), word.len())),
        _ => {}
    }
    // `duration'PT5M'`, `Namespace.Severity'High'`
    if let Some(quote) = word.find('\'')
        && word[..quote].chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
    {
        let (inner, length) = string(&text[quote..]);
        let literal = inner.and_then(|inner| prefixed(&lower[..quote], inner));
        return Some((literal, quote + length));
    }
    if let Some(id) = guid::parse(word).filter(|_| word.len() == 36) {
        return Some((Ok(Literal::Guid(id)), word.len()));
    }
    if !word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+' || c == '.') {
        return None;
    }
    if word == "-" {
        return None;
    }
    Some((number_or_time(word), word.len()))
}

/// `'it''s'`: a quote is doubled.
fn string(text: &str) -> (Result<Literal, String>, usize) {
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let Some(at) = rest.find('\'') else {
            return (Err("a string without its closing quote".into()), text.len());
        };
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('\'') {
            Some(next) => {
                out.push('\'');
                rest = next;
            }
            None => return (Ok(Literal::String(out)), text.len() - rest.len()),
        }
    }
}

fn prefixed(prefix: &str, inner: Literal) -> Result<Literal, String> {
    let Literal::String(inner) = inner else { return Err("a literal within a literal".into()) };
    match prefix {
        "duration" => {
            let ticks = duration(&inner).ok_or_else(|| format!("`{inner}` is no duration, as `PT1H30M` is"))?;
            Ok(Literal::Duration(ticks))
        }
        "guid" => guid::parse(&inner).map(Literal::Guid).ok_or_else(|| format!("`{inner}` is no guid")),
        "datetime" | "datetimeoffset" => {
            datetime::parse(&inner).map(Literal::Datetime).ok_or_else(|| format!("`{inner}` is no time"))
        }
        "binary" | "geography" | "geometry" => Err(format!("`{prefix}` literals are not taken here")),
        _ => Ok(Literal::Enum(inner)),
    }
}

/// Numbers, dates and times. `2018-08-01Z` is no OData literal, but clients were told to write it.
fn number_or_time(word: &str) -> Result<Literal, String> {
    if let Ok(long) = word.parse::<i64>() {
        return Ok(Literal::Long(long));
    }
    let dated = word.len() >= 10 && word.as_bytes()[4] == b'-' && word.as_bytes()[7] == b'-';
    if dated {
        let text = match word.strip_suffix(['Z', 'z']) {
            Some(date) if date.len() == 10 => date,
            _ => word,
        };
        return datetime::parse(text).map(Literal::Datetime).ok_or_else(|| format!("`{word}` is no time"));
    }
    let digits = word.trim_end_matches(['m', 'M', 'd', 'D', 'f', 'F', 'l', 'L']);
    match digits.parse::<f64>() {
        Ok(real) if digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => Ok(Literal::Real(real)),
        _ => Err(format!("`{word}` is no literal")),
    }
}

/// `[-]P[nD][T[nH][nM][n[.n]S]]` in ticks. Years and months have no fixed length and are not taken.
fn duration(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = rest.strip_prefix(['P', 'p'])?;
    let (days, time) = rest.split_once(['T', 't']).unwrap_or((rest, ""));
    let mut ticks = 0f64;
    let mut any = false;
    for (part, units) in [
        (days, &[('D', datetime::TICKS_PER_DAY)][..]),
        (
            time,
            &[('H', datetime::TICKS_PER_HOUR), ('M', datetime::TICKS_PER_MINUTE), ('S', datetime::TICKS_PER_SECOND)][..],
        ),
    ] {
        let mut rest = part;
        for (unit, per) in units {
            if let Some(at) = rest.find([*unit, unit.to_ascii_lowercase()]) {
                ticks += rest[..at].parse::<f64>().ok()? * *per as f64;
                rest = &rest[at + 1..];
                any = true;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    any.then_some(sign * ticks as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_real_clients() {
        let one = |text: &str| read(text).map(|(literal, length)| (literal.unwrap(), length));
        assert_eq!(one("'it''s' and"), Some((Literal::String("it's".into()), 7)));
        assert_eq!(one("2018-08-01Z"), one("2018-08-01").map(|(literal, _)| (literal, 11)));
        assert_eq!(one("duration'PT1M'"), Some((Literal::Duration(600_000_000), 14)));
        assert_eq!(one("-1e-5"), Some((Literal::Real(-1e-5), 5)));
        assert_eq!(one("severity"), None);
    }
}
