//! What expressions see: the root variables, made only as far as they are asked for.

mod job;
mod outputs;
mod record;
mod root;
mod states;

pub use job::job_variables;
pub use outputs::{stored_outputs_need, stored_outputs_path};
pub use root::{Answers, Root};
