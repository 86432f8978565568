//! Cells of the grids geohash, S2 and H3.
use super::lines::edges;
use super::polygons::meet;
use super::s2::Cell;
use super::shapes::{Polygon, place, point_json, polygons, polygons_json};
use super::sphere::{self, Point};
use crate::functions::arguments::{row, text};
use crate::functions::{Call, Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value, convert};
use h3o::{CellIndex, LatLng, Resolution};
use serde_json::json;
use std::collections::HashSet;

const NUMBER: Types = Types::NUMBER;
const H3: &[Param] = &[one("h3cell", Types::STRING)];
const S2: &[Param] = &[one("s2cell", Types::STRING)];
const GEOHASH: &[Param] = &[one("geohash", Types::STRING)];
/// No answer has more cells than this, as in the engine.
const MOST_CELLS: usize = 65_536;

pub const FUNCTIONS: &[Function] = &[
    row(
        &["geo_point_to_geohash"],
        "The geohash of a point, so many letters long (1 to 18, else 5).",
        &[one("longitude", NUMBER), one("latitude", NUMBER), optional("accuracy", NUMBER)],
        Gives::Always(Type::String),
        |_, args| {
            let letters = finer(args, 5, 1, 18);
            match (place(&args[0], &args[1]), convert::real(&args[0]), convert::real(&args[1]), letters) {
                (Some(_), Some(lng), Some(lat), Some(letters)) => Value::string(geohash(lng, lat, letters)),
                _ => Value::string(""),
            }
        },
        &[("geo_point_to_geohash(139.806115, 35.554128, 12)", "xn76m27ty9g4"), ("geo_point_to_geohash(1, 1, 20)", "")],
    ),
    row(
        &["geo_geohash_to_central_point"],
        "The middle of a geohash's rectangle.",
        GEOHASH,
        Gives::Always(Type::Dynamic),
        |_, args| {
            let middle = |r: Rectangle| [(r.west + r.east) / 2.0, (r.south + r.north) / 2.0];
            let point = |r| Value::json(json!({"type": "Point", "coordinates": middle(r)}));
            rectangle(&text(args, 0)).map_or(Value::Null, point)
        },
        &[(
            "geo_geohash_to_central_point('sunny')",
            "{\"type\":\"Point\",\"coordinates\":[42.47314453125,23.70849609375]}",
        )],
    ),
    row(
        &["geo_geohash_to_polygon"],
        "A geohash's rectangle.",
        GEOHASH,
        Gives::Always(Type::Dynamic),
        |_, args| {
            let corners =
                |r: Rectangle| vec![(r.west, r.south), (r.east, r.south), (r.east, r.north), (r.west, r.north)];
            rectangle(&text(args, 0)).map_or(Value::Null, |r| polygons_json(vec![vec![corners(r)]]))
        },
        &[("geo_geohash_to_polygon('a')", "null")],
    ),
    row(
        &["geo_geohash_neighbors"],
        "The geohashes around one.",
        GEOHASH,
        Gives::Always(Type::Dynamic),
        |_, args| {
            let hash = text(args, 0);
            rectangle(&hash).map_or(Value::Null, |r| {
                let (wide, high) = (r.east - r.west, r.north - r.south);
                let (lng, lat) = ((r.west + r.east) / 2.0, (r.south + r.north) / 2.0);
                let around = [
                    (-1.0, 0.0),
                    (-1.0, -1.0),
                    (0.0, -1.0),
                    (1.0, -1.0),
                    (1.0, 1.0),
                    (1.0, 0.0),
                    (0.0, 1.0),
                    (-1.0, 1.0),
                ];
                let around = around.iter().filter_map(|(x, y)| {
                    let (lng, lat) = (lng + x * wide, lat + y * high);
                    let lng = if lng < -180.0 {
                        lng + 360.0
                    } else if lng > 180.0 {
                        lng - 360.0
                    } else {
                        lng
                    };
                    (lat.abs() <= 90.0).then(|| Json::from(geohash(lng, lat, hash.len())))
                });
                Value::json(around.collect())
            })
        },
        &[("array_length(geo_geohash_neighbors('sunny'))", "8"), ("geo_geohash_neighbors('a')", "null")],
    ),
    row(
        &["geo_point_to_s2cell"],
        "The S2 cell of a point at a level (0 to 30, else 11).",
        &[one("longitude", NUMBER), one("latitude", NUMBER), optional("level", NUMBER)],
        Gives::Always(Type::String),
        |_, args| match (place(&args[0], &args[1]), finer(args, 11, 0, 30)) {
            (Some(p), Some(level)) => Value::string(Cell::of(p, level as u32).token()),
            _ => Value::string(""),
        },
        &[("geo_point_to_s2cell(-80.195829, 25.802215, 8)", "88d9b")],
    ),
    row(
        &["geo_s2cell_to_central_point"],
        "The middle of an S2 cell.",
        S2,
        Gives::Always(Type::Dynamic),
        |_, args| Cell::parse(&text(args, 0)).map_or(Value::Null, |cell| point_json(cell.center())),
        &[("geo_s2cell_to_central_point('a')", "null")],
    ),
    row(
        &["geo_s2cell_to_polygon"],
        "The four corners of an S2 cell.",
        S2,
        Gives::Always(Type::Dynamic),
        |_, args| {
            Cell::parse(&text(args, 0))
                .map_or(Value::Null, |cell| polygons_json(vec![vec![cell.corners().map(sphere::degrees).to_vec()]]))
        },
        &[("geo_s2cell_to_polygon('a')", "null")],
    ),
    row(
        &["geo_s2cell_neighbors"],
        "The S2 cells around one.",
        S2,
        Gives::Always(Type::Dynamic),
        |_, args| {
            Cell::parse(&text(args, 0)).map_or(Value::Null, |cell| {
                Value::json(cell.neighbours().into_iter().map(|cell| Json::from(cell.token())).collect())
            })
        },
        &[("array_length(geo_s2cell_neighbors('89c259'))", "8")],
    ),
    row(
        &["geo_polygon_to_s2cells"],
        "The S2 cells of a level (0 to 30, else 11) that cover a polygon; null where they are too many.",
        &[one("polygon", Types::DYNAMIC), optional("level", NUMBER), optional("radius", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| match polygons(&args[0]) {
            Some(all) => covering(args, &Shape::Polygons(all)),
            None => Value::Null,
        },
        &[(
            "isnull(geo_polygon_to_s2cells(dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [0, 50], [100, \
            50], [0, 0]]]}), 30))",
            "True",
        )],
    )
    .differs("the cells stand in another order"),
    row(
        &["geo_line_to_s2cells"],
        "The S2 cells of a level (0 to 30, else 11) that cover a line; null where they are too many.",
        &[one("lineString", Types::DYNAMIC), optional("level", NUMBER), optional("radius", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| match edges(&args[0]) {
            Some(edges) => covering(args, &Shape::Line(edges)),
            None => Value::Null,
        },
        &[
            ("geo_line_to_s2cells(dynamic({'type': 'LineString'}))", "null"),
            (
                "set_has_element(geo_line_to_s2cells(dynamic({'type': 'LineString', 'coordinates': [[0, 1], [0, 2]]}), \
                12, 5000), geo_point_to_s2cell(0.04, 1.5, 12))",
                "True",
            ),
        ],
    )
    .differs("the cells stand in another order"),
    row(
        &["geo_polygon_to_h3cells"],
        "The H3 cells of a resolution (0 to 15, else 6) whose middles lie in a polygon, or within a radius of it; null \
        where they are too many.",
        &[one("polygon", Types::DYNAMIC), optional("resolution", NUMBER), optional("radius", NUMBER)],
        Gives::Always(Type::Dynamic),
        h3_covering,
        &[
            ("geo_polygon_to_h3cells(dynamic({'type': 'Polygon'}))", "null"),
            (
                "array_length(geo_polygon_to_h3cells(dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [0.2, 0], \
                [0.2, 0.2], [0, 0.2], [0, 0]]]})))",
                "19",
            ),
        ],
    )
    .differs("the cells stand in another order"),
    row(
        &["geo_point_to_h3cell"],
        "The H3 cell of a point at a resolution (0 to 15, else 6).",
        &[one("longitude", NUMBER), one("latitude", NUMBER), optional("resolution", NUMBER)],
        Gives::Always(Type::String),
        |_, args| {
            let resolution = finer(args, 6, 0, 15).and_then(|r| Resolution::try_from(r as u8).ok());
            let corner = place(&args[0], &args[1])
                .and(convert::real(&args[0]).zip(convert::real(&args[1])))
                .and_then(|(lng, lat)| LatLng::new(lat, lng).ok());
            match (corner, resolution) {
                (Some(corner), Some(resolution)) => Value::string(corner.to_cell(resolution).to_string()),
                _ => Value::string(""),
            }
        },
        &[
            (
                "geo_point_to_h3cell(-74.04450446039874, 40.689250859314974, \
            6)",
                "862a1072fffffff",
            ),
            ("geo_point_to_h3cell(1, 1, 16)", ""),
        ],
    ),
    row(
        &["geo_h3cell_to_central_point"],
        "The middle of an H3 cell.",
        H3,
        Gives::Always(Type::Dynamic),
        |_, args| {
            h3(args).map_or(Value::Null, |cell| {
                let middle = LatLng::from(cell);
                Value::json(json!({"type": "Point", "coordinates": [middle.lng(), middle.lat()]}))
            })
        },
        &[("geo_h3cell_to_central_point('1')", "null")],
    ),
    row(
        &["geo_h3cell_to_polygon"],
        "The corners of an H3 cell.",
        H3,
        Gives::Always(Type::Dynamic),
        |_, args| {
            h3(args).map_or(Value::Null, |cell| {
                polygons_json(vec![vec![cell.boundary().iter().map(|corner| (corner.lng(), corner.lat())).collect()]])
            })
        },
        &[("geo_h3cell_to_polygon('@')", "null")],
    ),
    row(
        &["geo_h3cell_level"],
        "The resolution of an H3 cell.",
        H3,
        Gives::Always(Type::Int),
        |_, args| h3(args).map_or(Value::Null, |cell| Value::Int(u8::from(cell.resolution()).into())),
        &[("geo_h3cell_level('862a1072fffffff')", "6")],
    ),
    row(
        &["geo_h3cell_parent"],
        "The H3 cell of a coarser resolution (else of the next one) around one.",
        &[one("h3cell", Types::STRING), optional("resolution", NUMBER)],
        Gives::Always(Type::String),
        |_, args| {
            let parent = h3(args).and_then(|cell| {
                let own = i64::from(u8::from(cell.resolution()));
                let wanted = if args.len() > 1 { whole(args, 1)? } else { own - 1 };
                cell.parent(Resolution::try_from(u8::try_from(wanted).ok()?).ok()?)
            });
            parent.map_or(Value::string(""), |cell| Value::string(cell.to_string()))
        },
        &[
            ("geo_h3cell_parent('862a1072fffffff')", "852a1073fffffff"),
            ("geo_h3cell_parent('862a1072fffffff', 1)", "812a3ffffffffff"),
            ("geo_h3cell_parent('862a1072fffffff', 15)", ""),
        ],
    ),
    row(
        &["geo_h3cell_children"],
        "The H3 cells of a finer resolution (else of the next one) in one; null where they are too many.",
        &[one("h3cell", Types::STRING), optional("resolution", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let children = h3(args).and_then(|cell| {
                let own = i64::from(u8::from(cell.resolution()));
                let wanted = if args.len() > 1 { whole(args, 1)? } else { own + 1 };
                let resolution = Resolution::try_from(u8::try_from(wanted).ok()?).ok()?;
                let sound = wanted > own && cell.children_count(resolution) <= MOST_CELLS as u64;
                sound.then(|| cell.children(resolution).map(|cell| Json::from(cell.to_string())).collect())
            });
            children.map_or(Value::Null, Value::json)
        },
        &[("array_length(geo_h3cell_children('862a1072fffffff', 9))", "343")],
    ),
    row(
        &["geo_h3cell_neighbors"],
        "The H3 cells around one.",
        H3,
        Gives::Always(Type::Dynamic),
        |_, args| h3(args).map_or(Value::Null, neighbours),
        &[("array_length(geo_h3cell_neighbors('862a1072fffffff'))", "6"), ("geo_h3cell_neighbors('abc')", "null")],
    ),
    row(
        &["geo_h3cell_rings"],
        "An H3 cell and the rings around it up to a distance (0 to 142), each as an array.",
        &[one("h3cell", Types::STRING), one("distance", NUMBER)],
        Gives::Always(Type::Dynamic),
        |_, args| match (h3(args), whole(args, 1)) {
            (Some(cell), Some(distance @ 0..=142)) => {
                Value::json((0..=distance as u32).map(|k| Json::Array(ring(cell, k))).collect())
            }
            _ => Value::Null,
        },
        &[("array_length(geo_h3cell_rings('861f8894fffffff', 2)[2])", "12"), ("geo_h3cell_rings('abc', 3)", "null")],
    ),
];

/// A whole number of any numeric type.
fn whole(args: &[Value<'_>], at: usize) -> Option<i64> {
    args.get(at).and_then(convert::long)
}

/// The third argument (the fineness of a grid) in its bounds, or the usual one.
fn finer(args: &[Value<'_>], usual: usize, least: i64, most: i64) -> Option<usize> {
    if args.len() < 3 {
        return Some(usual);
    }
    whole(args, 2).filter(|x| (least..=most).contains(x)).map(|x| x as usize)
}

fn h3(args: &[Value<'_>]) -> Option<CellIndex> {
    text(args, 0).parse().ok()
}

/// In the engine's order: that of a Gray code over the six directions.
fn neighbours<'a>(cell: CellIndex) -> Value<'a> {
    let mut cells: Vec<CellIndex> = cell.edges().map(|edge| edge.destination()).collect();
    if let [k, j, jk, i, ik, ij] = cells[..] {
        cells = vec![k, jk, j, ij, ik, i];
    }
    Value::json(cells.into_iter().map(|cell| Json::from(cell.to_string())).collect())
}

fn ring(cell: CellIndex, k: u32) -> Vec<Json> {
    if k == 0 {
        return vec![Json::from(cell.to_string())];
    }
    let fast: Option<Vec<CellIndex>> = cell.grid_ring_fast(k).collect();
    let mut cells = fast.unwrap_or_else(|| cell.grid_ring(k));
    // The engine's rings begin where the walk has come to after its last step.
    if !cells.is_empty() {
        cells.rotate_left(1);
    }
    cells.into_iter().map(|cell| Json::from(cell.to_string())).collect()
}

const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

struct Rectangle {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

/// Halves the world, by turns in longitude and latitude, as often as there are bits.
fn halve(world: &mut Rectangle, at: usize, upper: impl FnOnce(f64, bool) -> bool) -> bool {
    if at.is_multiple_of(2) {
        let middle = (world.west + world.east) / 2.0;
        let upper = upper(middle, true);
        if upper {
            world.west = middle
        } else {
            world.east = middle
        }
        upper
    } else {
        let middle = (world.south + world.north) / 2.0;
        let upper = upper(middle, false);
        if upper {
            world.south = middle
        } else {
            world.north = middle
        }
        upper
    }
}

const WORLD: Rectangle = Rectangle { west: -180.0, east: 180.0, south: -90.0, north: 90.0 };

fn geohash(lng: f64, lat: f64, letters: usize) -> String {
    let mut world = WORLD;
    let letter = |number: usize| {
        let bits = (0..5).fold(0, |bits, bit| {
            let upper =
                halve(&mut world, number * 5 + bit, |middle, wide| if wide { lng >= middle } else { lat >= middle });
            bits << 1 | usize::from(upper)
        });
        char::from(LETTERS[bits])
    };
    (0..letters).map(letter).collect()
}

fn rectangle(hash: &str) -> Option<Rectangle> {
    if hash.is_empty() || hash.len() > 18 {
        return None;
    }
    let mut world = WORLD;
    for (number, byte) in hash.bytes().enumerate() {
        let bits = LETTERS.iter().position(|letter| *letter == byte.to_ascii_lowercase())?;
        for bit in 0..5 {
            halve(&mut world, number * 5 + bit, |_, _| bits >> (4 - bit) & 1 == 1);
        }
    }
    Some(world)
}

/// The S2 cells of the level asked for that come within the radius (third argument, in metres, else 0) of a shape.
fn covering<'a>(args: &[Value<'a>], shape: &Shape) -> Value<'a> {
    let level = if args.len() > 1 { whole(args, 1) } else { Some(11) };
    let (Some(level @ 0..=30), Some(radius)) = (level, around(args)) else { return Value::Null };
    let mut open: Vec<Cell> = Cell::faces().to_vec();
    for _ in 0..=level {
        open.retain(|cell| shape.is_near(&square(cell.corners().to_vec()), radius));
        // Each cell that touches has a child that does: they never become fewer.
        if open.len() > MOST_CELLS {
            return Value::Null;
        }
        if open.first().is_some_and(|cell| i64::from(cell.level()) < level) {
            open = open.into_iter().flat_map(Cell::children).collect();
        }
    }
    Value::json(open.into_iter().map(|cell| Json::from(cell.token())).collect())
}

fn square(outer: Vec<Point>) -> Polygon {
    Polygon { outer, holes: vec![], written: vec![] }
}

/// The third argument as an angle, 0 where it does not stand; `None` where it is no radius.
fn around(args: &[Value<'_>]) -> Option<f64> {
    if args.len() < 3 {
        return Some(0.0);
    }
    convert::real(&args[2]).filter(|metres| metres.is_finite() && *metres >= 0.0).map(|metres| metres / sphere::RADIUS)
}

/// What cells are laid over.
enum Shape {
    Line(Vec<(Point, Point)>),
    Polygons(Vec<Polygon>),
}

impl Shape {
    fn edges(&self) -> Box<dyn Iterator<Item = (Point, Point)> + '_> {
        match self {
            Shape::Line(edges) => Box::new(edges.iter().copied()),
            Shape::Polygons(all) => Box::new(all.iter().flat_map(Polygon::edges)),
        }
    }

    /// Whether a cell comes within the angle.
    fn is_near(&self, cell: &Polygon, radius: f64) -> bool {
        let meets = match self {
            Shape::Line(edges) => edges
                .iter()
                .any(|(a, b)| cell.contains(*a) || cell.edges().any(|(c, d)| sphere::crossing(*a, *b, c, d).is_some())),
            Shape::Polygons(all) => all.iter().any(|polygon| meet(cell, polygon)),
        };
        let near = |p: Point, (a, b): (Point, Point)| sphere::angle(p, sphere::nearest(p, a, b)) <= radius;
        meets
            || radius > 0.0
                && self.edges().any(|edge| {
                    cell.outer.iter().any(|corner| near(*corner, edge))
                        || cell.edges().any(|side| near(edge.0, side) || near(edge.1, side))
                })
    }
}

/// From the cells of the corners outwards, as long as cells meet the polygon; those whose middle lies in it (or within
/// the radius) are taken.
fn h3_covering<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let resolution = if args.len() > 1 { whole(args, 1) } else { Some(6) };
    let resolution = resolution.and_then(|r| u8::try_from(r).ok()).and_then(|r| Resolution::try_from(r).ok());
    let (Some(all), Some(resolution), Some(radius)) = (polygons(&args[0]), resolution, around(args)) else {
        return Value::Null;
    };
    let corners = all.iter().flat_map(|polygon| polygon.written.iter().flatten());
    let mut open: Vec<CellIndex> = corners
        .filter_map(|(lng, lat)| LatLng::new(*lat, *lng).ok())
        .map(|corner| corner.to_cell(resolution))
        .collect();
    let mut seen: HashSet<CellIndex> = open.iter().copied().collect();
    let shape = Shape::Polygons(all);
    let mut covering = Vec::new();
    let mut walked = 0usize;
    while let Some(cell) = open.pop() {
        let hexagon = cell.boundary().iter().map(|corner| sphere::point(corner.lng(), corner.lat())).collect();
        if !shape.is_near(&square(hexagon), radius) {
            continue;
        }
        walked += 1;
        let middle = LatLng::from(cell);
        let middle = sphere::point(middle.lng(), middle.lat());
        let Shape::Polygons(all) = &shape else { continue };
        let is_taken = all.iter().any(|polygon| polygon.contains(middle))
            || radius > 0.0
                && shape.edges().any(|(a, b)| sphere::angle(middle, sphere::nearest(middle, a, b)) <= radius);
        if is_taken {
            covering.push(Json::from(cell.to_string()));
        }
        if covering.len() > MOST_CELLS || walked > 2 * MOST_CELLS {
            return Value::Null;
        }
        open.extend(cell.edges().map(|edge| edge.destination()).filter(|next| seen.insert(*next)));
    }
    Value::json(Json::Array(covering))
}
