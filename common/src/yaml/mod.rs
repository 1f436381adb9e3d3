//! YAML as flows are written: text to a tree that knows where each part stands, and diagnostics that point into the text.

mod diagnostic;

pub use diagnostic::{Diagnostic, Severity};
