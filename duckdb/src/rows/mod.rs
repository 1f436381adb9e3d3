//! Rows on their way out: read from DuckDB's vectors, written as JSON or text Ion.

mod json;
mod read;
mod sink;
mod text;

pub(crate) use json::JsonSink;
pub(crate) use read::RowShape;
pub(crate) use sink::Sink;
