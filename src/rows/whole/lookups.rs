//! ipv4_lookup and ipv6_lookup: rows joined to the networks that hold their address.
use super::Whole;
use super::args::Args;
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::Schema;
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
        run: |call, inputs, schema, env| lookup(call, inputs, schema, env, v4),
    },
    Whole {
        name: "ipv6_lookup",
        doc: "Joins each row to the networks of a table that hold its IPv6 or IPv4 address.",
        takes: TAKES,
        run: |call, inputs, schema, env| lookup(call, inputs, schema, env, v6),
    },
];

/// An address, and how many of its leading bits count.
type Network = (u128, u32);

fn v4(text: &str) -> Option<Network> {
    let (address, bits) = split(text, 32)?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some((u128::from(address.to_ipv6_mapped().to_bits()), 96 + bits))
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
    let mut picks = Vec::new();
    for output in args.groups("output") {
        let from_left = output.text("side") == Some("left");
        let of = if from_left { &left.schema } else { &right.schema };
        let place = output.text("column").and_then(|name| of.index(name)).ok_or_else(|| args.lacks("column"))?;
        picks.push((from_left, place));
    }
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
        for other in met {
            let cell = |((from_left, place), column): (&(bool, usize), &crate::types::Column)| match (from_left, other)
            {
                (true, _) => row[*place].clone(),
                (false, Some(other)) => right.rows[other][*place].clone(),
                (false, None) => Value::absent(column.ty),
            };
            sink.push(picks.iter().zip(&schema.columns).map(cell).collect())?;
        }
    }
    Ok(sink.finish(schema))
}
