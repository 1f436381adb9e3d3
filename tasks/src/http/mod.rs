//! HTTP tasks.

mod body;
mod client;
mod config;
mod digest;
mod download;
mod exchange;
mod failure;
mod file_name;
mod options;
mod properties;
mod reply;
mod request;

pub use config::Config;

use crate::describe::Described;

pub(crate) fn definitions() -> Vec<Described> {
    vec![
        Described::from(request::definition()),
        Described::from(download::definition()),
    ]
}
