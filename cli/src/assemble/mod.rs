//! The services put together from the configuration: the one place that knows which implementation stands behind which trait.

mod directory;
mod environment;
mod foundation;
mod gauges;
mod local_api;
mod member;
mod services;
mod status;
mod vigil;

pub(crate) use self::directory::{default_directory, default_run_directory};
pub(crate) use self::foundation::{Foundation, plugin_defaults, settings};
pub(crate) use self::local_api::LocalApi;
pub(crate) use self::services::{Roles, Services, api};
pub(crate) use self::status::Status;
