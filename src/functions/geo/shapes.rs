//! GeoJSON to shapes on the sphere and back.
use super::sphere::{self, Point, crossing, point, triangle};
use crate::value::{Json, Value, convert};
use serde_json::json;

/// A ring or line may have so many corners.
const MOST_CORNERS: usize = 100_000;
/// Rings with more corners than this are not searched for edges that cross.
const MOST_CHECKED: usize = 300;

/// The corners of a ring or line: longitudes and latitudes.
pub type Ring = Vec<(f64, f64)>;

/// One polygon: the outer ring, counter-clockwise, and the holes.
pub struct Polygon {
    pub outer: Vec<Point>,
    pub holes: Vec<Vec<Point>>,
    /// The rings as they were written, without the closing corner.
    pub written: Vec<Ring>,
}

impl Polygon {
    pub fn contains(&self, p: Point) -> bool {
        sphere::inside(&self.outer, p) && !self.holes.iter().any(|hole| sphere::inside(hole, p))
    }

    pub fn rings(&self) -> impl Iterator<Item = &Vec<Point>> {
        std::iter::once(&self.outer).chain(&self.holes)
    }

    pub fn edges(&self) -> impl Iterator<Item = (Point, Point)> {
        self.rings().flat_map(|ring| (0..ring.len()).map(move |at| (ring[at], ring[(at + 1) % ring.len()])))
    }
}

/// A longitude and a latitude in their bounds.
pub fn place(longitude: &Value<'_>, latitude: &Value<'_>) -> Option<Point> {
    let (lng, lat) = (convert::real(longitude)?, convert::real(latitude)?);
    ((-180.0..=180.0).contains(&lng) && (-90.0..=90.0).contains(&lat)).then(|| point(lng, lat))
}

fn corner(tree: &Json) -> Option<(f64, f64)> {
    let pair = tree.as_array().filter(|pair| pair.len() >= 2)?;
    let (lng, lat) = (pair[0].as_f64()?, pair[1].as_f64()?);
    (lng.abs() <= 360.0 && lat.abs() <= 90.0).then_some((lng, lat))
}

fn corners(tree: &Json) -> Option<Vec<(f64, f64)>> {
    let list = tree.as_array().filter(|list| list.len() <= MOST_CORNERS)?;
    list.iter().map(corner).collect()
}

fn line(tree: &Json) -> Option<Vec<(f64, f64)>> {
    let line = corners(tree)?;
    (line.len() >= 2 && line.windows(2).all(|pair| pair[0] != pair[1])).then_some(line)
}

/// The corners of a LineString or MultiLineString; `None` where it is neither, or not a sound one.
pub fn lines(value: &Value<'_>) -> Option<Vec<Ring>> {
    let Value::Dynamic(value) = value else { return None };
    let tree = value.tree();
    let coordinates = tree.get("coordinates")?;
    match tree.get("type")?.as_str()? {
        "LineString" => Some(vec![line(coordinates)?]),
        "MultiLineString" => {
            let all: Vec<_> = coordinates.as_array()?.iter().map(line).collect::<Option<_>>()?;
            (!all.is_empty()).then_some(all)
        }
        _ => None,
    }
}

/// The polygons of a Polygon or MultiPolygon; `None` where it is neither, or not a sound one.
pub fn polygons(value: &Value<'_>) -> Option<Vec<Polygon>> {
    let Value::Dynamic(value) = value else { return None };
    let tree = value.tree();
    let coordinates = tree.get("coordinates")?;
    match tree.get("type")?.as_str()? {
        "Polygon" => Some(vec![polygon(coordinates)?]),
        "MultiPolygon" => {
            let all: Vec<_> = coordinates.as_array()?.iter().map(polygon).collect::<Option<_>>()?;
            (!all.is_empty()).then_some(all)
        }
        _ => None,
    }
}

fn polygon(tree: &Json) -> Option<Polygon> {
    let written: Vec<_> = tree.as_array()?.iter().map(ring).collect::<Option<_>>()?;
    let mut rings = written.iter().map(|ring| counter_clockwise(ring.iter().map(|c| point(c.0, c.1)).collect()));
    let outer = rings.next()?;
    let holes = rings.collect();
    Some(Polygon { outer, holes, written })
}

/// A ring without its closing corner: at least three corners, all different, edges that do not cross.
fn ring(tree: &Json) -> Option<Vec<(f64, f64)>> {
    let mut ring = corners(tree)?;
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    let mut sorted = ring.clone();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    if ring.len() < 3 || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    if ring.len() <= MOST_CHECKED {
        let points: Vec<Point> = ring.iter().map(|c| point(c.0, c.1)).collect();
        let count = points.len();
        for i in 0..count {
            for j in i + 2..count {
                let neighbours = i == 0 && j == count - 1;
                if !neighbours && crossing(points[i], points[i + 1], points[j], points[(j + 1) % count]).is_some() {
                    return None;
                }
            }
        }
    }
    Some(ring)
}

/// The area to the left of a ring; that of the rest of the sphere where the ring runs clockwise.
pub fn area(ring: &[Point]) -> f64 {
    (1..ring.len() - 1).map(|at| triangle(ring[0], ring[at], ring[at + 1])).sum()
}

fn counter_clockwise(mut ring: Vec<Point>) -> Vec<Point> {
    let signed = area(&ring);
    if !(0.0..=std::f64::consts::TAU).contains(&signed) {
        ring.reverse();
    }
    ring
}

pub fn point_json<'a>(p: Point) -> Value<'a> {
    let (lng, lat) = sphere::degrees(p);
    Value::json(json!({"type": "Point", "coordinates": [lng, lat]}))
}

/// One line as a LineString, several as a MultiLineString.
pub fn lines_json<'a>(mut lines: Vec<Ring>) -> Value<'a> {
    if lines.len() == 1 {
        let line = lines.remove(0);
        return Value::json(json!({"type": "LineString", "coordinates": line}));
    }
    Value::json(json!({"type": "MultiLineString", "coordinates": lines}))
}

/// Rings are closed; one polygon is a Polygon, several are a MultiPolygon.
pub fn polygons_json<'a>(mut polygons: Vec<Vec<Ring>>) -> Value<'a> {
    for ring in polygons.iter_mut().flatten() {
        if let Some(first) = ring.first().copied() {
            ring.push(first);
        }
    }
    if polygons.len() == 1 {
        let polygon = polygons.remove(0);
        return Value::json(json!({"type": "Polygon", "coordinates": polygon}));
    }
    Value::json(json!({"type": "MultiPolygon", "coordinates": polygons}))
}

/// No point as an empty collection, one as a Point, several as a MultiPoint.
pub fn points_json<'a>(points: &[Point]) -> Value<'a> {
    match points {
        [] => Value::json(json!({"type": "GeometryCollection", "geometries": []})),
        [one] => point_json(*one),
        many => {
            let places: Vec<_> = many.iter().map(|p| sphere::degrees(*p)).collect();
            Value::json(json!({"type": "MultiPoint", "coordinates": places}))
        }
    }
}
