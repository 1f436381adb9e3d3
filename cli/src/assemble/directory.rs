//! Where data goes when nobody says it.

use std::path::PathBuf;

use anyhow::Context;

/// The data directory of a server.
pub(crate) fn default_directory() -> anyhow::Result<PathBuf> {
    Ok(data_home()?.join("flowmill").join("server"))
}

/// The data directory of the `number`th of several `flowmill run` at the same time, from 1.
pub(crate) fn default_run_directory(number: usize) -> anyhow::Result<PathBuf> {
    let name = if number == 1 {
        "run".to_owned()
    } else {
        format!("run-{number}")
    };
    Ok(data_home()?.join("flowmill").join(name))
}

/// <https://specifications.freedesktop.org/basedir-spec/latest/>
fn data_home() -> anyhow::Result<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .and_then(absolute)
    };
    set("XDG_DATA_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/share")))
        .context("there is no home directory to keep data in: name a folder with `--data-dir`")
}
