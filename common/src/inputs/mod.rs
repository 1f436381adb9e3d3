//! What an execution is given, converted to what its flow declares; and what a flow gives back.
//!
//! [`resolve`] takes raw values (texts of a form, JSON of a call) and gives the values that are stored with the execution, or one
//! error for each input that is wrong. [`convert_output`] does the same for the outputs of a flow. Templates and encryption come
//! from the caller's [`Context`]; files are URIs that the caller has stored already.

mod constraint;
mod context;
mod convert;
mod literal;
mod nested;
mod output;
mod pattern;
mod resolve;
mod text;

pub use context::{Context, RenderError};
pub(crate) use literal::literal_default_problem;
pub use nested::nested;
pub use output::convert_output;
pub use pattern::{Pattern, pattern};
pub use resolve::{Failure, InputError, Resolved, ResolvedInput, resolve};

/// The type of an encrypted text among the outputs of a flow.
pub const ENCRYPTED_TYPE: &str = "io.kestra.datatype:aes_encrypted";

#[cfg(test)]
mod tests;
