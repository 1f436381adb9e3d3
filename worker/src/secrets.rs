//! The secrets, as tasks see them.

pub use flowmill_common::secrets::{Masker, Secrets};
