//! What `flowmill run` needs beyond the services: the request that starts the execution, its progress as people read it, and how it ended.

mod follow;
mod label;
mod outcome;
mod request;
mod view;

pub(crate) use self::follow::{Follow, Interrupted};
pub(crate) use self::outcome::Outcome;
pub(crate) use self::request::{FileInput, Pair, Request};
pub(crate) use self::view::View;
