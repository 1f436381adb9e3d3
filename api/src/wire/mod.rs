//! Kestra's JSON, apart from the domain: written straight from borrowed domain values, nothing is copied into trees first.

pub(crate) mod bulk;
pub(crate) mod execution;
pub(crate) mod flow;
pub(crate) mod graph;
pub(crate) mod log;
pub(crate) mod state;
pub(crate) mod time;
