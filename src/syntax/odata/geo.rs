//! Shapes in geography and geometry literals: `SRID=0;Point(142.1 64.1)`. They are read so that they can be refused by
//! name; nothing is computed with them.

/// Collections within collections past this are refused.
const DEEPEST: usize = 16;

pub fn is_shape(text: &str) -> bool {
    let Some((srid, shape)) = text.split_once(';') else { return false };
    let number = match srid.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("srid=") => &srid[5..],
        _ => return false,
    };
    let short = (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    short && self::shape(shape, 0) == Some("")
}

/// What is left behind a shape.
fn shape(text: &str, depth: usize) -> Option<&str> {
    let open = text.find('(')?;
    let (word, data) = (text[..open].to_ascii_lowercase(), &text[open..]);
    match word.as_str() {
        "point" => list(data, 1, Some(1), position),
        "linestring" => list(data, 2, None, position),
        "polygon" => list(data, 1, None, |data| list(data, 1, None, position)),
        "multipoint" => list(data, 0, None, |data| list(data, 1, Some(1), position)),
        "multilinestring" => list(data, 0, None, |data| list(data, 2, None, position)),
        "multipolygon" => list(data, 0, None, |data| list(data, 1, None, |data| list(data, 1, None, position))),
        "geometrycollection" if depth < DEEPEST => list(data, 1, None, |data| shape(data, depth + 1)),
        _ => None,
    }
}

/// `(a,b,c)`
fn list(text: &str, least: usize, most: Option<usize>, item: impl Fn(&str) -> Option<&str>) -> Option<&str> {
    let mut rest = text.strip_prefix('(')?;
    if least == 0
        && let Some(end) = rest.strip_prefix(')')
    {
        return Some(end);
    }
    let mut count = 0;
    loop {
        rest = item(rest)?;
        count += 1;
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    let end = rest.strip_prefix(')')?;
    (count >= least && most.is_none_or(|most| count <= most)).then_some(end)
}

/// Two to four numbers with single blanks between.
fn position(text: &str) -> Option<&str> {
    let end = text.find([',', ')'])?;
    let numbers: Vec<&str> = text[..end].split(' ').collect();
    let all = numbers.iter().all(|number| {
        let known = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        ["NaN", "INF", "-INF"].contains(number)
            || known && !number.ends_with('.') && !number.starts_with('.') && number.parse::<f64>().is_ok()
    });
    (all && (2..=4).contains(&numbers.len())).then(|| &text[end..])
}

#[cfg(test)]
mod tests {
    use super::is_shape;

    #[test]
    fn shapes_have_their_points() {
        for good in [
            "SRID=0;Point(142.1 64.1)",
            "SRID=4326;Polygon((1 1,1 1),(1 1,2 2,3 3,1 1))",
            "SRID=0;MultiPoint()",
            "SRID=0;GeometryCollection(LineString(1 1,2 2),Point(1 2 3 4))",
        ] {
            assert!(is_shape(good), "{good}");
        }
        for bad in
            ["Point(1 2)", "SRID=123456;Point(1 2)", "SRID=0;Point(1)", "SRID=0;LineString(1 1)", "SRID=0;Point(1 2"]
        {
            assert!(!is_shape(bad), "{bad}");
        }
    }
}
