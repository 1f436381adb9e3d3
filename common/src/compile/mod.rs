//! YAML to [`Flow`](crate::Flow): parsing, plugin defaults, typing and every rule that a flow must keep.

mod catalogue;

pub use catalogue::{Catalogue, Placement, PropertyProblem, TaskType};
