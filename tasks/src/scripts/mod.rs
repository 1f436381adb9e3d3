//! Scripts in several languages: one model of files, commands, outputs and runners, and per language what is its own.

mod command_line;
mod config;
mod language;
mod languages;
mod legacy;
mod node;
mod properties;
mod protocol;
mod python;
mod python_dependencies;
mod run;
mod shell;
mod task_runner;

pub use self::config::Config;
use crate::describe::Described;
use crate::task::Definition;

pub(crate) fn definitions() -> Vec<Described> {
    let main = [
        language::definitions::<shell::Shell>(),
        language::definitions::<python::Python>(),
        language::definitions::<node::Node>(),
    ];
    let all = main
        .into_iter()
        .flatten()
        .chain(languages::definitions())
        .chain(legacy::definitions());
    all.map(Definition::into).collect()
}
