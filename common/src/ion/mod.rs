//! Text Ion, the form of stored row files (`.ion`): one row a line, `{id:1,name:"Ada",price:10.50,born:1815-12-10}`.
//!
//! [`Writer`] writes what Kestra 1.x writes (ion-java's text writer under Jackson, with Kestra's annotated date and time
//! strings), byte for byte. [`Reader`] reads any text Ion, and so any JSON and JSON lines, value by value at constant
//! memory. [`Value`] keeps what JSON cannot: decimals as written, integers of any size, dates and times, bytes.
//!
//! Not here: binary Ion (recognised and refused with its own error) and user symbol tables.

mod blank;
mod decimal;
mod error;
mod number;
mod parse;
mod quoted;
mod read;
mod source;
mod temporal;
mod value;
mod write;

pub use decimal::Decimal;
pub use error::ReadError;
pub use read::{Limits, Reader, parse_all, parse_first};
pub use temporal::{Temporal, TemporalKind};
pub use value::Value;
pub use write::Writer;

#[cfg(test)]
mod tests;
