//! The environment of a command: a part of the worker's own, then what the task adds.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::config::{Config, Environment};
use crate::runner::RunnerError;

/// The whole environment of a command; later names win.
#[derive(Clone, Debug)]
pub(super) struct Variables(IndexMap<OsString, OsString>);

impl Variables {
    /// What the configuration lets through of `own`, then `added`.
    pub(super) fn new(
        config: &Config,
        own: impl Iterator<Item = (OsString, OsString)>,
        added: &IndexMap<String, String>,
    ) -> Self {
        let kept = own.filter(|(name, _)| match config.environment {
            Environment::Inherited => true,
            Environment::Isolated => config
                .keep_environment
                .iter()
                .any(|pattern| matches(pattern, name)),
        });
        let mut variables: IndexMap<_, _> = kept.collect();
        variables.extend(
            added
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
        Self(variables)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }

    fn path(&self) -> &OsStr {
        self.0
            .get(OsStr::new("PATH"))
            .map_or(OsStr::new(DEFAULT_PATH), OsString::as_os_str)
    }

    /// The file that a program's name means in this environment, as `execvp` would find it. Asked for before the start, because
    /// the answer says where was looked, and because the standard library starts a path faster than a name.
    pub(super) fn program(
        &self,
        name: &str,
        working_directory: &Path,
    ) -> Result<PathBuf, RunnerError> {
        if name.contains('/') {
            let file = working_directory.join(name);
            return is_program(&file)
                .then_some(file)
                .ok_or_else(|| missing(name, "no executable file is there"));
        }
        let mut folders = std::env::split_paths(self.path());
        let found = folders.find_map(|folder| {
            Some(working_directory.join(folder).join(name)).filter(|it| is_program(it))
        });
        found.ok_or_else(|| {
            missing(
                name,
                &format!("looked in `{}`", self.path().to_string_lossy()),
            )
        })
    }
}

/// What the system's own shell uses without `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn matches(pattern: &str, name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        // Proxies are written in both cases.
        None => {
            name == pattern.as_bytes()
                || (pattern.ends_with("_PROXY") && name.eq_ignore_ascii_case(pattern.as_bytes()))
        }
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn missing(program: &str, searched: &str) -> RunnerError {
    let hint = match program.contains('/') {
        true => "",
        false => {
            "; install it on the worker, or run the task in a container (`taskRunner` of type `io.kestra.plugin.scripts.runner.docker.Docker`)"
        }
    };
    RunnerError::NoProgram {
        program: program.to_owned(),
        searched: searched.to_owned(),
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> impl Iterator<Item = (OsString, OsString)> {
        [
            ("PATH", "/usr/bin:/bin"),
            ("LC_ALL", "C"),
            ("https_proxy", "p"),
            ("DATABASE_PASSWORD", "secret"),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
    }

    fn names(config: &Config, added: &[(&str, &str)]) -> Vec<String> {
        let added = added
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let variables = Variables::new(config, own(), &added);
        variables
            .iter()
            .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
            .collect()
    }

    #[test]
    fn an_isolated_command_sees_only_what_is_kept_and_what_the_task_adds() {
        let seen = names(&Config::default(), &[("A", "1"), ("PATH", "/opt/bin")]);
        assert_eq!(seen, ["PATH=/opt/bin", "LC_ALL=C", "https_proxy=p", "A=1"]);
    }

    #[test]
    fn an_inheriting_command_sees_the_workers_environment() {
        let config = Config {
            environment: Environment::Inherited,
            ..Config::default()
        };
        assert!(names(&config, &[]).contains(&"DATABASE_PASSWORD=secret".to_owned()));
    }

    #[test]
    fn a_program_is_found_in_the_path_of_the_command() {
        let variables = Variables::new(&Config::default(), own(), &IndexMap::new());
        assert!(
            variables
                .program("sh", Path::new("/"))
                .unwrap()
                .ends_with("bin/sh")
        );
        let error = variables
            .program("no-such-program", Path::new("/"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`no-such-program`")
                && error.contains("/usr/bin:/bin")
                && error.contains("install it"),
            "{error}"
        );
        assert!(variables.program("./sh", Path::new("/")).is_err());
    }
}
