//! make_list, make_set, make_bag and their like.
use crate::functions::Aggregate;

pub const AGGREGATES: &[Aggregate] = &[];
