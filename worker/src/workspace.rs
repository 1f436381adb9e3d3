//! The folders that tasks work in: one for each attempt, removed afterwards whatever happens.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const PREFIX: &str = "flowmill-work-";
const LOCK: &str = ".lock";

/// The folder of this worker, below which each attempt has one. Locked while the worker lives; removed with it.
#[derive(Clone)]
pub(crate) struct Workspace(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    next: AtomicU64,
    _lock: File,
}

/// The folder of one attempt. Many tasks never look at it: it is made when it is asked for.
pub(crate) struct WorkingDirectory {
    path: PathBuf,
    is_made: AtomicBool,
    _workspace: Workspace,
}

impl Workspace {
    /// Makes a folder for this worker below the given one, and removes those of workers that are gone.
    pub(crate) fn open(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // tasks compare `workingDir` with what the system tells them
        let parent = parent.canonicalize()?;
        sweep(&parent);
        // it gets its name when it is locked, so that no other worker takes it for one that is left over
        let made = tempfile::Builder::new()
            .prefix(".flowmill-new-")
            .tempdir_in(&parent)?;
        let lock = File::create(made.path().join(LOCK))?;
        lock.try_lock()?;
        let name = made
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .replace(".flowmill-new-", PREFIX);
        let folder = parent.join(name);
        fs::rename(made.keep(), &folder)?;
        // containers that run as other users must be able to pass
        #[cfg(unix)]
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        Ok(Self(Arc::new(Inner {
            folder,
            next: AtomicU64::new(0),
            _lock: lock,
        })))
    }

    /// The place of a new folder.
    pub(crate) fn directory(&self) -> WorkingDirectory {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        WorkingDirectory {
            path: self.0.folder.join(format!("{number:08}")),
            is_made: AtomicBool::new(false),
            _workspace: self.clone(),
        }
    }
}

impl WorkingDirectory {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder, empty, unless it was made before.
    pub(crate) fn make(&self) -> io::Result<()> {
        if !self.is_made.load(Ordering::Relaxed) {
            fs::create_dir(&self.path)?;
            self.is_made.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for WorkingDirectory {
    fn drop(&mut self) {
        // many tasks leave it empty: then there is nothing to walk through
        if !*self.is_made.get_mut() || fs::remove_dir(&self.path).is_ok() {
            return;
        }
        let path = std::mem::take(&mut self.path);
        let remove = move || {
            if let Err(error) = remove_all(&path) {
                tracing::warn!(folder = %path.display(), %error, "a working directory could not be removed");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = remove_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "the folder for working directories could not be removed");
        }
    }
}

/// Removes a folder with everything in it, also folders that a task has made read-only.
fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(folder);
            fs::remove_dir_all(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn make_writable(folder: &Path) {
    #[cfg(unix)]
    let _ = fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

/// Removes the folders of workers that no longer hold their lock.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_workspace = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = if is_workspace {
            File::open(entry.path().join(LOCK)).ok()
        } else {
            None
        };
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            tracing::info!(folder = %entry.path().display(), "removing what a worker that is gone has left");
            if let Err(error) = remove_all(&entry.path()) {
                tracing::warn!(folder = %entry.path().display(), %error, "it could not be removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_with_its_attempt_even_when_it_was_made_read_only() {
        let parent = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(parent.path()).unwrap();
        let directory = workspace.directory();
        let path = directory.path().to_owned();
        assert!(!path.exists());
        directory.make().unwrap();
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("inner/file"), "x").unwrap();
        fs::set_permissions(
            path.join("inner"),
            std::os::unix::fs::PermissionsExt::from_mode(0o500),
        )
        .unwrap();
        drop(directory);
        assert!(!path.exists());
        drop(workspace);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_dead_worker_left_is_swept_and_a_living_ones_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let living = Workspace::open(parent.path()).unwrap();
        let dead = parent.path().join(format!("{PREFIX}dead"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("left"), "x").unwrap();
        let other = Workspace::open(parent.path()).unwrap();
        assert!(!dead.exists());
        assert!(living.0.folder.exists() && other.0.folder.exists());
    }
}
