//! Files in a directory of this machine, or of a file system that all machines share.

mod read;
mod write;

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByteStream, FileStat, Files, check_path, check_prefix};
use crate::error::{Error, Kind, Result};
use crate::health::Probe;

/// Where files are written before they get their name.
const INCOMING: &str = ".incoming";
/// What a killed process left there is removed after this time; another process may still be writing younger ones.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of local files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The directory; `files` in the data directory when it is not given.
    pub directory: Option<PathBuf>,
}

/// [`Files`] in a directory. Several processes may use it at the same time.
#[derive(Clone)]
pub struct LocalFiles {
    root: Arc<PathBuf>,
    probe: Probe,
}

impl LocalFiles {
    /// Opens the directory, which is created if need be. `Invalid` when it cannot be created or written to.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        let root = directory.into();
        let refused = |error| {
            Error::with_source(
                Kind::Invalid,
                format!("the files directory `{}` is not writable", root.display()),
                error,
            )
        };
        let incoming = root.join(INCOMING);
        std::fs::create_dir_all(&incoming).map_err(refused)?;
        tempfile_in(&incoming).map_err(refused)?;
        remove_abandoned(&incoming);
        Ok(Self {
            root: Arc::new(root),
            probe: Probe::new("local files"),
        })
    }

    /// Whether files can be written at the moment (a disk may be full).
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    fn locate(&self, path: &str) -> Result<PathBuf> {
        check_path(path)?;
        if path == INCOMING
            || path
                .strip_prefix(INCOMING)
                .is_some_and(|rest| rest.starts_with('/'))
        {
            return Err(Error::new(
                Kind::Invalid,
                format!("the file path `{path}` is kept for files being written"),
            ));
        }
        Ok(self.root.join(path))
    }
}

#[async_trait]
impl Files for LocalFiles {
    async fn put(&self, path: &str, content: ByteStream) -> Result<u64> {
        let target = self.locate(path)?;
        write::put(self.root.clone(), &self.probe, path, target, content).await
    }

    async fn get(&self, path: &str, range: Option<Range<u64>>) -> Result<ByteStream> {
        let file = self.locate(path)?;
        read::get(path, file, range).await
    }

    async fn stat(&self, path: &str) -> Result<FileStat> {
        let file = self.locate(path)?;
        let path = path.to_owned();
        blocking(move || {
            let metadata =
                std::fs::metadata(&file).map_err(|error| failure("read", &path, error))?;
            if !metadata.is_file() {
                return Err(Error::not_found(format!("no file `{path}`")));
            }
            Ok(stat_of(path, &metadata))
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<FileStat>> {
        check_prefix(prefix)?;
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        blocking(move || list(&root, &prefix)).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let file = self.locate(path)?;
        let (root, path) = (self.root.clone(), path.to_owned());
        blocking(move || delete(&root, &path, &file)).await
    }
}

fn list(root: &Path, prefix: &str) -> Result<Vec<FileStat>> {
    let directory = prefix.rfind('/').map_or("", |slash| &prefix[..slash]);
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(root.join(&directory)) {
            Ok(entries) => entries,
            // Not there, or pruned while we walk.
            Err(error) if is_absence(&error) => continue,
            Err(error) => return Err(failure("list", &directory, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failure("list", &directory, error))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = if directory.is_empty() {
                name
            } else {
                format!("{directory}/{name}")
            };
            if path == INCOMING {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => {
                    // Below it are names that start with the prefix, or the prefix leads through it.
                    if path.starts_with(prefix) || prefix.starts_with(&format!("{path}/")) {
                        directories.push(path);
                    }
                }
                Ok(metadata) if metadata.is_file() && path.starts_with(prefix) => {
                    found.push(stat_of(path, &metadata))
                }
                Ok(_) => {}
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(failure("list", &path, error)),
            }
        }
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn delete(root: &Path, path: &str, file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Ok(()) => {}
        Err(error) if is_absence(&error) || error.kind() == ErrorKind::IsADirectory => {
            return Ok(());
        }
        Err(error) => return Err(failure("delete", path, error)),
    }
    let mut directory = file.parent();
    while let Some(parent) = directory.filter(|parent| *parent != root) {
        // Stops at the first that is not empty.
        if std::fs::remove_dir(parent).is_err() {
            break;
        }
        directory = parent.parent();
    }
    Ok(())
}

fn stat_of(path: String, metadata: &std::fs::Metadata) -> FileStat {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    FileStat {
        path,
        length: metadata.len(),
        modified: modified.try_into().unwrap_or_default(),
    }
}

/// A file that is not there, or cannot be since one of its folders is a file.
fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn failure(verb: &str, path: &str, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
            if verb == "read" =>
        {
            Error::not_found(format!("no file `{path}`"))
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::with_source(
            Kind::Unavailable,
            format!("no room left on the disk to {verb} `{path}`"),
            error,
        ),
        ErrorKind::AlreadyExists
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::InvalidFilename => Error::with_source(
            Kind::Invalid,
            format!("cannot {verb} the file `{path}`"),
            error,
        ),
        _ => Error::with_source(
            Kind::Unavailable,
            format!("cannot {verb} the file `{path}`"),
            error,
        ),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::with_source(Kind::Internal, "a file operation died", error))?
}

fn tempfile_in(incoming: &Path) -> std::io::Result<()> {
    let probe = incoming.join(format!("probe-{}", std::process::id()));
    std::fs::write(&probe, "")?;
    std::fs::remove_file(probe)
}

fn remove_abandoned(incoming: &Path) {
    for entry in std::fs::read_dir(incoming).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
