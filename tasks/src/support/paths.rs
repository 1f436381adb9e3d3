//! Names of files in a working directory, and the proof that they stay there.

use std::path::{Component, Path, PathBuf};

use crate::task::TaskError;

/// Where a name lies below the folder. `..`, absolute names outside of it and empty ones are refused; an absolute name inside is
/// taken. What exists on the way may still be a link: see [`create_parents`].
pub fn below(folder: &Path, name: &str) -> Result<PathBuf, TaskError> {
    let refused = |why: &str| Err(TaskError::failed(format!("the file name `{name}` {why}")));
    if name.contains('\0') {
        return refused("holds a zero byte");
    }
    let path = Path::new(name);
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let mut clean = PathBuf::new();
    for component in relative.components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                return refused("holds `..`: it must stay in the working directory");
            }
            Component::RootDir | Component::Prefix(_) => {
                return refused("is absolute: it must be relative to the working directory");
            }
        }
    }
    if clean.as_os_str().is_empty() {
        return refused("names no file");
    }
    Ok(folder.join(clean))
}

/// Makes the folders above a file of [`below`]. A link on the way that leads out of the folder is refused.
pub async fn create_parents(folder: &Path, file: &Path) -> Result<(), TaskError> {
    let Some(parent) = file.parent() else {
        return Ok(());
    };
    if parent == folder {
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        TaskError::failed(format!(
            "the folder `{}` cannot be made: {error}",
            parent.display()
        ))
    };
    // The part that exists must be inside before anything is made below it.
    let existing = parent
        .ancestors()
        .find(|it| it.symlink_metadata().is_ok())
        .unwrap_or(folder);
    if leads_outside(folder, existing) {
        let message = format!(
            "the folder `{}` is a link that leads out of the working directory",
            parent.display()
        );
        return Err(TaskError::failed(message));
    }
    tokio::fs::create_dir_all(parent).await.map_err(failed)
}

/// Whether a path, links followed, ends up outside of the folder. What cannot be resolved counts as outside.
pub fn leads_outside(folder: &Path, path: &Path) -> bool {
    match (folder.canonicalize(), path.canonicalize()) {
        (Ok(folder), Ok(path)) => !path.starts_with(folder),
        _ => true,
    }
}

/// Opens a new file of [`below`] for writing, in place of whatever has the name: a link there is replaced, not followed.
pub async fn create(folder: &Path, file: &Path) -> Result<tokio::fs::File, TaskError> {
    create_parents(folder, file).await?;
    let failed = |error: std::io::Error| {
        TaskError::failed(format!(
            "the file `{}` cannot be written: {error}",
            file.display()
        ))
    };
    if file
        .symlink_metadata()
        .is_ok_and(|metadata| !metadata.is_dir())
    {
        tokio::fs::remove_file(file).await.map_err(failed)?;
    }
    tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .await
        .map_err(failed)
}

/// A name in the folder that nothing has, with this ending (`.py`); the file is not made.
pub fn unused_name(folder: &Path, ending: &str) -> PathBuf {
    use std::hash::{BuildHasher, RandomState};
    loop {
        // Random per process, which is all that is needed: the folder is this task's alone.
        let random = RandomState::new().hash_one(folder);
        let file = folder.join(format!("{random:016x}{ending}"));
        if file.symlink_metadata().is_err() {
            return file;
        }
    }
}

/// The ending of a file's name with its dot, or nothing: `.csv` of `kestra:///a/b.csv`.
pub fn ending(name: &str) -> &str {
    let base = name.rsplit('/').next().unwrap_or(name);
    match base.rfind('.') {
        Some(dot) if dot > 0 => &base[dot..],
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_the_folder() {
        let folder = Path::new("/w/1");
        assert_eq!(below(folder, "a/b.txt").unwrap(), Path::new("/w/1/a/b.txt"));
        assert_eq!(below(folder, "./a.txt").unwrap(), Path::new("/w/1/a.txt"));
        assert_eq!(
            below(folder, "/w/1/a.txt").unwrap(),
            Path::new("/w/1/a.txt")
        );
        for name in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "/w/2/x",
            "",
            ".",
            "a\0b",
        ] {
            let error = below(folder, name).unwrap_err().to_string();
            assert!(error.contains("file name"), "{name}: {error}");
        }
    }

    #[tokio::test]
    async fn a_link_on_the_way_out_is_refused_and_a_link_at_the_end_is_replaced() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), folder.path().join("way")).unwrap();
        let file = below(folder.path(), "way/x.txt").unwrap();
        assert!(
            create(folder.path(), &file)
                .await
                .unwrap_err()
                .to_string()
                .contains("leads out")
        );

        let victim = outside.path().join("victim");
        std::fs::write(&victim, "untouched").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("end")).unwrap();
        create(folder.path(), &folder.path().join("end"))
            .await
            .unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
    }

    #[test]
    fn an_ending_is_that_of_the_last_part() {
        assert_eq!(
            [
                ending("kestra:///a.b/c.csv"),
                ending("x"),
                ending(".env"),
                ending("a.tar.gz")
            ],
            [".csv", "", "", ".gz"]
        );
    }
}
