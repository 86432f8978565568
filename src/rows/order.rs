//! Orders and equality of values: sort keys, group keys and join keys.
