use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::error::{Error, Kind};

/// Turns SQLite's errors into ours, with the directory they are about.
#[derive(Clone)]
pub(super) struct Failures {
    directory: Arc<PathBuf>,
}

impl Failures {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: Arc::new(directory.to_owned()),
        }
    }

    /// An error while the store is opened: what an operator must mend is `Invalid`, since waiting does not help.
    pub(super) fn opening(&self, error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                let message = format!(
                    "the data directory `{}` is not writable",
                    self.directory.display()
                );
                Error::with_source(Kind::Invalid, message, error)
            }
            _ => self.running(error),
        }
    }

    /// An error of a read or a commit.
    pub(super) fn running(&self, error: rusqlite::Error) -> Error {
        let directory = self.directory.display();
        let (kind, message) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => (
                Kind::Unavailable,
                format!("no room left on the disk of `{directory}`"),
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
                Kind::Unavailable,
                format!("the store in `{directory}` is locked by another program"),
            ),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory,
            ) => (
                Kind::Unavailable,
                format!("the store in `{directory}` cannot be read or written"),
            ),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
                Kind::Internal,
                format!("the store in `{directory}` is damaged"),
            ),
            Some(ErrorCode::TooBig) => (Kind::Invalid, "a key or value is too large".to_owned()),
            _ => (Kind::Internal, format!("the store in `{directory}` failed")),
        };
        Error::with_source(kind, message, error)
    }
}
