//! Polygons put together: their edges are cut where they meet, those inside another polygon are left out, and what
//! remains is joined to rings.
use super::shapes::{Polygon, Ring, area};
use super::sphere::{Point, add, angle, bearing, crossing, degrees, inside, nearest, unit};
use std::collections::HashMap;
use std::f64::consts::{PI, TAU};

/// More edges than this are not put together.
const MOST_EDGES: usize = 4_000;
/// Points nearer than this are one.
const NEAR: f64 = 1e-14;

type Key = [u64; 3];

fn key(p: Point) -> Key {
    p.map(|part| (part + 0.0).to_bits())
}

/// An edge with the polygon to its left.
struct Edge {
    from: Point,
    to: Point,
    owner: usize,
}

/// The polygon is to the left of its outer ring and to the right of its holes as they are kept.
fn edges_of(polygon: &Polygon, owner: usize) -> impl Iterator<Item = Edge> {
    polygon.rings().enumerate().flat_map(move |(at, ring)| {
        ring.iter().enumerate().map(move |(index, from)| {
            let (from, to) = (*from, ring[(index + 1) % ring.len()]);
            let (from, to) = if at == 0 { (from, to) } else { (to, from) };
            Edge { from, to, owner }
        })
    })
}

/// The rings of the union, polygon by polygon, the outer ring first; `None` where there are too many edges. The two with
/// the fewest corners are put together first, as the S2 library does it: where rings begin depends on it.
pub fn union(polygons: &[Polygon]) -> Option<Vec<Vec<Ring>>> {
    let corners = |rings: &[Vec<Vec<Point>>]| rings.iter().flatten().map(Vec::len).sum::<usize>();
    let mut open: Vec<Vec<Vec<Vec<Point>>>> =
        polygons.iter().map(|polygon| vec![polygon.rings().cloned().collect()]).collect();
    if open.iter().map(|rings| corners(rings)).sum::<usize>() > MOST_EDGES {
        return None;
    }
    open.sort_by_key(|rings| corners(rings));
    while open.len() > 1 {
        let (first, second) = (open.remove(0), open.remove(0));
        let both = first.into_iter().chain(second).filter_map(|mut rings| {
            let outer = (!rings.is_empty()).then(|| rings.remove(0))?;
            Some(Polygon { outer, holes: rings, written: vec![] })
        });
        let united = joined(&both.collect::<Vec<_>>());
        let at = open.partition_point(|rings| corners(rings) <= corners(&united));
        open.insert(at, united);
    }
    open.pop().map(in_degrees)
}

/// The rings of the union, holes counter-clockwise too.
fn joined(polygons: &[Polygon]) -> Vec<Vec<Vec<Point>>> {
    let edges: Vec<Edge> = polygons.iter().enumerate().flat_map(|(owner, polygon)| edges_of(polygon, owner)).collect();
    let pieces = cut(&edges);
    let mut owners: HashMap<(Key, Key), Vec<usize>> = HashMap::new();
    for piece in &pieces {
        owners.entry((key(piece.from), key(piece.to))).or_default().push(piece.owner);
    }
    let mut kept: Vec<Edge> = Vec::new();
    for piece in pieces {
        let (from, to) = (key(piece.from), key(piece.to));
        let same = owners.get(&(from, to)).map_or(&[][..], Vec::as_slice);
        let is_first = same.first() == Some(&piece.owner);
        let is_between = owners.contains_key(&(to, from));
        let middle = unit(add(piece.from, piece.to));
        let mut others = polygons.iter().enumerate().filter(|(at, _)| !same.contains(at));
        if is_first && !is_between && !others.any(|(_, polygon)| polygon.contains(middle)) {
            kept.push(piece);
        }
    }
    assembled(rings(kept))
}

/// The rings of what two sets of polygons have in common, as [`union`] gives them.
pub fn intersection(first: &[Polygon], second: &[Polygon]) -> Option<Vec<Vec<Ring>>> {
    let mut edges = Vec::new();
    for (owner, polygon) in first.iter().chain(second).enumerate() {
        edges.extend(edges_of(polygon, owner));
    }
    if edges.len() > MOST_EDGES {
        return None;
    }
    let is_first = |piece: &Edge| piece.owner < first.len();
    let pieces = cut(&edges);
    let mut owners: HashMap<(Key, Key), (bool, bool)> = HashMap::new();
    for piece in &pieces {
        let known = owners.entry((key(piece.from), key(piece.to))).or_default();
        *if is_first(piece) { &mut known.0 } else { &mut known.1 } = true;
    }
    let kept = pieces.into_iter().filter(|piece| {
        let (from, to) = (key(piece.from), key(piece.to));
        match (owners.get(&(from, to)), owners.get(&(to, from))) {
            // A border of both, with both on the same side: once.
            (Some((true, true)), _) => is_first(piece),
            // A border of both, with each on its side.
            (_, Some(_)) => false,
            _ => {
                let middle = unit(add(piece.from, piece.to));
                let others = if is_first(piece) { second } else { first };
                others.iter().any(|polygon| polygon.contains(middle))
            }
        }
    });
    Some(in_degrees(assembled(rings(kept.collect()))))
}

/// The edges in pieces that meet others at their ends only.
fn cut(edges: &[Edge]) -> Vec<Edge> {
    let mut cuts: Vec<Vec<Point>> = vec![Vec::new(); edges.len()];
    for (i, one) in edges.iter().enumerate() {
        for (j, other) in edges.iter().enumerate().skip(i + 1) {
            if one.owner == other.owner {
                continue;
            }
            let ends = [one.from, one.to, other.from, other.to];
            let mut common: Vec<Point> = Vec::new();
            for (at, end) in ends.into_iter().enumerate() {
                let edge = if at < 2 { other } else { one };
                if angle(nearest(end, edge.from, edge.to), end) < NEAR {
                    common.push(end);
                }
            }
            if common.is_empty() {
                common.extend(crossing(one.from, one.to, other.from, other.to));
            }
            for point in common {
                // The first of near points stands for all of them.
                let point = ends.into_iter().find(|end| angle(*end, point) < NEAR).unwrap_or(point);
                cuts[i].push(point);
                cuts[j].push(point);
            }
        }
    }
    let mut pieces = Vec::new();
    for (edge, mut cuts) in edges.iter().zip(cuts) {
        cuts.sort_by(|a, b| angle(edge.from, *a).total_cmp(&angle(edge.from, *b)));
        let mut from = edge.from;
        for to in cuts.into_iter().chain([edge.to]) {
            if angle(from, to) >= NEAR {
                pieces.push(Edge { from, to, owner: edge.owner });
                from = to;
            }
        }
    }
    pieces
}

/// Edges joined end to end; where several go on, the leftmost does. A ring ends with its last edge, as the S2 library has
/// it; rings stand in the order of the edges that they begin with.
fn rings(edges: Vec<Edge>) -> Vec<Vec<Point>> {
    let mut onward: HashMap<Key, Vec<usize>> = HashMap::new();
    for (at, edge) in edges.iter().enumerate() {
        onward.entry(key(edge.from)).or_default().push(at);
    }
    let mut used = vec![false; edges.len()];
    let mut rings: Vec<(usize, Vec<Point>)> = Vec::new();
    for start in 0..edges.len() {
        if used[start] {
            continue;
        }
        let mut ring: Vec<usize> = Vec::new();
        let mut at = start;
        loop {
            used[at] = true;
            ring.push(at);
            let (from, here) = (edges[at].from, edges[at].to);
            if key(here) == key(edges[start].from) {
                break;
            }
            let back = bearing(here, from);
            // To the left of where one came from, as seen from here.
            let left = |next: &usize| (back + TAU - bearing(here, edges[*next].to)).rem_euclid(TAU);
            let choices = onward.get(&key(here)).map_or(&[][..], Vec::as_slice).iter().copied();
            let next = choices.filter(|next| !used[*next]).max_by(|a, b| {
                let turned = |next: &usize| (left(next) - PI).rem_euclid(TAU);
                turned(a).total_cmp(&turned(b))
            });
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        let last = (0..ring.len()).max_by_key(|at| ring[*at]).unwrap_or(0);
        let count = ring.len();
        ring.rotate_left((last + 1) % count);
        if count >= 3 {
            rings.push((ring[0], ring.into_iter().map(|at| edges[at].from).collect()));
        }
    }
    rings.sort_by_key(|(begins, _)| *begins);
    rings.into_iter().map(|(_, ring)| ring).collect()
}

/// Rings as polygons: each hole goes with the outer ring around it, and is turned round.
fn assembled(rings: Vec<Vec<Point>>) -> Vec<Vec<Vec<Point>>> {
    let is_outer = |ring: &Vec<Point>| (0.0..TAU).contains(&area(ring));
    let (outer, holes): (Vec<_>, Vec<_>) = rings.into_iter().partition(is_outer);
    let mut polygons: Vec<Vec<Vec<Point>>> = outer.into_iter().map(|ring| vec![ring]).collect();
    for mut hole in holes {
        if let Some(around) = polygons.iter_mut().find(|rings| inside(&rings[0], unit(add(hole[0], hole[1])))) {
            hole.reverse();
            around.push(hole);
        }
    }
    polygons
}

/// Longitudes and latitudes; holes run clockwise.
fn in_degrees(polygons: Vec<Vec<Vec<Point>>>) -> Vec<Vec<Ring>> {
    let ring = |(at, mut ring): (usize, Vec<Point>)| {
        if at > 0 {
            ring.reverse();
        }
        ring.into_iter().map(degrees).collect()
    };
    polygons.into_iter().map(|rings| rings.into_iter().enumerate().map(ring).collect()).collect()
}
