//! SQL tasks.

pub mod duckdb;
mod fetch;

use crate::describe::Described;

pub(crate) fn definitions() -> Vec<Described> {
    duckdb::definitions()
        .into_iter()
        .map(Described::from)
        .collect()
}
