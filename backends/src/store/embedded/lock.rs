use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::{Error, Kind, Result};

const FILE: &str = "flowmill.lock";

/// The right of this process to a data directory. The system takes it back when the process ends, however it ends.
pub(super) struct DirectoryLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DirectoryLock {
    /// Creates the directory if need be and takes it. `Invalid` when that cannot be, with the directory and who has it.
    pub(super) fn take(directory: &Path) -> Result<Self> {
        let shown = directory.display();
        let refused = |what: &str, error| {
            Error::with_source(
                Kind::Invalid,
                format!("the data directory `{shown}` {what}"),
                error,
            )
        };
        std::fs::create_dir_all(directory).map_err(|error| refused("cannot be created", error))?;
        let mut options = File::options();
        let mut file = (options.read(true).write(true).create(true).truncate(false))
            .open(directory.join(FILE))
            .map_err(|error| refused("is not writable", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() {
                    "another process"
                } else {
                    holder.trim()
                };
                let message = format!("the data directory `{shown}` is in use by {holder}");
                return Err(Error::new(Kind::Invalid, message));
            }
            Err(TryLockError::Error(error)) => return Err(refused("cannot be locked", error)),
        }
        // Who holds it is only a courtesy to whoever is refused: a full disk must not keep the store from opening.
        let program = std::env::args().take(2).collect::<Vec<_>>().join(" ");
        let _ = file.set_len(0);
        let _ = file.rewind();
        let _ =
            file.write_all(format!("process {} (`{program}`)\n", std::process::id()).as_bytes());
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_is_refused_with_its_holder() {
        let directory = tempfile::tempdir().unwrap();
        let held = DirectoryLock::take(directory.path()).unwrap();
        let refused = DirectoryLock::take(directory.path()).err().unwrap();
        assert_eq!(refused.kind(), Kind::Invalid);
        let message = refused.to_string();
        assert!(
            message.contains(&format!("in use by process {}", std::process::id())),
            "{message}"
        );
        assert!(
            message.contains(&directory.path().display().to_string()),
            "{message}"
        );
        drop(held);
        DirectoryLock::take(directory.path()).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_refused_with_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = DirectoryLock::take(&file.join("data")).err().unwrap();
        assert_eq!(refused.kind(), Kind::Invalid);
        assert!(
            refused.to_string().contains("file/data` cannot be created"),
            "{refused}"
        );
    }
}
