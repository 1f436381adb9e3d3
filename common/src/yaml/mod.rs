//! YAML as flows are written: text to a tree that knows where each part stands, and diagnostics that point into the text.
//!
//! [`parse`] reads one document into a [`Node`]. Scalars keep the text they were written with; what an untyped one means
//! ([`Scalar::value`]) follows the YAML 1.1 table of Kestra's reader (`yes` is true, `0777` is 511), so a text property given
//! `yes` stays text. Anchors, aliases and merge keys are expanded within [`Limits`], duplicate keys are errors.

mod compose;
mod diagnostic;
mod document;
mod locate;
mod merge;
mod node;
mod render;
mod scalar;
mod syntax;

pub(crate) use compose::compose;
pub use compose::{Limits, parse};
pub use diagnostic::{Diagnostic, Kind as DiagnosticKind, Related, Severity};
pub use document::{Document, split_documents};
pub use locate::locate;
pub(crate) use merge::{Winner, merge};
pub use node::{Entry, Kind, Mapping, Node, Span};
pub use render::{render, render_all};
pub use scalar::{Scalar, Style};
