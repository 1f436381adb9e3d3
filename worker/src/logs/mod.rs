//! The logs of tasks: from a line that a task writes to chunks in the store.

mod attempt_log;
mod sink;

pub(crate) use attempt_log::{AttemptLog, Line};
pub(crate) use sink::{LogSink, Target};
