//! The REST API: Kestra's wire shapes over flowmill's store, queue and files, with server-sent events for what changes.
//!
//! Three generations of Kestra clients are served by one set of routes: paths are normalised before routing ([`layer`]), bodies are
//! supersets ([`wire`], [`error`]), filters are read in both notations ([`request`]). No decision about flows is made here: an
//! execution is created by publishing an event, everything about it is read from the store, and changes come by the queue ([`watch`]).

mod config;
mod error;
mod executions;
mod facts;
mod flows;
mod instance;
mod layer;
mod logs;
mod metrics;
mod namespaces;
mod openapi;
mod outputs;
mod parts;
mod plugins;
mod request;
mod router;
mod serve;
mod sse;
mod storage;
mod watch;
mod wire;

pub use config::{BasicAuth, Config, Environment, Preview};
pub use openapi::json as openapi_json;
pub use parts::{Api, Parts};
pub use router::router;
pub use serve::{BindError, bind, url_of};
