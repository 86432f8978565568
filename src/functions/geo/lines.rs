//! Lines: lengths, points along them, where they meet.
use super::overlay;
use super::points::metres;
use super::shapes::{Polygon, Ring, lines, lines_json, place, point_json, points_json, polygons, polygons_json};
use super::sphere::{self, Point, RADIUS, add, along, angle, cross, crossing, nearest, norm, point, scale, sub, unit};
use crate::functions::arguments::row;
use crate::functions::{Call, Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value, convert};
use std::collections::HashSet;

/// A longitude and a latitude, bit by bit.
type Corner = (u64, u64);

const BAG: Types = Types::DYNAMIC;
const NUMBER: Types = Types::NUMBER;
const POINT_AND_LINE: &[Param] = &[one("longitude", NUMBER), one("latitude", NUMBER), one("lineString", BAG)];

pub const FUNCTIONS: &[Function] = &[
    row(
        &["geo_line_length"],
        "The length of a line in metres.",
        &[one("lineString", BAG)],
        Gives::Always(Type::Real),
        |_, args| edges(&args[0]).map_or(Value::Null, |edges| Value::Real(length(&edges) * RADIUS)),
        &[("tolong(geo_line_length(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 0]]})))", "111195")],
    ),
    row(
        &["geo_line_centroid"],
        "The middle of a line's mass.",
        &[one("lineString", BAG)],
        Gives::Always(Type::Dynamic),
        |_, args| edges(&args[0]).map_or(Value::Null, |edges| point_json(middle(&edges))),
        &[("geo_line_centroid(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [0, 0]]}))", "null")],
    ),
    row(
        &["geo_line_interpolate_point"],
        "The point at a fraction (0 to 1) of a line's length.",
        &[one("lineString", BAG), one("fraction", NUMBER)],
        Gives::Always(Type::Dynamic),
        interpolate,
        &[(
            "geo_line_interpolate_point(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [0, 2]]}), \
            2)",
            "null",
        )],
    ),
    row(
        &["geo_line_locate_point"],
        "How far along a line (0 to 1) the point on it lies that is nearest to a point.",
        &[
            one("lineString", BAG),
            one("longitude", NUMBER),
            one("latitude", NUMBER),
            optional("use_spheroid", NUMBER.or(Types::BOOL)),
        ],
        Gives::Always(Type::Real),
        locate,
        &[("geo_line_locate_point(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [2, 0]]}), 0, 1)", "0.0")],
    ),
    row(
        &["geo_distance_point_to_line"],
        "The distance from a point to a line in metres.",
        POINT_AND_LINE,
        Gives::Always(Type::Real),
        |_, args| closest(args).map_or(Value::Null, |(p, on)| Value::Real(angle(p, on) * RADIUS)),
        &[("geo_distance_point_to_line(1, 1, dynamic({'type': 'LineString'}))", "null")],
    ),
    row(
        &["geo_closest_point_on_line"],
        "The point of a line that is nearest to a point.",
        POINT_AND_LINE,
        Gives::Always(Type::Dynamic),
        |_, args| closest(args).map_or(Value::Null, |(_, on)| point_json(on)),
        &[("geo_closest_point_on_line(1, 1, dynamic({'type': 'LineString'}))", "null")],
    ),
    row(
        &["geo_intersects_2lines"],
        "Whether two lines meet.",
        &[one("lineString1", BAG), one("lineString2", BAG)],
        Gives::Always(Type::Bool),
        |_, args| meetings(args).map_or(Value::Null, |points| Value::Bool(!points.is_empty())),
        &[(
            "geo_intersects_2lines(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [2, 2]]}), \
             dynamic({'type': 'LineString', 'coordinates': [[0, 2], [2, 0]]}))",
            "True",
        )],
    ),
    row(
        &["geo_intersection_2lines"],
        "The points in which two lines meet, and the edges that stand in both.",
        &[one("lineString1", BAG), one("lineString2", BAG)],
        Gives::Always(Type::Dynamic),
        |_, args| match (meetings(args), shared_edges(args)) {
            (Some(points), Some((lines, corners))) => meetings_json(points, lines, &corners),
            _ => Value::Null,
        },
        &[
            (
                "geo_intersection_2lines(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 1]]}), \
                 dynamic({'type': 'LineString', 'coordinates': [[5, 5], [6, 5]]}))",
                "{\"type\":\"GeometryCollection\",\"geometries\":[]}",
            ),
            (
                "geo_intersection_2lines(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 1], [2, 1]]}), \
                 dynamic({'type': 'LineString', 'coordinates': [[2, 1], [1, 1]]})).type",
                "LineString",
            ),
        ],
    )
    .differs("of edges that lie upon each other without having both ends in common, only points are given"),
    row(
        &["geo_intersects_line_with_polygon"],
        "Whether a line meets a polygon.",
        &[one("lineString", BAG), one("polygon", BAG)],
        Gives::Always(Type::Bool),
        |_, args| match (edges(&args[0]), polygons(&args[1])) {
            (Some(edges), Some(polygons)) => Value::Bool(polygons.iter().any(|polygon| {
                edges.iter().any(|(a, b)| {
                    polygon.contains(*a)
                        || polygon.contains(*b)
                        || polygon.edges().any(|(c, d)| crossing(*a, *b, c, d).is_some())
                })
            })),
            _ => Value::Null,
        },
        &[(
            "geo_intersects_line_with_polygon(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 1]]}), \
             dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [9, 1], [9, 9], [0, 0]]]}))",
            "True",
        )],
    ),
    row(
        &["geo_intersection_line_with_polygon"],
        "The parts of a line that lie in a polygon.",
        &[one("lineString", BAG), one("polygon", BAG)],
        Gives::Always(Type::Dynamic),
        within,
        &[(
            "geo_intersection_line_with_polygon(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 1]]}), \
             dynamic({'type': 'Polygon', 'coordinates': [[[5, 5], [9, 5], [9, 9], [5, 5]]]}))",
            "{\"type\":\"GeometryCollection\",\"geometries\":[]}",
        )],
    ),
    row(
        &["geo_line_simplify"],
        "A line without the points that lie no further than the tolerance (in metres, else 10) from the rest.",
        &[one("lineString", BAG), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| match (lines(&args[0]), tolerance(args)) {
            (Some(lines), Some(tolerance)) => {
                let simple: Vec<Ring> = lines
                    .iter()
                    .map(|line| simplified(line, tolerance))
                    .filter(|line| stays(line, tolerance))
                    .collect();
                if simple.is_empty() { Value::Null } else { lines_json(simple) }
            }
            _ => Value::Null,
        },
        &[
            (
                "geo_line_simplify(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [0.00001, 1], [0, 2]]}))",
                "{\"type\":\"LineString\",\"coordinates\":[[0.0,0.0],[0.0,2.0]]}",
            ),
            ("geo_line_simplify(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [0, 0.1]]}), 20000)", "null"),
        ],
    ),
    row(
        &["geo_line_buffer"],
        "A polygon around all that lies within so many metres of a line; its edges leave the curve by no more than the \
        tolerance.",
        &[one("lineString", BAG), one("radius", NUMBER), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| match (edges(&args[0]), rounding(args)) {
            (Some(edges), Some((radius, steps))) => {
                let around: Vec<Polygon> = edges.into_iter().map(|edge| capsule(edge, radius, steps)).collect();
                overlay::union(&around).map_or(Value::Null, polygons_json)
            }
            _ => Value::Null,
        },
        &[
            ("geo_line_buffer(dynamic({'type': 'LineString'}), 5)", "null"),
            (
                "geo_point_in_polygon(0.5, 0.00001, \
                geo_line_buffer(dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 0]]}), 5))",
                "True",
            ),
        ],
    )
    .differs("corners may begin elsewhere; more than 4,000 edges give null"),
    row(
        &["geo_union_lines_array"],
        "Lines joined where their ends meet, edges that stand twice taken once.",
        &[one("lineStrings", BAG)],
        Gives::Always(Type::Dynamic),
        union,
        &[(
            "geo_union_lines_array(dynamic([{'type': 'LineString', 'coordinates': [[0, 0], [1, 1]]}, \
             {'type': 'LineString', 'coordinates': [[1, 1], [2, 1]]}]))",
            "{\"type\":\"LineString\",\"coordinates\":[[0.0,0.0],[1.0,1.0],[2.0,1.0]]}",
        )],
    )
    .differs("lines are not cut where they cross between their ends"),
    row(
        &["geo_line_densify"],
        "A line with further points, so that its straight edges on a map leave the geodesics by no more than \
         the tolerance.",
        &[one("lineString", BAG), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let dense = lines(&args[0]).zip(tolerance(args)).and_then(|(lines, tolerance)| {
                lines.iter().map(|line| densified(line, tolerance)).collect::<Option<Vec<_>>>()
            });
            dense.map_or(Value::Null, |dense| lines_json(dense.into_iter().flat_map(cut_at_date_line).collect()))
        },
        &[("geo_line_densify(dynamic({'type': 'LineString'}))", "null")],
    ),
];

/// A line with its longitudes in bounds, in two or more parts where it crosses the date line.
fn cut_at_date_line(line: Vec<(f64, f64)>) -> Vec<Ring> {
    const EDGE: f64 = 179.999_999_999_999;
    let mut parts: Vec<Ring> = vec![vec![]];
    let mut last: Option<(f64, f64)> = None;
    for (lng, lat) in line {
        let lng = if lng.abs() > 180.0 { (lng + 180.0).rem_euclid(360.0) - 180.0 } else { lng };
        if let Some(before) = last.filter(|before| (before.0 - lng).abs() > 180.0) {
            let (a, b) = (point(before.0, before.1), point(lng, lat));
            // Where the geodesic meets the plane of the date line.
            let meet = crossing(a, b, point(180.0, 89.0), point(180.0, -89.0));
            let height = meet.map_or((before.1 + lat) / 2.0, |meet| sphere::degrees(meet).1);
            if let Some(part) = parts.last_mut() {
                part.push((EDGE.copysign(before.0), height));
            }
            parts.push(vec![(EDGE.copysign(lng), height)]);
        }
        if let Some(part) = parts.last_mut() {
            part.push((lng, lat));
        }
        last = Some((lng, lat));
    }
    parts
}

/// Lines get no more points than this.
const MOST_POINTS: usize = 50_000;

/// The edges of a line; `None` where it is no sound one.
pub fn edges(value: &Value<'_>) -> Option<Vec<(Point, Point)>> {
    let lines = lines(value)?;
    let pairs = lines.iter().flat_map(|line| line.windows(2));
    Some(pairs.map(|pair| (point(pair[0].0, pair[0].1), point(pair[1].0, pair[1].1))).collect())
}

fn length(edges: &[(Point, Point)]) -> f64 {
    edges.iter().map(|(a, b)| angle(*a, *b)).sum()
}

fn middle(edges: &[(Point, Point)]) -> Point {
    let sum = edges.iter().fold([0.0; 3], |sum, (a, b)| {
        let (both, apart) = (add(*a, *b), sub(*a, *b));
        let (cos, sin) = (sphere::dot(both, both), sphere::dot(apart, apart));
        if cos == 0.0 { sum } else { add(sum, scale(both, (sin / cos).sqrt())) }
    });
    unit(sum)
}

fn interpolate<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(edges), Some(fraction)) = (edges(&args[0]), convert::real(&args[1])) else { return Value::Null };
    if !(0.0..=1.0).contains(&fraction) {
        return Value::Null;
    }
    let mut left = fraction * length(&edges);
    for (a, b) in &edges {
        let edge = angle(*a, *b);
        if left < edge {
            return point_json(along(*a, *b, left));
        }
        left -= edge;
    }
    edges.last().map_or(Value::Null, |(_, end)| point_json(*end))
}

fn locate<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(edges), Some(p)) = (edges(&args[0]), place(&args[1], &args[2])) else { return Value::Null };
    let (mut best, mut before, mut walked) = (f64::INFINITY, 0.0, 0.0);
    for (a, b) in &edges {
        let on = nearest(p, *a, *b);
        if angle(p, on) < best {
            best = angle(p, on);
            before = walked + angle(*a, on);
        }
        walked += angle(*a, *b);
    }
    Value::Real((before / walked).clamp(0.0, 1.0))
}

/// The point asked about, and the nearest one on the line.
fn closest(args: &[Value<'_>]) -> Option<(Point, Point)> {
    let (p, edges) = (place(&args[0], &args[1])?, edges(&args[2])?);
    nearest_of(p, edges.into_iter()).map(|on| (p, on))
}

/// The nearest point of all edges.
pub fn nearest_of(p: Point, edges: impl Iterator<Item = (Point, Point)>) -> Option<Point> {
    edges.map(|(a, b)| nearest(p, a, b)).min_by(|a, b| angle(p, *a).total_cmp(&angle(p, *b)))
}

fn meetings(args: &[Value<'_>]) -> Option<Vec<Point>> {
    let (first, second) = (edges(&args[0])?, edges(&args[1])?);
    if first.len().saturating_mul(second.len()) > 4_000_000 {
        return None;
    }
    let mut points: Vec<Point> = Vec::new();
    for (a, b) in &first {
        for (c, d) in &second {
            if let Some(p) = crossing(*a, *b, *c, *d)
                && points.iter().all(|known| norm(sub(*known, p)) > 1e-14)
            {
                points.push(p);
            }
        }
    }
    Some(points)
}

/// The edges of the first line that stand in the second too, joined where they follow each other, and their corners.
fn shared_edges(args: &[Value<'_>]) -> Option<(Vec<Ring>, HashSet<Corner>)> {
    let (first, second) = (lines(&args[0])?, lines(&args[1])?);
    let bits = |corner: (f64, f64)| (corner.0.to_bits(), corner.1.to_bits());
    let edge = |pair: &[(f64, f64)]| {
        let (a, b) = (bits(pair[0]), bits(pair[1]));
        if a <= b { (a, b) } else { (b, a) }
    };
    let known: HashSet<_> = second.iter().flat_map(|line| line.windows(2)).map(edge).collect();
    let mut parts: Vec<Ring> = Vec::new();
    for line in &first {
        let mut goes_on = false;
        for pair in line.windows(2) {
            let is_shared = known.contains(&edge(pair));
            match parts.last_mut().filter(|_| goes_on) {
                Some(part) if is_shared => part.push(pair[1]),
                _ if is_shared => parts.push(pair.to_vec()),
                _ => {}
            }
            goes_on = is_shared;
        }
    }
    let corners = parts.iter().flatten().map(|corner| bits(*corner)).collect();
    Some((parts, corners))
}

fn meetings_json<'a>(points: Vec<Point>, lines: Vec<Ring>, corners: &HashSet<Corner>) -> Value<'a> {
    if lines.is_empty() {
        return points_json(&points);
    }
    let known: Vec<Point> =
        corners.iter().map(|(lng, lat)| point(f64::from_bits(*lng), f64::from_bits(*lat))).collect();
    let apart: Vec<Point> =
        points.into_iter().filter(|p| known.iter().all(|corner| angle(*corner, *p) > 1e-12)).collect();
    if apart.is_empty() {
        return lines_json(lines);
    }
    Value::json(serde_json::json!({
        "type": "GeometryCollection",
        "geometries": [points_json(&apart).to_json(), lines_json(lines).to_json()],
    }))
}

fn union<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Value::Dynamic(array) = &args[0] else { return Value::Null };
    let tree = array.tree();
    let Some(items) = tree.as_array() else { return Value::Null };
    let all: Option<Vec<_>> = items.iter().map(|item: &Json| lines(&Value::json(item.clone()))).collect();
    let Some(all) = all else { return Value::Null };
    let mut edges: Vec<((f64, f64), (f64, f64))> = Vec::new();
    for pair in all.iter().flatten().flat_map(|line| line.windows(2)) {
        let (a, b) = (pair[0], pair[1]);
        if !edges.contains(&(a, b)) && !edges.contains(&(b, a)) {
            edges.push((a, b));
        }
        if edges.len() > 2_000 {
            return Value::Null;
        }
    }
    let mut chains: Vec<Ring> = Vec::new();
    while !edges.is_empty() {
        let (a, b) = edges.remove(0);
        let mut chain = vec![a, b];
        while let Some(at) =
            edges.iter().position(|edge| Some(&edge.0) == chain.last() || Some(&edge.1) == chain.last())
        {
            let (a, b) = edges.remove(at);
            chain.push(if Some(&a) == chain.last() { b } else { a });
        }
        while let Some(at) = edges.iter().position(|edge| edge.0 == chain[0] || edge.1 == chain[0]) {
            let (a, b) = edges.remove(at);
            let next = if a == chain[0] { b } else { a };
            chain.insert(0, next);
        }
        chains.push(chain);
    }
    if chains.is_empty() { Value::Null } else { lines_json(chains) }
}

fn within<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(lines), Some(polygons)) = (lines(&args[0]), polygons(&args[1])) else { return Value::Null };
    let inside = |p: Point| polygons.iter().any(|polygon| polygon.contains(p));
    let mut parts: Vec<Vec<Point>> = Vec::new();
    for line in lines {
        let mut open = false;
        for pair in line.windows(2) {
            let (a, b) = (point(pair[0].0, pair[0].1), point(pair[1].0, pair[1].1));
            let mut cuts = vec![a, b];
            cuts.extend(polygons.iter().flat_map(|polygon| polygon.edges()).filter_map(|(c, d)| crossing(a, b, c, d)));
            cuts.sort_by(|p, q| angle(a, *p).total_cmp(&angle(a, *q)));
            cuts.dedup_by(|p, q| angle(*p, *q) < 1e-15);
            for piece in cuts.windows(2) {
                let kept = inside(unit(add(piece[0], piece[1])));
                match parts.last_mut().filter(|_| open) {
                    Some(part) if kept => part.push(piece[1]),
                    _ if kept => parts.push(piece.to_vec()),
                    _ => {}
                }
                open = kept;
            }
        }
    }
    if parts.is_empty() {
        return points_json(&[]);
    }
    lines_json(parts.into_iter().map(|part| part.into_iter().map(sphere::degrees).collect()).collect())
}

/// Whether a simplified line has still two corners further apart than the tolerance.
fn stays(line: &[(f64, f64)], tolerance: f64) -> bool {
    line.windows(2).any(|pair| angle(point(pair[0].0, pair[0].1), point(pair[1].0, pair[1].1)) * RADIUS >= tolerance)
}

/// The ends and the points that stand out (D. Douglas and T. Peucker, 1973).
pub fn simplified(line: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    let points: Vec<Point> = line.iter().map(|c| point(c.0, c.1)).collect();
    let mut kept = vec![false; line.len()];
    let mut open = vec![(0, line.len() - 1)];
    while let Some((from, to)) = open.pop() {
        (kept[from], kept[to]) = (true, true);
        let away = |at: usize| match points[from] == points[to] {
            true => angle(points[at], points[from]),
            false => angle(points[at], nearest(points[at], points[from], points[to])),
        };
        let furthest = (from + 1..to).map(|at| (away(at), at)).max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, at)) = furthest.filter(|(away, _)| away * RADIUS > tolerance) {
            open.extend([(from, at), (at, to)]);
        }
    }
    line.iter().zip(kept).filter(|(_, kept)| *kept).map(|(corner, _)| *corner).collect()
}

/// The radius (second argument) as an angle, and how many edges make half a circle within the tolerance (third).
pub fn rounding(args: &[Value<'_>]) -> Option<(f64, usize)> {
    let radius = metres(&args[1]).filter(|radius| *radius > 0.0)?;
    let tolerance = args.get(2).map_or(Some(radius * 0.000_5), metres).filter(|tolerance| *tolerance > 0.0)?;
    let half = (1.0 - (tolerance / radius).min(1.0)).acos();
    let steps = (std::f64::consts::FRAC_PI_2 / half).ceil().clamp(2.0, 500.0);
    (radius < RADIUS).then_some((radius / RADIUS, steps as usize))
}

/// What lies within a radius of an edge: half a circle around each of its ends.
pub fn capsule((a, b): (Point, Point), radius: f64, steps: usize) -> Polygon {
    let normal = unit(cross(a, b));
    let mut ring = Vec::with_capacity(2 * steps + 2);
    // From the right side around the end to the left side, then the same around the beginning.
    for (middle, right) in [(b, scale(normal, -1.0)), (a, normal)] {
        let ahead = cross(middle, right);
        for step in 0..=steps {
            let (sin, cos) = (std::f64::consts::PI * step as f64 / steps as f64).sin_cos();
            let towards = add(scale(right, cos), scale(ahead, sin));
            ring.push(unit(add(scale(middle, radius.cos()), scale(towards, radius.sin()))));
        }
    }
    Polygon { outer: ring, holes: vec![], written: vec![] }
}

/// The second argument in metres; ten where it does not stand.
pub fn tolerance(args: &[Value<'_>]) -> Option<f64> {
    args.get(1).map_or(Some(10.0), metres).filter(|tolerance| *tolerance >= 0.1)
}

/// The corners of a line and points between them; `None` where they would be too many.
pub fn densified(line: &[(f64, f64)], tolerance: f64) -> Option<Vec<(f64, f64)>> {
    let mut out = Vec::new();
    for pair in line.windows(2) {
        out.push(pair[0]);
        halve(pair[0], pair[1], tolerance / RADIUS, 0, &mut out)?;
    }
    out.extend(line.last());
    // The corners have been on the sphere, and the last digits show it.
    Some(out.into_iter().map(|(lng, lat)| sphere::degrees(point(lng, lat))).collect())
}

/// As the S2 library's tessellator does it: the error is taken at two places that bound it.
fn halve(a: (f64, f64), b: (f64, f64), tolerance: f64, depth: usize, out: &mut Vec<(f64, f64)>) -> Option<()> {
    const AT: f64 = 0.312_156_910_822_483_1;
    const SCALE: f64 = 0.838_299_925_698_885_1;
    let (from, to) = (point(a.0, a.1), point(b.0, b.1));
    let error = |fraction: f64| {
        let flat = point(a.0 + (b.0 - a.0) * fraction, a.1 + (b.1 - a.1) * fraction);
        angle(along(from, to, angle(from, to) * fraction), flat)
    };
    if depth > 20 || error(AT).max(error(1.0 - AT)) <= tolerance * SCALE {
        return Some(());
    }
    if out.len() > MOST_POINTS {
        return None;
    }
    let middle = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    halve(a, middle, tolerance, depth + 1, out)?;
    out.push(middle);
    halve(middle, b, tolerance, depth + 1, out)
}
