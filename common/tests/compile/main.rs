//! The compiler as others use it: golden cases, diagnostics as they are shown, and what hostile texts do.

mod catalogue;
mod conformance;
