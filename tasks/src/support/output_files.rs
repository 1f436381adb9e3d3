//! `outputFiles`: files that a task leaves in its working directory go to the storage of the execution.
//!
//! They are moved, as in Kestra: a later task of the same `WorkingDirectory` does not find them, and does not store them again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::glob::{self, Pattern};
use super::paths;
use crate::context::RunContext;
use crate::task::TaskError;

/// A file to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path below the folder, with `/`: the key in the outputs.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// Reads the patterns, so that one that is wrong is said before anything runs. One that can only match outside of the working
/// directory is refused.
pub fn patterns(folder: &Path, written: &[String]) -> Result<Vec<Pattern>, TaskError> {
    let prefix = format!("{}/", folder.display());
    let pattern = |written: &String| {
        let relative = written.strip_prefix(&prefix).unwrap_or(written);
        let names_a_path = !relative.starts_with("glob:") && !relative.starts_with("regex:");
        if names_a_path
            && (relative.starts_with('/') || relative.split('/').any(|part| part == ".."))
        {
            let message = format!(
                "`outputFiles`: `{written}` lies outside of the working directory `{}`",
                folder.display()
            );
            return Err(TaskError::failed(message));
        }
        Pattern::below_folder(relative)
            .map_err(|error| TaskError::failed(format!("`outputFiles`: {error}")))
    };
    written.iter().map(pattern).collect()
}

/// Stores every file of the working directory that one of the patterns matches, and removes it from there.
/// Gives the URIs by the paths below the folder. Links are not followed; one that matches and leads out of the folder is an error.
/// A pattern that matches nothing gives nothing.
pub async fn collect(
    context: &RunContext,
    patterns: Vec<Pattern>,
) -> Result<Map<String, Value>, TaskError> {
    if patterns.is_empty() {
        return Ok(Map::new());
    }
    let folder = context.working_directory.clone();
    let limit = context.config.scripts.maximum_output_files;
    let found = blocking(move || find(&folder, &patterns, limit)).await?;
    store(context, found).await
}

/// Stores every file of a folder inside the working directory, likewise. A name with characters that cannot stand in a URI is an
/// error, as in Kestra.
pub async fn collect_directory(
    context: &RunContext,
    folder: &Path,
) -> Result<Map<String, Value>, TaskError> {
    let (folder, limit) = (
        folder.to_owned(),
        context.config.scripts.maximum_output_files,
    );
    let found = blocking(move || {
        find(
            &folder,
            &[Pattern::below_folder("**").expect("it is a pattern")],
            limit,
        )
    })
    .await?;
    let is_speakable = |c: char| c.is_ascii_alphanumeric() || "-._+~#=/,:;".contains(c);
    if let Some(wrong) = found
        .iter()
        .find(|found| !found.name.chars().all(is_speakable))
    {
        let message = format!(
            "the output file `{}` has a name that cannot be kept: use letters, digits and `-._+~#=,:;`",
            wrong.name
        );
        return Err(TaskError::failed(message));
    }
    store(context, found).await
}

/// What `{{ outputFiles.name }}` shows while a script is rendered: the paths that files declared by name will have.
pub fn declared(folder: &Path, written: &[String]) -> Map<String, Value> {
    let literal = written.iter().filter(|name| glob::is_literal(name));
    literal
        .map(|name| {
            (
                name.clone(),
                folder.join(name).to_string_lossy().into_owned().into(),
            )
        })
        .collect()
}

async fn store(context: &RunContext, found: Vec<Found>) -> Result<Map<String, Value>, TaskError> {
    let mut stored = Map::new();
    for Found { name, path } in found {
        let uri = store_one(context, &name, &path).await?;
        stored.insert(name, uri);
    }
    Ok(stored)
}

/// Moves one file to the storage; gives its URI. `name` tells it apart from the task run's other files.
pub async fn store_one(context: &RunContext, name: &str, path: &Path) -> Result<Value, TaskError> {
    let uri = context.outside.store_file(&stored_name(name), path).await?;
    let removed = tokio::fs::remove_file(path).await;
    removed.map_err(|error| {
        TaskError::failed(format!(
            "the stored file `{name}` cannot be moved away: {error}"
        ))
    })?;
    Ok(uri.into())
}

/// Files of the same base name in different folders must not meet; the same file of a repeated attempt may.
fn stored_name(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let base = name.rsplit('/').next().unwrap_or(name).replace(' ', "+");
    format!("{:016x}-{base}", hasher.finish())
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TaskError> + Send + 'static,
) -> Result<T, TaskError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(TaskError::failed(format!(
            "the output files cannot be looked through: {error}"
        ))),
    }
}

/// The files of the folder that one of the patterns matches. Links are not followed; a matching one that leads out of the folder is an
/// error, and so are more files than the limit.
pub(crate) fn find(
    folder: &Path,
    patterns: &[Pattern],
    limit: usize,
) -> Result<Vec<Found>, TaskError> {
    refuse_ways_out(folder, patterns)?;
    let shown = folder.to_string_lossy();
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        // A folder that the script has closed to itself holds no output.
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                open.push(path);
                continue;
            }
            let Some(name) = path
                .strip_prefix(folder)
                .ok()
                .and_then(Path::to_str)
                .map(str::to_owned)
            else {
                continue;
            };
            if !patterns
                .iter()
                .any(|pattern| pattern.matches(&shown, &name))
            {
                continue;
            }
            if kind.is_symlink() && path.metadata().is_ok() && paths::leads_outside(folder, &path) {
                return Err(refused(&name));
            }
            if kind.is_file() {
                found.push(Found { name, path });
            }
            if found.len() > limit {
                return Err(TaskError::failed(format!(
                    "`outputFiles` match more than {limit} files (`tasks.scripts.maximumOutputFiles`)"
                )));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The walk does not follow links to folders, so a pattern that names such a folder would silently match nothing. When the link
/// leads outside, that is said.
fn refuse_ways_out(folder: &Path, patterns: &[Pattern]) -> Result<(), TaskError> {
    for pattern in patterns {
        let written = pattern.to_string();
        let named = written.split('/').take_while(|part| glob::is_literal(part));
        let mut path = folder.to_owned();
        for part in named {
            path.push(part);
            let is_link = path
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_symlink());
            if is_link && path.metadata().is_ok() && paths::leads_outside(folder, &path) {
                return Err(refused(&written));
            }
        }
    }
    Ok(())
}

fn refused(name: &str) -> TaskError {
    TaskError::failed(format!(
        "the output file `{name}` is a link that leads out of the working directory: it is not stored"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(folder: &Path, written: &[&str]) -> Result<Vec<String>, TaskError> {
        let written: Vec<String> = written
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        let found = find(folder, &patterns(folder, &written)?, 100)?;
        Ok(found.into_iter().map(|found| found.name).collect())
    }

    #[test]
    fn files_are_found_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("data/deep")).unwrap();
        for name in ["b.csv", "a.csv", "data/c.csv", "data/deep/d.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(
            names(folder.path(), &["*.csv"]).unwrap(),
            ["a.csv", "b.csv"]
        );
        assert_eq!(
            names(folder.path(), &["**.csv", "data/deep/d.txt"]).unwrap(),
            ["a.csv", "b.csv", "data/c.csv", "data/deep/d.txt"]
        );
        assert_eq!(names(folder.path(), &["nothing*"]).unwrap(), [""; 0]);
        let absolute = folder.path().join("a.csv").to_string_lossy().into_owned();
        assert_eq!(names(folder.path(), &[&absolute]).unwrap(), ["a.csv"]);
    }

    #[test]
    fn what_lies_outside_is_refused_by_name_and_by_link() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret.txt"), "").unwrap();
        symlink(
            outside.path().join("secret.txt"),
            folder.path().join("file.txt"),
        )
        .unwrap();
        symlink(outside.path(), folder.path().join("way")).unwrap();
        for pattern in ["../*", "/etc/passwd", "a/../../x"] {
            assert!(
                names(folder.path(), &[pattern])
                    .unwrap_err()
                    .to_string()
                    .contains("outside"),
                "{pattern}"
            );
        }
        for pattern in ["file.txt", "*.txt", "way/secret.txt", "way/*"] {
            assert!(
                names(folder.path(), &[pattern])
                    .unwrap_err()
                    .to_string()
                    .contains("leads out"),
                "{pattern}"
            );
        }
        assert_eq!(
            names(folder.path(), &["*.csv"]).unwrap(),
            [""; 0],
            "an unrelated link is no harm"
        );
    }

    #[test]
    fn a_link_that_stays_inside_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("real.csv"), "").unwrap();
        symlink("real.csv", folder.path().join("link.csv")).unwrap();
        symlink("nowhere", folder.path().join("broken.csv")).unwrap();
        assert_eq!(names(folder.path(), &["*.csv"]).unwrap(), ["real.csv"]);
    }

    #[test]
    fn stored_names_keep_the_base_name_and_differ_by_folder() {
        assert!(stored_name("data/my report.csv").ends_with("-my+report.csv"));
        assert_ne!(stored_name("a/x.csv"), stored_name("b/x.csv"));
        assert_eq!(stored_name("a/x.csv"), stored_name("a/x.csv"));
    }
}
