//! What the three have in common.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::protocol::Protocol;
use super::super::run::{environment_of, until_cancelled, verdict};
use super::super::task_runner::LegacyRunner;
use super::Dialect;
use crate::context::RunContext;
use crate::property::Property;
use crate::runner::{CommandSpec, Docker, Files, Process, Runner, docker};
use crate::support::input_files::{self, InputFiles};
use crate::support::storage_uris::StorageUris;
use crate::support::{output_files, paths};
use crate::task::{Output, TaskError};

/// The properties of all three.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Common {
    /// Where the commands run. A process by default.
    #[serde(default)]
    runner: Option<LegacyRunner>,
    /// How the container is made.
    #[serde(default)]
    docker_options: Option<docker::Options>,
    /// The shell. `/bin/sh` by default.
    #[serde(default)]
    interpreter: Option<Property<String>>,
    /// The arguments of the shell in front of the commands. `-c` by default.
    #[serde(default)]
    interpreter_args: Option<Property<Vec<String>>>,
    /// Whether the first command that fails ends the script. True by default.
    #[serde(default)]
    exit_on_failed: Option<Property<bool>>,
    /// More environment variables.
    #[serde(default)]
    env: Option<Property<Map<String, Value>>>,
    /// Files to put into the working directory.
    #[serde(default)]
    input_files: Option<Property<InputFiles>>,
    /// Names of output files: a command finds the path of each in `{{ outputFiles.name }}`.
    #[serde(default, alias = "outputsFiles", alias = "files")]
    output_files: Option<Property<Vec<String>>>,
    /// Names of output folders: a command finds the path of each in `{{ outputDirs.name }}`.
    #[serde(default)]
    output_dirs: Option<Property<Vec<String>>>,
    /// Ignored: only the exit code decides about the state.
    #[serde(default)]
    #[schemars(with = "Option<bool>")]
    #[allow(dead_code, reason = "read so that it is a known property")]
    warning_on_std_err: Option<Value>,
}

/// What all three give.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is used")]
pub(super) struct Outputs {
    /// What the script put out with `::{"outputs": {…}}::` lines.
    vars: Map<String, Value>,
    /// The exit code.
    exit_code: i32,
    /// How many lines it wrote to standard output.
    std_out_line_count: u64,
    /// How many lines it wrote to standard error.
    std_err_line_count: u64,
    /// The URIs of the stored files by their names.
    output_files: std::collections::BTreeMap<String, String>,
    /// The same; deprecated.
    files: std::collections::BTreeMap<String, String>,
}

/// What one of the three adds.
#[derive(Default)]
pub(super) struct Steps {
    /// Files beside the task's own.
    pub(super) files: Vec<(&'static str, &'static str)>,
    /// A file that the task's own must have.
    pub(super) required: Option<&'static str>,
    pub(super) commands: Vec<String>,
}

/// The names that a task declares, and their paths.
#[derive(Default)]
struct Declared {
    files: Vec<(String, PathBuf)>,
    folders: Vec<(String, PathBuf)>,
}

pub(super) async fn run<D: Dialect>(
    common: &Common,
    dialect: &D,
    context: &RunContext,
) -> Result<Output, TaskError> {
    let runner: Box<dyn Runner> = match common.runner {
        None | Some(LegacyRunner::Process) => Box::new(Process),
        Some(LegacyRunner::Docker) => Box::new(Docker::legacy(
            common.docker_options.clone().unwrap_or_default(),
        )),
    };
    let (context, declared, command) =
        until_cancelled(context, prepare(common, dialect, context)).await?;
    let mut lines = Protocol::new(&context);
    let ended = runner.run(&context, command, &mut lines).await;
    let (out, err) = lines.line_counts();
    let (variables, heard) = lines.finish();
    let exit = ended?;
    let (files, collected) = match until_cancelled(&context, collect(&context, &declared)).await {
        Ok(files) => (files, heard),
        Err(TaskError::Failed { message, .. }) => (Map::new(), Err(TaskError::failed(message))),
        Err(stopped) => return Err(stopped),
    };
    let values = Map::from_iter([
        ("vars".to_owned(), Value::Object(variables)),
        ("exitCode".to_owned(), exit.code.into()),
        ("stdOutLineCount".to_owned(), out.into()),
        ("stdErrLineCount".to_owned(), err.into()),
        ("outputFiles".to_owned(), files.clone().into()),
        ("files".to_owned(), files.into()),
    ]);
    match verdict(&exit, collected) {
        None => Ok(Output {
            values,
            state: None,
        }),
        Some(message) => Err(TaskError::Failed {
            message,
            outputs: Some(values),
        }),
    }
}

async fn prepare<D: Dialect>(
    common: &Common,
    dialect: &D,
    context: &RunContext,
) -> Result<(RunContext, Declared, CommandSpec), TaskError> {
    let declared = declare(common, context).await?;
    let context = context.with_variables(declared.variables(context));
    input_files::write(&context, common.input_files.as_ref()).await?;
    let steps = dialect.steps(&context).await?;
    for (name, text) in &steps.files {
        input_files::write_text(&context, &context.working_directory.join(name), text).await?;
    }
    if let Some(name) = steps.required
        && !context.working_directory.join(name).is_file()
    {
        return Err(TaskError::failed(format!(
            "`inputFiles` must hold `{name}`: it is what is run"
        )));
    }
    let mut uris = StorageUris::default();
    let mut lines = Vec::new();
    if Property::render_optional(common.exit_on_failed.as_ref(), &context)
        .await?
        .unwrap_or(true)
    {
        lines.push("set -o errexit".to_owned());
    }
    for command in steps.commands {
        lines.push(uris.replace(&context, &command).await?);
    }
    let interpreter = Property::render_optional(common.interpreter.as_ref(), &context).await?;
    let arguments = Property::render_optional(common.interpreter_args.as_ref(), &context).await?;
    let mut command = vec![interpreter.unwrap_or_else(|| "/bin/sh".to_owned())];
    command.extend(arguments.unwrap_or_else(|| vec!["-c".to_owned()]));
    command.push(lines.join("\n"));
    let mut environment: IndexMap<_, _> = environment_of(common.env.as_ref(), &context).await?;
    environment.insert(
        "WORKING_DIR".to_owned(),
        context.working_directory.to_string_lossy().into_owned(),
    );
    let command = CommandSpec {
        command,
        environment,
        image: Some("ubuntu".to_owned()),
        working_directory: context.working_directory.clone(),
        user: None,
        files: Files::Exchange,
    };
    Ok((context, declared, command))
}

async fn declare(common: &Common, context: &RunContext) -> Result<Declared, TaskError> {
    let folder = &context.working_directory;
    let mut declared = Declared::default();
    for name in Property::render_optional(common.output_files.as_ref(), context)
        .await?
        .unwrap_or_default()
    {
        let path = paths::unused_name(folder, paths::ending(&name));
        declared.files.push((name, path));
    }
    for name in Property::render_optional(common.output_dirs.as_ref(), context)
        .await?
        .unwrap_or_default()
    {
        let path = paths::unused_name(folder, "");
        let made = tokio::fs::create_dir(&path).await;
        made.map_err(|error| {
            TaskError::failed(format!(
                "the output folder `{name}` cannot be made: {error}"
            ))
        })?;
        declared.folders.push((name, path));
    }
    Ok(declared)
}

impl Declared {
    fn variables(&self, context: &RunContext) -> Map<String, Value> {
        let shown = |all: &[(String, PathBuf)]| {
            let shown = all
                .iter()
                .map(|(name, path)| (name.clone(), path.to_string_lossy().into()));
            Value::Object(shown.collect())
        };
        Map::from_iter([
            (
                "workingDir".to_owned(),
                context.working_directory.to_string_lossy().into(),
            ),
            ("outputFiles".to_owned(), shown(&self.files)),
            ("temp".to_owned(), shown(&self.files)),
            ("outputDirs".to_owned(), shown(&self.folders)),
        ])
    }
}

async fn collect(
    context: &RunContext,
    declared: &Declared,
) -> Result<Map<String, Value>, TaskError> {
    let mut stored = Map::new();
    for (name, path) in &declared.files {
        // A link is none of the task's files, wherever it leads.
        if path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file())
        {
            stored.insert(
                name.clone(),
                output_files::store_one(context, name, path).await?,
            );
        }
    }
    for (name, folder) in &declared.folders {
        let inside = output_files::collect_directory(context, folder).await?;
        stored.extend(
            inside
                .into_iter()
                .map(|(path, uri)| (format!("{name}/{path}"), uri)),
        );
    }
    Ok(stored)
}
