//! The S2 grid: six faces of a cube, cut in four again and again, numbered along a Hilbert curve.
//! <https://s2geometry.io/devguide/s2cell_hierarchy>
use super::sphere::{Point, unit};

const MOST_LEVEL: u32 = 30;
/// Cells of the finest level along one side of a face.
const SIZE: u64 = 1 << MOST_LEVEL;
/// The quarter (i, j) at each step of the curve in each of its four orientations.
const QUARTERS: [[usize; 4]; 4] = [[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]];
/// How the orientation changes at each step.
const TURNS: [usize; 4] = [1, 0, 0, 3];

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Cell(pub u64);

/// Between the plane of a face and the grid on it: areas stay alike by a quadratic bend.
fn bent(u: f64) -> f64 {
    if u >= 0.0 { 0.5 * (1.0 + 3.0 * u).sqrt() } else { 1.0 - 0.5 * (1.0 - 3.0 * u).sqrt() }
}

fn straight(s: f64) -> f64 {
    if s >= 0.5 { (4.0 * s * s - 1.0) / 3.0 } else { (1.0 - 4.0 * (1.0 - s) * (1.0 - s)) / 3.0 }
}

fn on_face(face: u64, u: f64, v: f64) -> Point {
    match face {
        0 => [1.0, u, v],
        1 => [-u, 1.0, v],
        2 => [-u, -v, 1.0],
        3 => [-1.0, -v, -u],
        4 => [v, -1.0, -u],
        _ => [v, u, -1.0],
    }
}

fn face_of(p: Point) -> (u64, f64, f64) {
    let largest = (0..3).fold(0, |best, at| if p[at].abs() > p[best].abs() { at } else { best });
    match (largest, p[largest] < 0.0) {
        (0, false) => (0, p[1] / p[0], p[2] / p[0]),
        (1, false) => (1, -p[0] / p[1], p[2] / p[1]),
        (2, false) => (2, -p[0] / p[2], -p[1] / p[2]),
        (0, true) => (3, p[2] / p[0], p[1] / p[0]),
        (1, true) => (4, p[2] / p[1], -p[0] / p[1]),
        _ => (5, -p[1] / p[2], -p[0] / p[2]),
    }
}

fn grid(s: f64) -> u64 {
    (s * SIZE as f64).floor().clamp(0.0, (SIZE - 1) as f64) as u64
}

impl Cell {
    pub fn of(p: Point, level: u32) -> Cell {
        let (face, u, v) = face_of(p);
        Cell::at(face, grid(bent(u)), grid(bent(v))).parent(level)
    }

    /// The finest cell at a place of a face.
    fn at(face: u64, i: u64, j: u64) -> Cell {
        let mut orientation = (face & 1) as usize;
        let mut id = face;
        for bit in (0..MOST_LEVEL).rev() {
            let quarter = ((i >> bit & 1) << 1 | (j >> bit & 1)) as usize;
            let step = QUARTERS[orientation].iter().position(|q| *q == quarter).unwrap_or(0);
            id = id << 2 | step as u64;
            orientation ^= TURNS[step];
        }
        Cell(id << 1 | 1)
    }

    pub fn parse(token: &str) -> Option<Cell> {
        if token.is_empty() || token.len() > 16 || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let id = u64::from_str_radix(token, 16).ok()? << (4 * (16 - token.len()));
        let sound = id >> 61 < 6 && id != 0 && id.trailing_zeros().is_multiple_of(2);
        sound.then_some(Cell(id))
    }

    pub fn token(self) -> String {
        format!("{:016x}", self.0).trim_end_matches('0').to_owned()
    }

    pub fn level(self) -> u32 {
        MOST_LEVEL - self.0.trailing_zeros() / 2
    }

    pub fn parent(self, level: u32) -> Cell {
        let last = 1u64 << (2 * (MOST_LEVEL - level));
        Cell(self.0 & last.wrapping_neg() | last)
    }

    /// The four cells of the next level.
    pub fn children(self) -> [Cell; 4] {
        let last = self.0 & self.0.wrapping_neg();
        let step = last >> 2;
        [0, 1, 2, 3].map(|at: u64| Cell(self.0 - last + step * (2 * at + 1)))
    }

    pub fn faces() -> [Cell; 6] {
        [0, 1, 2, 3, 4, 5].map(|face: u64| Cell(face << 61 | 1 << 60))
    }

    /// The face, the lowest grid place, and the length of a side.
    fn square(self) -> (u64, u64, u64, u64) {
        let face = self.0 >> 61;
        let (mut i, mut j, mut orientation) = (0u64, 0u64, (face & 1) as usize);
        let level = self.level();
        for at in 0..level {
            let step = (self.0 >> (59 - 2 * at) & 3) as usize;
            let quarter = QUARTERS[orientation][step];
            (i, j) = (i << 1 | (quarter >> 1) as u64, j << 1 | (quarter & 1) as u64);
            orientation ^= TURNS[step];
        }
        let side = MOST_LEVEL - level;
        (face, i << side, j << side, 1 << side)
    }

    pub fn center(self) -> Point {
        let (face, i, j, side) = self.square();
        let at = |x: u64| straight((x as f64 + side as f64 / 2.0) / SIZE as f64);
        unit(on_face(face, at(i), at(j)))
    }

    /// The four corners, counter-clockwise.
    pub fn corners(self) -> [Point; 4] {
        let (face, i, j, side) = self.square();
        let at = |x: u64| straight(x as f64 / SIZE as f64);
        [(i, j), (i + side, j), (i + side, j + side), (i, j + side)].map(|(i, j)| unit(on_face(face, at(i), at(j))))
    }

    /// The cells of this level around it, those at its corners too.
    pub fn neighbours(self) -> Vec<Cell> {
        let (face, i, j, side) = self.square();
        let (i, j, side, size) = (i as i64, j as i64, side as i64, SIZE as i64);
        let mut all: Vec<Cell> = Vec::new();
        // In the order of the S2 library.
        for (di, dj) in [(-1, -1), (1, -1), (0, -1), (0, 1), (-1, 0), (1, 0), (-1, 1), (1, 1)] {
            let middle = |x: i64| (x as f64 + side as f64 / 2.0) / size as f64;
            // Past the face's border the plane of the face meets the next face.
            let across = |s: f64| 2.0 * s - 1.0;
            let (s, t) = (middle(i + di * side), middle(j + dj * side));
            let inside = |x: f64| (0.0..=1.0).contains(&x);
            let place = |x: f64| if inside(x) { straight(x) } else { across(x).clamp(-1.000_000_001, 1.000_000_001) };
            let next = Cell::of(on_face(face, place(s), place(t)), self.level());
            if next != self && !all.contains(&next) {
                all.push(next);
            }
        }
        all
    }
}
