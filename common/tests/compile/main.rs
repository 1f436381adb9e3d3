//! The compiler as others use it: golden cases, diagnostics as they are shown, and what hostile texts do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

mod catalogue;
mod conformance;
mod defaults;
mod diagnostics;
mod expressions;
mod flows;
mod hostile;
