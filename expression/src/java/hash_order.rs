//! The order in which Java's `HashMap` keeps its keys.

use std::sync::Arc;

use crate::Value;

/// The table of a new map made for a known number of entries: what a map literal makes.
pub(crate) fn capacity_for(entries: usize) -> usize {
    table_size((entries * 4).div_ceil(3).max(1))
}

/// The table of a map that began empty and grew.
pub(crate) fn capacity_grown(entries: usize) -> usize {
    let mut size = 16;
    while entries > size / 4 * 3 {
        size *= 2;
    }
    size
}

/// The table of a map made with room for `capacity`, after `entries` were put into it.
pub(crate) fn capacity_from(capacity: usize, entries: usize) -> usize {
    let mut size = table_size(capacity);
    while entries > size / 4 * 3 {
        size *= 2;
    }
    size
}

fn table_size(capacity: usize) -> usize {
    capacity.next_power_of_two()
}

/// The entries (text of the key, key, value) by bucket; those of one bucket keep their order. Of equal keys the last
/// value wins.
pub(crate) fn order(
    entries: Vec<(Arc<str>, Value, Value)>,
    capacity: usize,
) -> Vec<(Arc<str>, Value, Value)> {
    let mask = u32::try_from(capacity - 1).unwrap_or(u32::MAX);
    let mut entries = entries;
    entries.sort_by_cached_key(|(text, key, _)| {
        let hash = hash(text, key);
        (hash ^ (hash >> 16)) & mask
    });
    entries
}

/// Java's `hashCode` of a key.
fn hash(text: &str, key: &Value) -> u32 {
    let fold = |bits: u64| ((bits ^ (bits >> 32)) & 0xffff_ffff) as u32;
    match key {
        Value::Bool(true) => 1231,
        Value::Bool(false) => 1237,
        Value::Int32(value) => value.cast_unsigned(),
        Value::Int(value) => fold(value.cast_unsigned()),
        Value::Float(value) => fold(value.to_bits()),
        _ => string_hash(text),
    }
}

/// `String.hashCode`.
pub(crate) fn string_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    })
}
