//! The scheduler as a whole: flows in YAML, events in any order, and what comes of them.

mod golden;
mod random_flows;
mod world;
