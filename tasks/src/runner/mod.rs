//! Where the commands of a task run: a process of this machine, or a container.

mod auto;
mod config;
pub mod docker;
mod lines;
pub mod process;

use std::path::PathBuf;

use async_trait::async_trait;
use indexmap::IndexMap;
use serde_json::{Map, Value};

pub use self::auto::Auto;
pub use self::config::{Config, DefaultRunner};
pub use self::docker::Docker;
pub use self::lines::{Line, LineSink, Splitter, Stream};
pub use self::process::Process;
use crate::context::RunContext;
use crate::task::TaskError;

/// Runs a command to its end, somewhere.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Runs the command and hands over every line that it writes. An exit code other than 0 is a normal answer here.
    /// Ends soon after [`RunContext::cancelled`] fires, with [`RunnerError::Killed`]; nothing that the command started is left then,
    /// nor when the future is dropped. Not cancel-safe in any other sense: the command does not go on.
    async fn run(
        &self,
        context: &RunContext,
        command: CommandSpec,
        lines: &mut dyn LineSink,
    ) -> Result<Exit, RunnerError>;

    /// Where the command would run, for what depends on it (the name of the Python interpreter).
    /// Asks the daemon where that is what decides.
    async fn place(&self, context: &RunContext) -> Place;
}

/// Where commands run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this machine, with its programs.
    Here,
    /// In a container, with the programs of its image.
    Container,
}

/// What is run.
#[derive(Clone, Debug, Default)]
pub struct CommandSpec {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// What the task adds to the environment.
    pub environment: IndexMap<String, String>,
    /// The container image; of no meaning to a process.
    pub image: Option<String>,
    /// The folder that the command starts in: the same absolute path here and in a container.
    pub working_directory: PathBuf,
    /// The container image's own user is replaced by this one where the task's language asks for it.
    pub user: Option<String>,
    /// Whether the files of the working directory are needed where the command runs, or back from there.
    pub files: Files,
}

impl CommandSpec {
    /// The command for the log, not longer than a screen.
    fn shown(&self) -> String {
        const LONGEST: usize = 2000;
        let text = self.command.join(" ");
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Whether a remote runner must carry the files of the working directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// There are none to bring and none to fetch.
    #[default]
    None,
    /// All of them go there, and come back at the end.
    Exchange,
}

/// How a command ended by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exit {
    /// Its exit code; 128 and the number of the signal that ended it.
    pub code: i32,
    /// What `outputs.<task>.taskRunner` shows; empty: nothing.
    pub details: Map<String, Value>,
}

/// Why a command could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// It was stopped.
    #[error("killed")]
    Killed,
    /// There is no command.
    #[error("the command is empty: give `commands`, or an `interpreter`")]
    Empty,
    /// The program is not there.
    #[error("there is no program `{program}` ({searched}){hint}")]
    NoProgram {
        /// As it was asked for.
        program: String,
        /// Where it was looked for.
        searched: String,
        /// What may mend it; begins with a separator where it is not empty.
        hint: String,
    },
    /// The system would not start it.
    #[error("`{program}` cannot be started: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// The connection to the command was lost.
    #[error("the output of the command cannot be read: {0}")]
    Read(std::io::Error),
    /// A container could not be run.
    #[error(transparent)]
    Docker(#[from] docker::Error),
}

impl From<RunnerError> for TaskError {
    fn from(error: RunnerError) -> Self {
        match error {
            RunnerError::Killed => Self::Killed,
            error => Self::failed(error.to_string()),
        }
    }
}
