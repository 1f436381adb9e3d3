//! Finds libduckdb on this machine. Looks, but does not load: that is for the child process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The library's file name.
pub const FILE_NAME: &str = if cfg!(target_os = "macos") {
    "libduckdb.dylib"
} else {
    "libduckdb.so"
};

const SYSTEM_FOLDERS: [&str; 8] = [
    "/usr/local/lib",
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/opt/duckdb",
    "/opt/duckdb/lib",
    "/opt/homebrew/lib",
];

/// Where to look, in this order. The caller reads configuration and environment; nothing is read here.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The value of the configuration's `duckdb.library`, if set: this file and no other.
    pub configured: Option<PathBuf>,
    /// The value of `FLOWMILL_DUCKDB_LIB`, if set: this file and no other.
    pub environment: Option<PathBuf>,
    /// The data directory; its `lib/` is looked into.
    pub data_directory: Option<PathBuf>,
    /// The folder of the running program; it, `../lib` and `../duckdb` (where `fetch.sh` puts the library in a build
    /// tree) are looked into.
    pub program_directory: Option<PathBuf>,
}

/// Where the library is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file; or just its name, when none was found and the system's loader may know more (`LD_LIBRARY_PATH`,
    /// `ld.so.conf`).
    pub path: PathBuf,
    /// The files that were looked for, for the error of a loader that finds none either.
    pub searched: Vec<PathBuf>,
}

impl Location {
    /// What to say when the library could not be loaded from here for `reason`.
    pub(crate) fn missing(&self, reason: &str) -> String {
        let mut message = if self.searched.is_empty() {
            format!(
                "cannot load DuckDB's library `{}`: {reason}",
                self.path.display()
            )
        } else {
            let mut message = "cannot find DuckDB's library; looked for".to_owned();
            for path in &self.searched {
                write!(message, "\n  {}", path.display()).expect("a string takes all");
            }
            write!(
                message,
                "\n  {} by the system's loader: {reason}",
                self.path.display()
            )
            .expect("a string takes all");
            message
        };
        message.push_str("\nto install it, ");
        message.push_str(HOW_TO_INSTALL);
        message
    }
}

const HOW_TO_INSTALL: &str = "run `duckdb/fetch.sh` in flowmill's repository, or take libduckdb for your platform from \
     duckdb.org/install (C/C++) and put it into one of these folders, or name it by the configuration's `duckdb.library` or by \
     FLOWMILL_DUCKDB_LIB";

/// A file was named explicitly but is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} names `{}`, but there is no such file; to install DuckDB's library, {HOW_TO_INSTALL}", path.display())]
pub struct NoSuchFile {
    /// What named it: `duckdb.library` or `FLOWMILL_DUCKDB_LIB`.
    pub setting: &'static str,
    /// The file.
    pub path: PathBuf,
}

/// Finds the library. When no file is there, the answer is the bare file name, which only the loader can try.
///
/// # Errors
/// [`NoSuchFile`] if the configuration or the environment names a file that does not exist.
pub fn find(search: &Search) -> Result<Location, NoSuchFile> {
    for (setting, named) in [
        ("the configuration's `duckdb.library`", &search.configured),
        ("FLOWMILL_DUCKDB_LIB", &search.environment),
    ] {
        if let Some(path) = named {
            if !path.is_file() {
                return Err(NoSuchFile {
                    setting,
                    path: path.clone(),
                });
            }
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            return Ok(Location {
                path,
                searched: Vec::new(),
            });
        }
    }
    let searched = candidates(search);
    match searched.iter().find(|path| path.is_file()) {
        Some(path) => Ok(Location {
            path: path.clone(),
            searched: Vec::new(),
        }),
        None => Ok(Location {
            path: PathBuf::from(FILE_NAME),
            searched,
        }),
    }
}

fn candidates(search: &Search) -> Vec<PathBuf> {
    let data = search
        .data_directory
        .iter()
        .map(|folder| folder.join("lib"));
    let program = search.program_directory.iter().flat_map(|folder| {
        let above = folder.parent().map(Path::to_path_buf).unwrap_or_default();
        [folder.clone(), above.join("lib"), above.join("duckdb")]
    });
    data.chain(program)
        .chain(SYSTEM_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| {
            let file = folder.join(FILE_NAME);
            std::path::absolute(&file).unwrap_or(file)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library_in(folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join(FILE_NAME);
        std::fs::write(&file, "").unwrap();
        file
    }

    #[test]
    fn the_configuration_wins_over_the_environment_and_both_over_folders() {
        let root = tempfile::tempdir().unwrap();
        let configured = library_in(&root.path().join("configured"));
        let environment = library_in(&root.path().join("environment"));
        let in_data = library_in(&root.path().join("data/lib"));
        let in_tree = library_in(&root.path().join("target/duckdb"));
        let mut search = Search {
            configured: Some(configured.clone()),
            environment: Some(environment.clone()),
            data_directory: Some(root.path().join("data")),
            program_directory: Some(root.path().join("target/release")),
        };
        assert_eq!(find(&search).unwrap().path, configured);
        search.configured = None;
        assert_eq!(find(&search).unwrap().path, environment);
        search.environment = None;
        assert_eq!(find(&search).unwrap().path, in_data);
        search.data_directory = None;
        assert_eq!(find(&search).unwrap().path, in_tree);
    }

    #[test]
    fn a_named_file_that_is_not_there_is_an_error_that_says_who_named_it() {
        let search = Search {
            environment: Some("/nowhere/libduckdb.so".into()),
            ..Search::default()
        };
        let message = find(&search).unwrap_err().to_string();
        assert!(
            message.starts_with(
                "FLOWMILL_DUCKDB_LIB names `/nowhere/libduckdb.so`, but there is no such file"
            ),
            "{message}"
        );
        assert!(message.contains("duckdb/fetch.sh"), "{message}");
    }

    #[test]
    fn the_message_for_a_missing_library_lists_every_place_and_how_to_install_it() {
        let location = Location {
            path: FILE_NAME.into(),
            searched: vec!["/a/libduckdb.so".into(), "/b/libduckdb.so".into()],
        };
        let message = location.missing("no such file");
        for part in [
            "/a/libduckdb.so",
            "/b/libduckdb.so",
            "no such file",
            "duckdb/fetch.sh",
            "FLOWMILL_DUCKDB_LIB",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
