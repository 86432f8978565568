//! Geometry on the unit sphere.

/// A unit vector from the middle of the Earth.
pub type Point = [f64; 3];

/// In metres, as the reference engine has it.
pub const RADIUS: f64 = 6_371_010.0;

/// A point by longitude and latitude in degrees.
pub fn point(longitude: f64, latitude: f64) -> Point {
    let (lng, lat) = (longitude.to_radians(), latitude.to_radians());
    [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
}

/// Longitude and latitude in degrees.
pub fn degrees(p: Point) -> (f64, f64) {
    // Zero is added so that no −0 is printed.
    let lng = (p[1] + 0.0).atan2(p[0] + 0.0);
    let lat = p[2].atan2((p[0] * p[0] + p[1] * p[1]).sqrt());
    (lng.to_degrees() + 0.0, lat.to_degrees() + 0.0)
}

pub fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn add(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub fn scale(a: Point, by: f64) -> Point {
    [a[0] * by, a[1] * by, a[2] * by]
}

pub fn norm(a: Point) -> f64 {
    dot(a, a).sqrt()
}

pub fn unit(a: Point) -> Point {
    let length = norm(a);
    if length > 0.0 { scale(a, 1.0 / length) } else { a }
}

/// The angle between two points, exact for near ones too.
pub fn angle(a: Point, b: Point) -> f64 {
    norm(cross(a, b)).atan2(dot(a, b))
}

/// The point at a distance along the geodesic from one point towards another.
pub fn along(a: Point, b: Point, distance: f64) -> Point {
    let towards = unit(cross(cross(a, b), a));
    unit(add(scale(a, distance.cos()), scale(towards, distance.sin())))
}

/// The point of an edge that is nearest to `p`.
pub fn nearest(p: Point, a: Point, b: Point) -> Point {
    let normal = unit(cross(a, b));
    let foot = unit(sub(p, scale(normal, dot(p, normal))));
    if dot(cross(normal, a), foot) > 0.0 && dot(cross(b, normal), foot) > 0.0 {
        foot
    } else if angle(p, a) <= angle(p, b) {
        a
    } else {
        b
    }
}

/// Clockwise from north, from 0 to 2π.
pub fn bearing(from: Point, to: Point) -> f64 {
    let east = unit(cross([0.0, 0.0, 1.0], from));
    let north = cross(from, east);
    dot(to, east).atan2(dot(to, north)).rem_euclid(std::f64::consts::TAU)
}

/// The area of a triangle, negative where its corners run clockwise.
pub fn triangle(a: Point, b: Point, c: Point) -> f64 {
    2.0 * dot(a, cross(b, c)).atan2(1.0 + dot(a, b) + dot(b, c) + dot(a, c))
}

/// The middle of a triangle times its signed area (J. E. Brock, "The Inertia Tensor for a Spherical Triangle").
pub fn triangle_middle(a: Point, b: Point, c: Point) -> Point {
    let (alpha, beta, gamma) = (angle(b, c), angle(c, a), angle(a, b));
    let ratio = |angle: f64| if angle == 0.0 { 1.0 } else { angle / angle.sin() };
    let (ra, rb, rc) = (ratio(alpha), ratio(beta), ratio(gamma));
    let x = [a[0], b[0] - a[0], c[0] - a[0]];
    let y = [a[1], b[1] - a[1], c[1] - a[1]];
    let z = [a[2], b[2] - a[2], c[2] - a[2]];
    let r = [ra, rb - ra, rc - ra];
    scale([dot(cross(y, z), r), dot(cross(z, x), r), dot(cross(x, y), r)], 0.5)
}

/// Where two edges cross, their ends included.
pub fn crossing(a: Point, b: Point, c: Point, d: Point) -> Option<Point> {
    let (first, second) = (cross(a, b), cross(c, d));
    let line = cross(first, second);
    if norm(line) < 1e-30 {
        return None;
    }
    let line = unit(line);
    let within = |p: Point, normal: Point, from: Point, to: Point| {
        dot(cross(normal, from), p) >= -1e-15 * norm(normal) && dot(cross(to, normal), p) >= -1e-15 * norm(normal)
    };
    [line, scale(line, -1.0)].into_iter().find(|p| within(*p, first, a, b) && within(*p, second, c, d))
}

/// Whether a point lies in a ring that runs counter-clockwise around less than half of the sphere.
pub fn inside(ring: &[Point], p: Point) -> bool {
    let mut turned = 0.0;
    for (at, a) in ring.iter().enumerate() {
        let b = ring[(at + 1) % ring.len()];
        let (u, v) = (cross(p, *a), cross(p, b));
        turned += dot(p, cross(u, v)).atan2(dot(u, v));
    }
    turned > std::f64::consts::PI
}
