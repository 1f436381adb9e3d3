use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;

use super::{INCOMING, blocking, failure};
use crate::error::{Error, Kind, Result};
use crate::files::ByteStream;
use crate::health::Probe;

/// So much is gathered before it is written.
const CHUNK: usize = 1 << 20;

/// Writes a stream beside its place, makes it durable and then gives it its name.
///
/// Small files cost one hop to the threads that may block; large ones one hop for each chunk.
pub(super) async fn put(
    root: Arc<PathBuf>,
    probe: &Probe,
    path: &str,
    target: PathBuf,
    mut content: ByteStream,
) -> Result<u64> {
    let mut incoming = None;
    let mut gathered = Vec::new();
    let mut weight = 0;
    while let Some(bytes) = content.next().await {
        let bytes = bytes.map_err(|error| broken(path, error))?;
        weight += bytes.len();
        gathered.push(bytes);
        if weight >= CHUNK {
            let (root, path, chunks) =
                (root.clone(), path.to_owned(), std::mem::take(&mut gathered));
            weight = 0;
            let appended =
                blocking(move || Incoming::append(incoming, &root, &path, &chunks)).await;
            incoming = Some(probe.observe(appended)?);
        }
    }
    let path = path.to_owned();
    let finished = blocking(move || {
        Incoming::append(incoming, &root, &path, &gathered)?.finish(&root, &path, &target)
    })
    .await;
    probe.observe(finished)
}

/// The stream to be stored failed: as if whoever sends it were unavailable, unless it says more itself.
fn broken(path: &str, error: std::io::Error) -> Error {
    let kind = match error
        .get_ref()
        .and_then(|source| source.downcast_ref::<Error>())
    {
        Some(source) => source.kind(),
        None => Kind::Unavailable,
    };
    Error::with_source(kind, format!("the content of `{path}` broke off"), error)
}

/// A file that has no name yet. Removed when dropped.
struct Incoming {
    file: File,
    place: Option<PathBuf>,
    length: u64,
}

impl Incoming {
    fn create(root: &Path) -> std::io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let instant = jiff::Timestamp::now().as_nanosecond();
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let place = root
                .join(INCOMING)
                .join(format!("{instant:x}-{}-{count}", std::process::id()));
            match File::options().write(true).create_new(true).open(&place) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        place: Some(place),
                        length: 0,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn append(incoming: Option<Self>, root: &Path, path: &str, chunks: &[Bytes]) -> Result<Self> {
        let append = || {
            let mut incoming = incoming.map_or_else(|| Self::create(root), Ok)?;
            for chunk in chunks {
                incoming.file.write_all(chunk)?;
                incoming.length += chunk.len() as u64;
            }
            Ok(incoming)
        };
        append().map_err(|error| failure("write", path, error))
    }

    fn finish(mut self, root: &Path, path: &str, target: &Path) -> Result<u64> {
        let mut finish = || {
            self.file.sync_all()?;
            let place = self.place.as_deref().expect("it is taken only below");
            place_at(place, target, root)?;
            self.place = None;
            Ok(self.length)
        };
        finish().map_err(|error| failure("write", path, error))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            let _ = std::fs::remove_file(place);
        }
    }
}

/// Renames a file to its place and makes the name durable.
fn place_at(place: &Path, target: &Path, root: &Path) -> std::io::Result<()> {
    let directory = target.parent().unwrap_or(root);
    loop {
        // Directories from the one that existed already down to the target's: their entries must be durable too.
        let mut changed = vec![directory.to_owned()];
        let mut missing = directory;
        while missing != root && !missing.exists() {
            missing = missing.parent().unwrap_or(root);
            changed.push(missing.to_owned());
        }
        std::fs::create_dir_all(directory)?;
        match std::fs::rename(place, target) {
            Ok(()) => {
                return changed
                    .iter()
                    .rev()
                    .try_for_each(|directory| File::open(directory)?.sync_all());
            }
            // A delete pruned the folder in between: `place` is there, since we hold it.
            Err(error) if error.kind() == ErrorKind::NotFound && place.exists() => {}
            Err(error) => return Err(error),
        }
    }
}
