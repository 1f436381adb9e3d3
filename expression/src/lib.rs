//! Kestra's expression language: `{{ outputs.api.body | jq('.items') | first ?? 'none' }}`.
//!
//! This crate reads, checks and renders the expressions of Kestra's flows: Pebble templates plus the filters and
//! functions Kestra adds to them. It knows nothing of flows and does no IO: variables come from a (lazy) [`Object`], the
//! time, chance and facts such as secrets or files from a [`Host`].
//!
//! ```
//! use flowmill_expression::{Engine, FixedHost, Options, Value};
//!
//! let engine = Engine::new(Options::default());
//! let variables = Value::from(serde_json::json!({"inputs": {"name": "ada", "tags": ["x", "y"]}}));
//! let root = variables.as_object().expect("it is a map");
//! let text = engine.render("{{ inputs.name | upper }}: {{ inputs.tags | join('+') }}", root, &FixedHost::default())?;
//! assert_eq!(text, "ADA: x+y");
//! # Ok::<(), flowmill_expression::Error>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod cache;
mod check;
mod dates;
mod engine;
mod error;
mod evaluate;
mod filters;
mod formats;
mod functions;
mod host;
mod java;
mod jq;
mod nearest;
mod object;
mod options;
mod reference;
mod references;
mod render;
mod survey;
mod syntax;
mod table;
mod tests;
mod value;

pub use self::check::{Finding, FindingCode, Known, Severity};
pub use self::engine::{Engine, Template};
pub use self::error::{Error, ErrorKind, Limit, Place};
pub use self::host::{Answer, FileNeed, FixedHost, Host, HttpNeed, Need, SubflowNeed};
pub use self::nearest::nearest;
pub use self::object::Object;
pub use self::options::{Limits, Options, Profile};
pub use self::reference::reference_markdown;
pub use self::references::References;
pub use self::render::is_truthy;
pub use self::value::{
    BigInt, Decimal, JsonView, Kind, List, Map, MapBuilder, Number, Temporal, Value,
};
