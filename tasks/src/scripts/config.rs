use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of scripts, and what they may use of the worker's machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The longest line of output, in bytes. What a line has beyond it is dropped, and the log says so; a `::{…}::` line that is longer
    /// fails the task.
    pub maximum_line_bytes: usize,
    /// How many bytes of output an attempt may write to its log. The command goes on beyond it, but is not heard any more, except for
    /// its `::{…}::` lines.
    pub maximum_logged_bytes: u64,
    /// How many bytes of `::{"outputs": …}::` lines an attempt may write; more fail the task.
    pub maximum_variable_bytes: usize,
    /// How many files an attempt may leave as output files; more fail the task.
    pub maximum_output_files: usize,
    /// Folders of the worker's machine that `file://` URIs in `inputFiles` may read; none by default.
    pub allowed_paths: Vec<PathBuf>,
    /// Where installed Python dependencies are kept for the next run; none: `flowmill` in the user's cache folder.
    pub cache_directory: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            maximum_line_bytes: 4 << 20,
            maximum_logged_bytes: 16 << 20,
            maximum_variable_bytes: 32 << 20,
            maximum_output_files: 10_000,
            allowed_paths: Vec::new(),
            cache_directory: None,
        }
    }
}
