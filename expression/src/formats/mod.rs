//! The texts values are written to and read from.

pub(crate) mod ion_read;
pub(crate) mod ion_write;
pub(crate) mod java_text;
pub(crate) mod json_read;
pub(crate) mod json_write;
pub(crate) mod text;
pub(crate) mod yaml_read;
pub(crate) mod yaml_write;
