//! Typed layers over the [`Store`](crate::Store): executions and their indexes, flows and revisions, logs. Written once, for
//! whatever store is behind.

pub mod claims;
pub mod executions;
pub mod flows;
pub mod installation;
pub mod logs;
pub mod members;
pub mod metrics;
pub mod partition;
