//! What happens to every request before it reaches its handler.

pub(crate) mod auth;
pub(crate) mod cors;
pub(crate) mod measure;
pub(crate) mod origin;
pub(crate) mod tenant;
