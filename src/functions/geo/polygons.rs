//! Polygons: what lies in them, their area, border and middle.
use super::lines::{capsule, densified, nearest_of, rounding, simplified, tolerance};
use super::overlay;
use super::shapes::{Polygon, Ring, area, place, point_json, points_json, polygons, polygons_json};
use super::sphere::{Point, RADIUS, add, angle, crossing, point, scale, triangle_middle, unit};
use crate::functions::arguments::row;
use crate::functions::{Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::Value;

const BAG: Types = Types::DYNAMIC;
const NUMBER: Types = Types::NUMBER;
const POINT_AND_POLYGON: &[Param] = &[one("longitude", NUMBER), one("latitude", NUMBER), one("polygon", BAG)];

pub const FUNCTIONS: &[Function] = &[
    row(
        &["geo_point_in_polygon"],
        "Whether a point lies in a polygon.",
        POINT_AND_POLYGON,
        Gives::Always(Type::Bool),
        |_, args| match (place(&args[0], &args[1]), polygons(&args[2])) {
            (Some(p), Some(polygons)) => Value::Bool(polygons.iter().any(|polygon| polygon.contains(p))),
            _ => Value::Null,
        },
        &[
            (
                "geo_point_in_polygon(3, 2, dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [10, 1], [10, \
                 10], [0, 0]]]}))",
                "True",
            ),
            (
                "geo_point_in_polygon(200, 1, dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [10, 10], \
                 [10, 1], [0, 0]]]}))",
                "null",
            ),
        ],
    ),
    row(
        &["geo_polygon_area"],
        "The area of a polygon in square metres.",
        &[one("polygon", BAG)],
        Gives::Always(Type::Real),
        |_, args| {
            polygons(&args[0])
                .map_or(Value::Null, |all| Value::Real(all.iter().map(net_area).sum::<f64>() * RADIUS * RADIUS))
        },
        &[(
            "geo_polygon_area(dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [10, 10], [10, 10], [0, 0]]]}))",
            "null",
        )],
    ),
    row(
        &["geo_polygon_perimeter"],
        "The length of a polygon's border in metres.",
        &[one("polygon", BAG)],
        Gives::Always(Type::Real),
        |_, args| {
            let border = |all: Vec<Polygon>| all.iter().flat_map(Polygon::edges).map(|(a, b)| angle(a, b)).sum::<f64>();
            polygons(&args[0]).map_or(Value::Null, |all| Value::Real(border(all) * RADIUS))
        },
        &[("geo_polygon_perimeter(dynamic({'type': 'Polygon'}))", "null")],
    ),
    row(
        &["geo_polygon_centroid"],
        "The middle of a polygon's mass.",
        &[one("polygon", BAG)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            polygons(&args[0]).map_or(Value::Null, |all| {
                let sum = all.iter().fold([0.0; 3], |sum, polygon| {
                    let holes = polygon.holes.iter().fold([0.0; 3], |sum, hole| add(sum, mass(hole)));
                    add(sum, add(mass(&polygon.outer), scale(holes, -1.0)))
                });
                point_json(unit(sum))
            })
        },
        &[("geo_polygon_centroid(dynamic({'type': 'Polygon'}))", "null")],
    ),
    row(
        &["geo_distance_point_to_polygon"],
        "The distance from a point to a polygon in metres; 0 inside.",
        POINT_AND_POLYGON,
        Gives::Always(Type::Real),
        |_, args| match (place(&args[0], &args[1]), polygons(&args[2])) {
            (Some(p), Some(all)) if all.iter().any(|polygon| polygon.contains(p)) => Value::Real(0.0),
            (Some(p), Some(all)) => nearest_of(p, all.iter().flat_map(Polygon::edges))
                .map_or(Value::Null, |on| Value::Real(angle(p, on) * RADIUS)),
            _ => Value::Null,
        },
        &[(
            "geo_distance_point_to_polygon(3, 2, dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [10, 1], \
             [10, 10], [0, 0]]]}))",
            "0.0",
        )],
    ),
    row(
        &["geo_closest_point_on_polygon"],
        "The point of a polygon that is nearest to a point.",
        POINT_AND_POLYGON,
        Gives::Always(Type::Dynamic),
        |_, args| match (place(&args[0], &args[1]), polygons(&args[2])) {
            (Some(p), Some(all)) if all.iter().any(|polygon| polygon.contains(p)) => point_json(p),
            (Some(p), Some(all)) => nearest_of(p, all.iter().flat_map(Polygon::edges)).map_or(Value::Null, point_json),
            _ => Value::Null,
        },
        &[("geo_closest_point_on_polygon(500, 2, dynamic({'type': 'Polygon'}))", "null")],
    ),
    row(
        &["geo_intersects_2polygons"],
        "Whether two polygons have a place in common.",
        &[one("polygon1", BAG), one("polygon2", BAG)],
        Gives::Always(Type::Bool),
        |_, args| match (polygons(&args[0]), polygons(&args[1])) {
            (Some(first), Some(second)) => Value::Bool(first.iter().any(|a| second.iter().any(|b| meet(a, b)))),
            _ => Value::Null,
        },
        &[(
            "geo_intersects_2polygons(dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [9, 1], [9, 9], [0, \
             0]]]}), \
             dynamic({'type': 'Polygon', 'coordinates': [[[8, 2], [20, 1], [20, 9], [8, 2]]]}))",
            "True",
        )],
    ),
    row(
        &["geo_polygon_densify"],
        "A polygon with further corners, so that its straight edges on a map leave the geodesics by no more \
         than the tolerance.",
        &[one("polygon", BAG), optional("tolerance", NUMBER), optional("preserve_crossing", NUMBER.or(Types::BOOL))],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let dense = polygons(&args[0]).zip(tolerance(args)).and_then(|(all, tolerance)| {
                all.iter()
                    .map(|polygon| polygon.written.iter().map(|ring| dense_ring(ring, tolerance)).collect())
                    .collect()
            });
            dense.map_or(Value::Null, polygons_json)
        },
        &[(
            "geo_polygon_densify(dynamic({'type': 'Polygon', 'coordinates': [[[10, 900], [11, 10], [11, 11], \
             [10, 900]]]}))",
            "null",
        )],
    ),
    row(
        &["geo_polygon_simplify"],
        "A polygon without the corners that lie no further than the tolerance (in metres, else 10) from the rest.",
        &[one("polygon", BAG), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let simple =
                polygons(&args[0]).zip(tolerance(args)).and_then(|(all, tolerance)| simple_polygons(&all, tolerance));
            simple.map_or(Value::Null, polygons_json)
        },
        &[(
            "geo_polygon_simplify(dynamic({'type': 'Polygon', 'coordinates': [[[5, 48], [0, 50], [0, 47], [4, \
            47], [5, 48]]]}), -0.1)",
            "null",
        )],
    ),
    row(
        &["geo_simplify_polygons_array"],
        "Polygons, each simplified by itself; null where one of them would vanish.",
        &[one("polygons", BAG), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let Value::Dynamic(array) = &args[0] else { return Value::Null };
            let all: Option<Vec<Vec<Polygon>>> = array
                .tree()
                .as_array()
                .and_then(|items| items.iter().map(|item| polygons(&Value::json(item.clone()))).collect());
            let all: Option<Vec<Polygon>> = all.map(|all| all.into_iter().flatten().collect());
            let simple = all.zip(tolerance(args)).and_then(|(all, tolerance)| simple_polygons(&all, tolerance));
            simple.filter(|simple| !simple.is_empty()).map_or(Value::Null, polygons_json)
        },
        &[(
            "geo_simplify_polygons_array(dynamic([{'type': 'Polygon', 'coordinates': [[[0, 0], [0, 0.001], \
            [0.001, 0], [0, 0]]]}]), 10000)",
            "null",
        )],
    )
    .differs("borders that polygons share are not kept alike"),
    row(
        &["geo_polygon_buffer"],
        "A polygon with all that lies within so many metres of it; its edges leave the curve by no more than the \
        tolerance.",
        &[one("polygon", BAG), one("radius", NUMBER), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| match (polygons(&args[0]), rounding(args)) {
            (Some(mut all), Some((radius, steps))) => {
                let borders: Vec<(Point, Point)> = all.iter().flat_map(Polygon::edges).collect();
                all.extend(borders.into_iter().map(|edge| capsule(edge, radius, steps)));
                overlay::union(&all).map_or(Value::Null, polygons_json)
            }
            _ => Value::Null,
        },
        &[("geo_polygon_buffer(dynamic({'type': 'Polygon'}), 5)", "null")],
    )
    .differs("a polygon is not made smaller: a negative radius gives null, and so do more than 4,000 edges"),
    row(
        &["geo_union_polygons_array"],
        "What lies in any of the polygons; null where one of them is not sound.",
        &[one("polygons", BAG)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let Value::Dynamic(array) = &args[0] else { return Value::Null };
            let all: Option<Vec<Vec<Polygon>>> = array
                .tree()
                .as_array()
                .and_then(|items| items.iter().map(|item| polygons(&Value::json(item.clone()))).collect());
            let all: Option<Vec<Polygon>> = all.map(|all| all.into_iter().flatten().collect());
            let united = all.filter(|all| !all.is_empty()).and_then(|all| overlay::union(&all));
            united.filter(|united| !united.is_empty()).map_or(Value::Null, polygons_json)
        },
        &[
            (
                "array_length(geo_union_polygons_array(dynamic([{'type': 'Polygon', 'coordinates': [[[0, 0], [2, 0], [2, 2], \
                [0, 2], [0, 0]]]}, {'type': 'Polygon', 'coordinates': [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]]}])) \
                .coordinates[0])",
                "9",
            ),
            (
                "tolong(geo_union_polygons_array(dynamic([{'type': 'Polygon', 'coordinates': [[[0, 0], [2, 0], [2, 2], [0, 2], \
                [0, 0]]]}, {'type': 'Polygon', 'coordinates': [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]]}])) \
                .coordinates[0][0][1])",
                "2",
            ),
        ],
    )
    .differs("more than 4,000 edges are not put together: the answer is null"),
    row(
        &["geo_intersection_2polygons"],
        "What two polygons have in common.",
        &[one("polygon1", BAG), one("polygon2", BAG)],
        Gives::Always(Type::Dynamic),
        |_, args| match (polygons(&args[0]), polygons(&args[1])) {
            (Some(first), Some(second)) => {
                common(&first, &second).map_or(Value::Null, |(points, shared)| common_json(points, shared))
            }
            _ => Value::Null,
        },
        &[(
            "geo_intersection_2polygons(dynamic({'type': 'Polygon', 'coordinates': [[[2, 45], [0, 45], [1, 44], \
             [2, 45]]]}), \
             dynamic({'type': 'Polygon', 'coordinates': [[[3, 44], [3, 45], [2, 43], [3, 44]]]}))",
            "{\"type\":\"GeometryCollection\",\"geometries\":[]}",
        ), (
            "array_length(geo_intersection_2polygons(dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [4, 0], [4, 4], \
            [2, 1], [0, 4], [0, 0]]]}), dynamic({'type': 'Polygon', 'coordinates': [[[-1, 2], [5, 2], [5, 5], [-1, 5], \
            [-1, 2]]]})).coordinates)",
            "2",
        )],
    )
    .differs("borders in common without an area are left out; more than 4,000 edges give null"),
];

fn simple_polygons(all: &[Polygon], tolerance: f64) -> Option<Vec<Vec<Ring>>> {
    let simple_ring = |ring: &Vec<(f64, f64)>| {
        let mut closed = ring.clone();
        closed.extend(ring.first());
        let mut simple = simplified(&closed, tolerance);
        simple.pop();
        (simple.len() >= 3).then_some(simple)
    };
    all.iter().map(|polygon| polygon.written.iter().map(simple_ring).collect()).collect()
}

/// What polygons have in common: single points, and polygons; `None` where there are too many edges.
fn common(first: &[Polygon], second: &[Polygon]) -> Option<(Vec<Point>, Vec<Vec<Ring>>)> {
    const NEAR: f64 = 1e-14;
    let shared = overlay::intersection(first, second)?;
    let corners: Vec<Point> = shared.iter().flatten().flatten().map(|corner| point(corner.0, corner.1)).collect();
    let mut points: Vec<Point> = Vec::new();
    for (these, those) in [(first, second), (second, first)] {
        for corner in these.iter().flat_map(Polygon::rings).flatten() {
            let touches =
                nearest_of(*corner, those.iter().flat_map(Polygon::edges)).is_some_and(|on| angle(on, *corner) < NEAR);
            // A corner of what is shared has turned to degrees and back.
            let is_known = corners.iter().any(|known| angle(*known, *corner) < 100.0 * NEAR)
                || points.iter().any(|known| angle(*known, *corner) < NEAR);
            if touches && !is_known {
                points.push(*corner);
            }
        }
    }
    Some((points, shared))
}

fn common_json<'a>(points: Vec<Point>, shared: Vec<Vec<Ring>>) -> Value<'a> {
    match (points.is_empty(), shared.is_empty()) {
        (_, true) => points_json(&points),
        (true, false) => polygons_json(shared),
        (false, false) => Value::json(serde_json::json!({
            "type": "GeometryCollection",
            "geometries": [points_json(&points).to_json(), polygons_json(shared).to_json()],
        })),
    }
}

fn net_area(polygon: &Polygon) -> f64 {
    area(&polygon.outer) - polygon.holes.iter().map(|hole| area(hole)).sum::<f64>()
}

/// The middle of a ring times its area.
fn mass(ring: &[Point]) -> Point {
    (1..ring.len() - 1).fold([0.0; 3], |sum, at| add(sum, triangle_middle(ring[0], ring[at], ring[at + 1])))
}

pub fn meet(a: &Polygon, b: &Polygon) -> bool {
    a.outer.iter().any(|p| b.contains(*p))
        || b.outer.iter().any(|p| a.contains(*p))
        || a.edges().any(|(p, q)| b.edges().any(|(r, s)| crossing(p, q, r, s).is_some()))
}

fn dense_ring(ring: &[(f64, f64)], tolerance: f64) -> Option<Vec<(f64, f64)>> {
    let mut closed = ring.to_vec();
    closed.extend(ring.first());
    let mut dense = densified(&closed, tolerance)?;
    dense.pop();
    Some(dense)
}
