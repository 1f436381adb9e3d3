//! The dependency order: what runs next, and when.
//!
//! [`step`] takes a flow, an execution and one event, and says what changes and what is to be done. It is pure and
//! deterministic: time is the event's, ids are derived, facts come in as [`Facts`]. A stale or repeated event changes nothing.
//! Its cost does not depend on how many task runs the execution has. Nothing here waits, sends or stores.

mod change;
mod context;
mod draft;
mod facts;
pub mod graph;
pub mod invariants;
mod order;

pub use change::{Change, Command};
pub use context::{Answers, Root, job_variables, stored_outputs_need, stored_outputs_path};
pub use facts::{Facts, Settings, StepHost};
pub use order::step;
