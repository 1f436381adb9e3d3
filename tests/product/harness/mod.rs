//! What the tests share: a server of their own, a client, places to fetch from.

pub(crate) mod api;
mod cluster;
mod fixtures;
pub(crate) mod process;

use std::path::{Path, PathBuf};

pub(crate) use api::Api;
pub(crate) use cluster::{Cluster, Servers};
pub(crate) use fixtures::{Reply, WebServer, products};
pub(crate) use process::{Finished, Server, ServerOptions, flowmill, run_to_end};

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the repository")
}

/// A file or folder of `tests/`.
pub(crate) fn in_tests(path: &str) -> PathBuf {
    repository().join("tests").join(path)
}

/// A file or folder that may lie beside the checkout, where this project keeps what it shares with others.
pub(crate) fn beside(path: &str) -> Option<PathBuf> {
    let found = repository().parent()?.join("shared").join(path);
    found.exists().then_some(found)
}

/// Says that a test proves nothing here, and why. Where everything must be tested, it fails instead.
pub(crate) fn skip(test: &str, reason: &str) {
    if std::env::var_os("REQUIRE_BACKENDS").is_some_and(|value| value == "1") {
        panic!("{test} was skipped, but REQUIRE_BACKENDS=1: {reason}");
    }
    // to the process's own standard error: what a passing test prints is not shown
    use std::io::Write;
    let _ = writeln!(
        std::fs::File::options()
            .append(true)
            .open("/dev/stderr")
            .expect("it is there"),
        "SKIPPED {test}: {reason}"
    );
}

/// Text in a file of this folder.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it is below the folder")).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}
