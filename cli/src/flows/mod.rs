//! A folder of flows that a server loads and watches.

mod folder;
mod loader;
mod watch;

pub(crate) use self::folder::yaml_files;
pub(crate) use self::watch::Watcher;
