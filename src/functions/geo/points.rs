//! Points: distances, directions, circles, WKT.
use super::shapes::{place, polygons_json};
use super::sphere::{self, Point, RADIUS, add, angle, bearing, cross, scale, unit};
use crate::functions::arguments::{given, row, text};
use crate::functions::{Call, Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value, convert};
use serde_json::json;
use std::f64::consts::TAU;

const NUMBER: Types = Types::NUMBER;
const FOUR: &[Param] =
    &[one("p1_longitude", NUMBER), one("p1_latitude", NUMBER), one("p2_longitude", NUMBER), one("p2_latitude", NUMBER)];

pub const FUNCTIONS: &[Function] = &[
    row(
        &["geo_distance_2points"],
        "The distance between two points in metres; with `true` at the end on the WGS-84 ellipsoid.",
        &[
            one("p1_longitude", NUMBER),
            one("p1_latitude", NUMBER),
            one("p2_longitude", NUMBER),
            one("p2_latitude", NUMBER),
            optional("use_spheroid", NUMBER.or(Types::BOOL)),
        ],
        Gives::Always(Type::Real),
        distance,
        &[
            ("tolong(geo_distance_2points(-122.407628, 47.578557, -118.275287, 34.019056))", "1546754"),
            ("geo_distance_2points(300, 1, 1, 1)", "null"),
        ],
    ),
    row(
        &["geo_point_in_circle"],
        "Whether a point lies in the circle of so many metres around another.",
        &[
            one("p_longitude", NUMBER),
            one("p_latitude", NUMBER),
            one("pc_longitude", NUMBER),
            one("pc_latitude", NUMBER),
            one("c_radius", NUMBER),
        ],
        Gives::Always(Type::Bool),
        |_, args| match (place(&args[0], &args[1]), place(&args[2], &args[3]), metres(&args[4])) {
            (Some(p), Some(center), Some(radius)) => Value::Bool(angle(p, center) <= radius / RADIUS),
            _ => Value::Null,
        },
        &[
            ("geo_point_in_circle(-122.137575, 47.630683, -122.100896, 47.527351, 3500)", "False"),
            ("geo_point_in_circle(1, 1, 1, 1, -1)", "null"),
        ],
    ),
    row(
        &["geo_azimuth"],
        "The direction from one point to another: radians clockwise from north.",
        FOUR,
        Gives::Always(Type::Real),
        |_, args| match (place(&args[0], &args[1]), place(&args[2], &args[3])) {
            (Some(from), Some(to)) => Value::Real(bearing(from, to)),
            _ => Value::Null,
        },
        &[("geo_azimuth(5, 0, 5, 10)", "0.0")],
    ),
    row(
        &["geo_angle"],
        "The angle at the second point, clockwise from the direction of the first to that of the third, in radians.",
        &[
            one("p1_longitude", NUMBER),
            one("p1_latitude", NUMBER),
            one("p2_longitude", NUMBER),
            one("p2_latitude", NUMBER),
            one("p3_longitude", NUMBER),
            one("p3_latitude", NUMBER),
        ],
        Gives::Always(Type::Real),
        |_, args| match (place(&args[0], &args[1]), place(&args[2], &args[3]), place(&args[4], &args[5])) {
            (Some(a), Some(b), Some(c)) => Value::Real((bearing(b, c) - bearing(b, a)).rem_euclid(TAU)),
            _ => Value::Null,
        },
        &[("bin(geo_angle(0, 10, 0, 5, 3, -10), 0.5)", "2.5")],
    ),
    row(
        &["geo_point_buffer"],
        "A polygon around the circle of so many metres around a point; its edges leave the circle by no more \
         than the tolerance.",
        &[one("longitude", NUMBER), one("latitude", NUMBER), one("radius", NUMBER), optional("tolerance", NUMBER)],
        Gives::Always(Type::Dynamic),
        buffer,
        &[("isnull(geo_point_buffer(200, 1, 0.1))", "True")],
    ),
    row(
        &["geo_from_wkt"],
        "The shape that a well-known text says, as GeoJSON; null where it says none.",
        &[one("wkt", Types::STRING.or(Types::DYNAMIC))],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let source = text(args, 0);
            let mut reader = Wkt { rest: source.trim() };
            match reader.shape(0) {
                Some(shape) if reader.rest.trim().is_empty() => Value::json(shape),
                _ => Value::Null,
            }
        },
        &[
            ("geo_from_wkt('POINT (1.0 2)')", "{\"type\":\"Point\",\"coordinates\":[1.0,2.0]}"),
            ("geo_from_wkt('LINESTRING')", "null"),
        ],
    ),
];

/// A length in metres that is not negative.
pub fn metres(value: &Value<'_>) -> Option<f64> {
    convert::real(value).filter(|metres| *metres >= 0.0 && metres.is_finite())
}

fn distance<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(a), Some(b)) = (place(&args[0], &args[1]), place(&args[2], &args[3])) else { return Value::Null };
    if given(args, 4) && convert::boolean(&args[4]) == Some(true) {
        let real = |at: usize| convert::real(&args[at]).unwrap_or(0.0).to_radians();
        return vincenty(real(0), real(1), real(2), real(3)).map_or(Value::Null, Value::Real);
    }
    Value::Real(angle(a, b) * RADIUS)
}

/// Distance on the WGS-84 ellipsoid; `None` for nearly opposite points, for which the series has no end.
/// T. Vincenty, "Direct and Inverse Solutions of Geodesics on the Ellipsoid", 1975.
fn vincenty(lng1: f64, lat1: f64, lng2: f64, lat2: f64) -> Option<f64> {
    const A: f64 = 6_378_137.0;
    const F: f64 = 1.0 / 298.257_223_563;
    const B: f64 = A * (1.0 - F);
    let (u1, u2) = (((1.0 - F) * lat1.tan()).atan(), ((1.0 - F) * lat2.tan()).atan());
    let ((s1, c1), (s2, c2)) = (u1.sin_cos(), u2.sin_cos());
    let apart = lng2 - lng1;
    let mut lambda = apart;
    for _ in 0..200 {
        let (sin, cos) = lambda.sin_cos();
        let sin_sigma = ((c2 * sin).powi(2) + (c1 * s2 - s1 * c2 * cos).powi(2)).sqrt();
        if sin_sigma == 0.0 {
            return Some(0.0);
        }
        let cos_sigma = s1 * s2 + c1 * c2 * cos;
        let sigma = sin_sigma.atan2(cos_sigma);
        let sin_alpha = c1 * c2 * sin / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        let cos_2m = if cos2_alpha == 0.0 { 0.0 } else { cos_sigma - 2.0 * s1 * s2 / cos2_alpha };
        let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
        let before = lambda;
        let inner = cos_2m + c * cos_sigma * (2.0 * cos_2m * cos_2m - 1.0);
        lambda = apart + (1.0 - c) * F * sin_alpha * (sigma + c * sin_sigma * inner);
        if (lambda - before).abs() < 1e-13 {
            let u = cos2_alpha * (A * A - B * B) / (B * B);
            let a = 1.0 + u / 16384.0 * (4096.0 + u * (-768.0 + u * (320.0 - 175.0 * u)));
            let b = u / 1024.0 * (256.0 + u * (-128.0 + u * (74.0 - 47.0 * u)));
            let cubic = b / 6.0 * cos_2m * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * cos_2m * cos_2m - 3.0);
            let delta = b * sin_sigma * (cos_2m + b / 4.0 * (cos_sigma * (2.0 * cos_2m * cos_2m - 1.0) - cubic));
            return Some(B * a * (sigma - delta));
        }
    }
    None
}

/// A point across from the largest part of a vector, by the S2 library's choice.
fn across(p: Point) -> Point {
    let largest = (0..3).fold(0, |best, at| if p[at].abs() > p[best].abs() { at } else { best });
    let mut other = [0.012, 0.0053, 0.00457];
    other[(largest + 2) % 3] = 1.0;
    unit(cross(p, other))
}

fn buffer<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(center), Some(radius)) = (place(&args[0], &args[1]), metres(&args[2])) else { return Value::Null };
    if radius == 0.0 {
        return Value::Null;
    }
    let radius_angle = radius / RADIUS;
    let corners = match args.get(3).map(metres) {
        None => 100,
        Some(Some(tolerance)) if tolerance > 0.0 => {
            let half = (1.0 - (tolerance / radius).min(1.0)).acos();
            (std::f64::consts::PI / half).ceil().clamp(3.0, 10_000.0) as usize
        }
        Some(_) => return Value::Null,
    };
    let y = across(center);
    let x = cross(center, y);
    let (up, out) = (radius_angle.cos(), radius_angle.sin());
    let ring = (0..corners)
        .map(|at| {
            let (sin, cos) = (TAU * at as f64 / corners as f64).sin_cos();
            let offset = add(scale(y, out * cos), scale(x, out * sin));
            sphere::degrees(unit(add(scale(center, up), offset)))
        })
        .collect();
    polygons_json(vec![vec![ring]])
}

struct Wkt<'t> {
    rest: &'t str,
}

/// Collections within each other past this are refused.
const DEEPEST: usize = 16;

impl Wkt<'_> {
    fn take(&mut self, mark: char) -> bool {
        match self.rest.trim_start().strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn shape(&mut self, depth: usize) -> Option<Json> {
        if depth > DEEPEST {
            return None;
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        let (name, tree) = match word.to_ascii_uppercase().as_str() {
            "POINT" => ("Point", self.list(|reader| reader.corner())?.into_iter().next()?),
            "LINESTRING" => ("LineString", Json::Array(self.list(|reader| reader.corner())?)),
            "MULTIPOINT" => ("MultiPoint", Json::Array(self.list(|reader| reader.maybe_wrapped())?)),
            "POLYGON" | "MULTILINESTRING" => {
                let name = if word.eq_ignore_ascii_case("POLYGON") { "Polygon" } else { "MultiLineString" };
                (name, Json::Array(self.list(|reader| reader.list(Wkt::corner).map(Json::Array))?))
            }
            "MULTIPOLYGON" => {
                let ring = |reader: &mut Self| reader.list(Wkt::corner).map(Json::Array);
                ("MultiPolygon", Json::Array(self.list(|reader| reader.list(ring).map(Json::Array))?))
            }
            "GEOMETRYCOLLECTION" => {
                let shapes = self.list(|reader| reader.shape(depth + 1))?;
                return Some(json!({"type": "GeometryCollection", "geometries": shapes}));
            }
            _ => return None,
        };
        Some(json!({"type": name, "coordinates": tree}))
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<Json>) -> Option<Vec<Json>> {
        if !self.take('(') {
            return None;
        }
        let mut items = vec![item(self)?];
        while self.take(',') {
            items.push(item(self)?);
        }
        self.take(')').then_some(items)
    }

    /// The points of a multipoint may stand in parentheses of their own.
    fn maybe_wrapped(&mut self) -> Option<Json> {
        if self.rest.trim_start().starts_with('(') {
            return self.list(|reader| reader.corner())?.into_iter().next();
        }
        self.corner()
    }

    fn corner(&mut self) -> Option<Json> {
        let (lng, lat) = (self.number()?, self.number()?);
        Some(json!([lng, lat]))
    }

    fn number(&mut self) -> Option<f64> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')')).unwrap_or(rest.len());
        let (number, rest) = rest.split_at(end);
        self.rest = rest;
        number.parse().ok().filter(|number: &f64| number.is_finite())
    }
}
