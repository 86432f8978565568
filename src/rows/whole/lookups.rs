//! ipv4_lookup and ipv6_lookup: rows joined to the networks that hold their address; geo_polygon_lookup and
//! geo_line_lookup: rows joined to the shapes that hold their place or come near it.
use super::args::Args;
use super::{Over, Whole};
use crate::functions::{self, Call, Eval};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const TAKES: &str = "source: Scalar; network: Scalar over the second input; left: Scalar* and right: Scalar* (pairs of \
                     extra keys, over the first and the second input); unmatched: Constant bool?; output: Group* of side: \
                     Constant string (left, right) and column: Constant string, one for each column of the schema.";

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "ipv4_lookup",
        doc: "Joins each row to the networks of a table that hold its IPv4 address.",
        takes: TAKES,
        over: Over::Tables,
        run: |call, inputs, schema, env| lookup(call, inputs, schema, env, v4),
    },
    Whole {
        name: "ipv6_lookup",
        doc: "Joins each row to the networks of a table that hold its IPv6 or IPv4 address.",
        takes: TAKES,
        over: Over::Tables,
        run: |call, inputs, schema, env| lookup(call, inputs, schema, env, v6),
    },
    Whole {
        name: "geo_polygon_lookup",
        doc: "Joins each row to the polygons of a table that hold its place, or that lie within a radius of it.",
        takes: GEO_TAKES,
        over: Over::Tables,
        run: |call, inputs, schema, env| near(call, inputs, schema, env, true),
    },
    Whole {
        name: "geo_line_lookup",
        doc: "Joins each row to the lines of a table that lie within a radius of its place.",
        takes: GEO_TAKES,
        over: Over::Tables,
        run: |call, inputs, schema, env| near(call, inputs, schema, env, false),
    },
];

const GEO_TAKES: &str = "longitude: Scalar, latitude: Scalar; shape: Scalar over the second input; radius: Constant real? \
                         (metres); unmatched: Constant bool?; output: as for ipv4_lookup.";

/// An address, and how many of its leading bits count.
type Network = (u128, u32);

fn v4(text: &str) -> Option<Network> {
    let (address, bits) = split(text, 32)?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some((address.to_ipv6_mapped().to_bits(), 96 + bits))
}

fn v6(text: &str) -> Option<Network> {
    let (address, _) = split(text, 128)?;
    match address.parse().ok()? {
        IpAddr::V4(_) => v4(text),
        IpAddr::V6(address) => Some((Ipv6Addr::to_bits(address), split(text, 128)?.1)),
    }
}

fn split(text: &str, most: u32) -> Option<(&str, u32)> {
    match text.trim().split_once('/') {
        Some((address, bits)) => Some((address, bits.trim().parse().ok().filter(|bits| *bits <= most)?)),
        None => Some((text.trim(), most)),
    }
}

fn masked(address: u128, bits: u32) -> u128 {
    if bits == 0 { 0 } else { address & (u128::MAX << (128 - bits)) }
}

fn lookup(
    call: &WholeCall,
    inputs: &[Table],
    schema: &Schema,
    env: &Env<'_>,
    read: fn(&str) -> Option<Network>,
) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let [left, right] = inputs else { return Err(args.lacks("input")) };
    let source = args.ready("source", &left.schema, env.now)?;
    let network = args.ready("network", &right.schema, env.now)?;
    let left_keys = args.ready_all("left", &left.schema, env.now)?;
    let right_keys = args.ready_all("right", &right.schema, env.now)?;
    let output = Output::new(&args, left, right)?;
    // By how many bits count, the masked address and the extra keys.
    let mut networks: HashMap<(u32, u128, Vec<u8>), Vec<usize>> = HashMap::new();
    let mut lengths: Vec<u32> = Vec::new();
    for (at, row) in right.rows.iter().enumerate() {
        if let Some((address, bits)) = read(&network.eval(row).text()) {
            let mut key = Vec::new();
            right_keys.iter().for_each(|one| order::push_key(&mut key, &one.eval(row)));
            networks.entry((bits, masked(address, bits), key)).or_default().push(at);
            if !lengths.contains(&bits) {
                lengths.push(bits);
            }
        }
    }
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let unmatched = args.flag("unmatched");
    let mut sink = Sink::new(env.budget);
    for row in &left.rows {
        let mut key = Vec::new();
        left_keys.iter().for_each(|one| order::push_key(&mut key, &one.eval(row)));
        let mut met: Vec<Option<usize>> = Vec::new();
        if let Some((address, own)) = read(&source.eval(row).text()) {
            for bits in lengths.iter().filter(|bits| **bits <= own) {
                let found = networks.get(&(*bits, masked(address, *bits), key.clone()));
                met.extend(found.into_iter().flatten().copied().map(Some));
            }
        }
        if met.is_empty() && unmatched {
            met.push(None);
        }
        output.rows(row, met, right, schema, &mut sink)?;
    }
    Ok(sink.finish(schema))
}

/// Which column of which side each column of the result is.
struct Output {
    picks: Vec<(bool, usize)>,
}

impl Output {
    fn new(args: &Args<'_>, left: &Table, right: &Table) -> Result<Output, RowsError> {
        let mut picks = Vec::new();
        for output in args.groups("output") {
            let from_left = output.text("side") == Some("left");
            let of = if from_left { &left.schema } else { &right.schema };
            let place = output.text("column").and_then(|name| of.index(name)).ok_or_else(|| args.lacks("column"))?;
            picks.push((from_left, place));
        }
        Ok(Output { picks })
    }

    /// One left row with each of the right rows that it met; `None` is none.
    fn rows(
        &self,
        row: &[Value<'static>],
        met: Vec<Option<usize>>,
        right: &Table,
        schema: &Schema,
        sink: &mut Sink,
    ) -> Result<(), RowsError> {
        for other in met {
            let cells =
                self.picks.iter().zip(&schema.columns).map(|((from_left, place), column)| match (from_left, other) {
                    (true, _) => row[*place].clone(),
                    (false, Some(other)) => right.rows[other][*place].clone(),
                    (false, None) => Value::absent(column.ty),
                });
            sink.push(cells.collect())?;
        }
        Ok(())
    }
}

fn near(
    call: &WholeCall,
    inputs: &[Table],
    schema: &Schema,
    env: &Env<'_>,
    polygons: bool,
) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let [left, right] = inputs else { return Err(args.lacks("input")) };
    let longitude = args.ready("longitude", &left.schema, env.now)?;
    let latitude = args.ready("latitude", &left.schema, env.now)?;
    let shape = args.ready("shape", &right.schema, env.now)?;
    let radius = args.constant("radius").and_then(Value::as_real);
    let output = Output::new(&args, left, right)?;
    let unmatched = args.flag("unmatched");
    let name = match (polygons, radius) {
        (true, None) => "geo_point_in_polygon",
        (true, Some(_)) => "geo_distance_point_to_polygon",
        (false, _) => "geo_distance_point_to_line",
    };
    let Some(Eval::Row(measure)) = functions::scalar(name).map(|function| function.eval) else {
        return Err(args.lacks(name));
    };
    let gives = if name == "geo_point_in_polygon" { Type::Bool } else { Type::Real };
    let types = [Type::Real, Type::Real, Type::Dynamic];
    let shapes: Vec<Value<'_>> = right.rows.iter().map(|row| shape.eval(row)).collect();
    let mut sink = Sink::new(env.budget);
    for row in &left.rows {
        let mut met: Vec<Option<usize>> = Vec::new();
        let place = [longitude.eval(row), latitude.eval(row)];
        for (at, shape) in shapes.iter().enumerate() {
            let [lng, lat] = place.clone();
            let value = measure(&Call { types: &types, gives, now: env.now }, &[lng, lat, shape.borrow()]);
            let is_near = match (&value, radius) {
                (Value::Bool(inside), _) => *inside,
                (Value::Real(metres), Some(radius)) => *metres <= radius,
                _ => false,
            };
            if is_near {
                met.push(Some(at));
            }
        }
        if met.is_empty() && unmatched {
            met.push(None);
        }
        output.rows(row, met, right, schema, &mut sink)?;
        env.budget.check_time()?;
    }
    Ok(sink.finish(schema))
}
