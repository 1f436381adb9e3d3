//! One run of a script, in Kestra's order: namespace files, input files, rendering, the command, output files.

use std::path::PathBuf;

use flowmill_common::log::Level;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::command_line::{self, Parts};
use super::language::{Language, ScriptForm, ScriptTask, Setup, Work};
use super::properties::TargetOs;
use super::protocol::Protocol;
use super::task_runner;
use crate::context::RunContext;
use crate::property::Property;
use crate::runner::{CommandSpec, Exit, Files, Place, Runner};
use crate::support::glob::Pattern;
use crate::support::storage_uris::StorageUris;
use crate::support::{input_files, namespace_files, output_files, paths};
use crate::task::{Output, TaskError};

/// Runs the task. Commands that end with another code than 0 fail it, with its outputs kept.
pub(super) async fn run<L: Language>(
    task: &ScriptTask<L>,
    context: &RunContext,
) -> Result<Output, TaskError> {
    let runner = task_runner::choose(&task.common, context)?;
    let Prepared {
        context,
        place,
        command,
        patterns,
        output_directory,
    } = until_cancelled(context, prepare(task, context, runner.as_ref())).await?;
    let image = command.image.clone().unwrap_or_default();
    let mut lines = Protocol::new(&context);
    let ended = runner.run(&context, command, &mut lines).await;
    let (variables, heard) = lines.finish();
    let exit = ended?;
    let mut values = Map::new();
    values.insert("vars".into(), variables.into());
    values.insert("exitCode".into(), exit.code.into());
    let files = until_cancelled(&context, collect(&context, patterns, output_directory)).await;
    let failure = match files {
        Ok(files) => {
            values.insert("outputFiles".into(), files.into());
            verdict(&exit, heard)
        }
        Err(TaskError::Failed { message, .. }) => {
            values.insert("outputFiles".into(), Map::new().into());
            // A command that failed is the cause, not that its files are missing.
            verdict(&exit, Err(TaskError::failed(message)))
        }
        Err(stopped) => return Err(stopped),
    };
    if !exit.details.is_empty() {
        values.insert("taskRunner".into(), exit.details.into());
    }
    match failure {
        None => {
            task.language.succeeded(&context, place, &image).await;
            Ok(Output {
                values,
                state: None,
            })
        }
        Some(message) => Err(TaskError::Failed {
            message,
            outputs: Some(values),
        }),
    }
}

/// Why the task fails; none: it does not.
pub(super) fn verdict(exit: &Exit, rest: Result<(), TaskError>) -> Option<String> {
    match (exit.code, rest) {
        (0, Ok(())) => None,
        (0, Err(error)) => Some(error.to_string()),
        (code, _) => Some(format!("Command failed with exit code {code}")),
    }
}

/// All that is known before the command runs.
struct Prepared {
    /// With the names that the runner adds to expressions.
    context: RunContext,
    place: Place,
    command: CommandSpec,
    patterns: Vec<Pattern>,
    output_directory: Option<PathBuf>,
}

async fn prepare<L: Language>(
    task: &ScriptTask<L>,
    context: &RunContext,
    runner: &dyn Runner,
) -> Result<Prepared, TaskError> {
    let common = &task.common;
    if Property::render_optional(common.target_os.as_ref(), context).await?
        == Some(TargetOs::Windows)
    {
        return Err(TaskError::failed(
            "`targetOS: WINDOWS`: only Linux commands can be run",
        ));
    }
    if let Some(files) = &common.namespace_files {
        namespace_files::load(context, files).await?;
    }
    let output_directory = output_directory(task, context).await?;
    let context = with_folders(context, output_directory.as_ref());
    let (context, patterns) = with_output_files(task, context).await?;
    input_files::write(&context, common.input_files.as_ref()).await?;

    let image = match Property::render_optional(common.container_image.as_ref(), &context).await? {
        Some(image) => image,
        None => L::FACTS.image.to_owned(),
    };
    let mut environment = environment(task, &context).await?;
    let (mut before, mut program) = (Vec::new(), String::new());
    let place = runner.place(&context).await;
    let mut setup = Setup {
        context: &context,
        place,
        image: &image,
        environment: &mut environment,
        before: &mut before,
        program: &mut program,
    };
    task.language.prepare(&mut setup).await?;
    folders(&context, output_directory.as_ref(), &mut environment);

    let mut uris = StorageUris::default();
    let mut own = Property::render_optional(common.before_commands.as_ref(), &context)
        .await?
        .unwrap_or_default();
    for command in &mut own {
        *command = uris.replace(&context, command).await?;
    }
    before.extend(own);
    let (commands, form) = match &task.work {
        Work::Commands(commands) => {
            let mut commands = commands.render(&context).await?;
            for command in &mut commands {
                *command = uris.replace(&context, command).await?;
            }
            (commands, 1)
        }
        Work::Script(script) => {
            let script = script.render(&context).await?;
            let script = uris.replace(&context, &script).await?;
            (
                vec![script_command(task, &context, &program, script).await?],
                0,
            )
        }
    };
    let interpreter = Property::render_optional(common.interpreter.as_ref(), &context).await?;
    let fails_fast = Property::render_optional(common.fail_fast.as_ref(), &context)
        .await?
        .unwrap_or(true);
    let parts = Parts {
        interpreter: interpreter.unwrap_or_else(|| {
            L::FACTS
                .interpreter
                .iter()
                .map(|part| (*part).to_owned())
                .collect()
        }),
        fail_fast: L::FACTS.fail_fast[form].filter(|_| fails_fast),
        before,
        commands,
    };
    let command = shortened(&context, parts.join()).await?;
    let command = CommandSpec {
        command,
        environment,
        image: Some(image),
        working_directory: context.working_directory.clone(),
        user: L::FACTS.user.map(str::to_owned),
        // Declared or not: the next task of a `WorkingDirectory` sees what this one leaves.
        files: Files::Exchange,
    };
    Ok(Prepared {
        context,
        place,
        command,
        patterns,
        output_directory,
    })
}

/// Files in `{{ outputDir }}` are kept where the task says so; with the older `runner` they always were.
async fn output_directory<L>(
    task: &ScriptTask<L>,
    context: &RunContext,
) -> Result<Option<PathBuf>, TaskError> {
    let asked = Property::render_optional(task.common.output_directory.as_ref(), context).await?;
    if !asked.unwrap_or(task.common.runner.is_some()) {
        return Ok(None);
    }
    let folder = paths::unused_name(&context.working_directory, "");
    tokio::fs::create_dir(&folder).await.map_err(|error| {
        TaskError::failed(format!(
            "the output folder `{}` cannot be made: {error}",
            folder.display()
        ))
    })?;
    Ok(Some(folder))
}

fn with_folders(context: &RunContext, output_directory: Option<&PathBuf>) -> RunContext {
    let mut names = Map::new();
    names.insert(
        "workingDir".into(),
        context.working_directory.to_string_lossy().into(),
    );
    if let Some(folder) = output_directory {
        names.insert("outputDir".into(), folder.to_string_lossy().into());
    }
    context.with_variables(names)
}

async fn with_output_files<L>(
    task: &ScriptTask<L>,
    context: RunContext,
) -> Result<(RunContext, Vec<Pattern>), TaskError> {
    let Some(written) =
        Property::render_optional(task.common.output_files.as_ref(), &context).await?
    else {
        return Ok((context, Vec::new()));
    };
    let patterns = output_files::patterns(&context.working_directory, &written)?;
    let declared = output_files::declared(&context.working_directory, &written);
    let names = Map::from_iter([("outputFiles".to_owned(), Value::Object(declared))]);
    Ok((context.with_variables(names), patterns))
}

async fn environment<L: Language>(
    task: &ScriptTask<L>,
    context: &RunContext,
) -> Result<IndexMap<String, String>, TaskError> {
    let given = L::FACTS.environment.iter();
    let mut environment: IndexMap<_, _> = given
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    environment.extend(environment_of(task.common.env.as_ref(), context).await?);
    Ok(environment)
}

/// The property `env`: values as text, those that are null left out.
pub(super) async fn environment_of(
    written: Option<&Property<Map<String, Value>>>,
    context: &RunContext,
) -> Result<IndexMap<String, String>, TaskError> {
    let written = Property::render_optional(written, context)
        .await?
        .unwrap_or_default();
    let mut environment = IndexMap::new();
    for (name, value) in written {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(TaskError::failed(format!(
                "`env`: `{name}` cannot be an environment variable"
            )));
        }
        environment.insert(name, value);
    }
    Ok(environment)
}

/// What every command finds in its environment. The key is the same for each attempt: a receiver can tell that it saw it before.
fn folders(
    context: &RunContext,
    output_directory: Option<&PathBuf>,
    environment: &mut IndexMap<String, String>,
) {
    environment.insert(
        "WORKING_DIR".into(),
        context.working_directory.to_string_lossy().into_owned(),
    );
    if let Some(folder) = output_directory {
        environment.insert("OUTPUT_DIR".into(), folder.to_string_lossy().into_owned());
    }
    environment.insert(
        "FLOWMILL_IDEMPOTENCY_KEY".into(),
        context.job.run.to_string(),
    );
}

/// The command that runs a script, its file written.
async fn script_command<L: Language>(
    task: &ScriptTask<L>,
    context: &RunContext,
    program: &str,
    script: String,
) -> Result<String, TaskError> {
    match L::FACTS.script {
        ScriptForm::Inline => Ok(script),
        ScriptForm::File { ending, prelude } => {
            let file = paths::unused_name(&context.working_directory, ending);
            input_files::write_text(context, &file, &format!("{prelude}{script}")).await?;
            Ok(task.language.command(&file.to_string_lossy(), program))
        }
    }
}

/// A shell text that no argument can hold goes into a file.
async fn shortened(context: &RunContext, command: Vec<String>) -> Result<Vec<String>, TaskError> {
    let Some((shell, text)) = command_line::too_long_for_an_argument(&command) else {
        return Ok(command);
    };
    let file = paths::unused_name(&context.working_directory, ".sh");
    input_files::write_text(context, &file, text).await?;
    context.log(
        Level::Debug,
        format!("the commands are too long for an argument: `{shell}` reads them from a file"),
    );
    Ok(vec![shell.to_owned(), file.to_string_lossy().into_owned()])
}

async fn collect(
    context: &RunContext,
    patterns: Vec<Pattern>,
    output_directory: Option<PathBuf>,
) -> Result<Map<String, Value>, TaskError> {
    let mut files = match &output_directory {
        Some(folder) => output_files::collect_directory(context, folder).await?,
        None => Map::new(),
    };
    files.extend(output_files::collect(context, patterns).await?);
    Ok(files)
}

/// Stops waiting when the task must stop.
pub(super) async fn until_cancelled<T>(
    context: &RunContext,
    work: impl Future<Output = Result<T, TaskError>>,
) -> Result<T, TaskError> {
    tokio::select! {
        done = work => done,
        () = context.cancelled.cancelled() => Err(TaskError::Killed),
    }
}
