//! Python packages that a task asks for: installed once, kept for every later run with the same list.
//!
//! For a process they are installed on the worker and read from where they are kept. A container installs them itself, with its own
//! Python; what it installed comes back with its files and goes in again the next time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use flowmill_common::log::{Level, Metric, MetricKind};
use indexmap::IndexMap;
use serde_json::Map;

use super::language::Setup;
use super::python::PackageManager;
use crate::context::RunContext;
use crate::runner::{CommandSpec, Line, LineSink, Place, Process, Runner, Stream, process};
use crate::support::input_files;
use crate::task::TaskError;

/// Kestra's names: flows that list their folder know them.
const FOLDER: &str = ".kestra_additional_python_lib";
const LIST: &str = ".kestra_requirements.txt";

/// Makes the packages importable by the commands.
pub(super) async fn provide(
    setup: &mut Setup<'_>,
    wanted: &[String],
    manager: PackageManager,
    is_kept: bool,
) -> Result<(), TaskError> {
    let list = setup.context.working_directory.join(LIST);
    input_files::write_text(setup.context, &list, &lines(wanted)).await?;
    let folder = match setup.place {
        Place::Here => here(setup, wanted, &list, manager, is_kept).await?,
        Place::Container => in_container(setup, wanted, &list, manager, is_kept).await?,
    };
    let folder = folder.to_string_lossy();
    let path = match setup
        .environment
        .get("PYTHONPATH")
        .filter(|own| !own.is_empty())
    {
        Some(own) => format!("{own}:{folder}"),
        None => folder.into_owned(),
    };
    setup.environment.insert("PYTHONPATH".to_owned(), path);
    Ok(())
}

/// Keeps what a container has installed. Failing to is no harm: the next run installs again.
pub(super) async fn keep_from_container(context: &RunContext, image: &str, wanted: &[String]) {
    let Some(kept) = kept_folder(context, &["container", image], wanted) else {
        return;
    };
    let installed = context.working_directory.join(FOLDER);
    let is_empty =
        || std::fs::read_dir(&installed).map_or(true, |mut entries| entries.next().is_none());
    if kept.is_dir() || is_empty() {
        return;
    }
    let started = Instant::now();
    let copied = async {
        let fresh = fresh_folder(&kept).await?;
        copy_folder(installed, fresh.clone()).await?;
        settle(&fresh, &kept).await
    };
    match copied.await {
        Ok(()) => measure(context, "deps.cache.upload.duration", started),
        Err(error) => context.log(
            Level::Debug,
            format!("the Python dependencies cannot be kept: {error}"),
        ),
    }
}

/// Installs on this machine, straight into where packages are kept.
async fn here(
    setup: &Setup<'_>,
    wanted: &[String],
    list: &Path,
    manager: PackageManager,
    is_kept: bool,
) -> Result<PathBuf, TaskError> {
    let (context, python) = (setup.context, setup.program.as_str());
    let version = version(context, setup.environment, python).await?;
    let kept = kept_folder(context, &["process", &version], wanted).filter(|_| is_kept);
    let Some(kept) = kept else {
        let folder = context.working_directory.join(FOLDER);
        install(setup, list, &folder, manager).await?;
        return Ok(folder);
    };
    let started = Instant::now();
    if kept.is_dir() {
        touch(&kept);
        measure(context, "deps.cache.download.duration", started);
        return Ok(kept);
    }
    let cannot_keep = |error| {
        TaskError::failed(format!(
            "the Python dependencies cannot be kept in `{}`: {error}",
            kept.display()
        ))
    };
    let fresh = fresh_folder(&kept).await.map_err(cannot_keep)?;
    if let Err(error) = install(setup, list, &fresh, manager).await {
        let _ = tokio::fs::remove_dir_all(&fresh).await;
        return Err(error);
    }
    settle(&fresh, &kept).await.map_err(cannot_keep)?;
    measure(context, "deps.cache.upload.duration", started);
    Ok(kept)
}

async fn install(
    setup: &Setup<'_>,
    list: &Path,
    folder: &Path,
    manager: PackageManager,
) -> Result<(), TaskError> {
    let (context, python) = (setup.context, setup.program.as_str());
    let has_uv =
        manager == PackageManager::Uv && process::has_program(context, setup.environment, "uv");
    let mut command = match has_uv {
        true => vec!["uv", "pip", "install", "--python", python],
        false => vec![python, "-m", "pip", "install"],
    };
    let (folder, list) = (folder.to_string_lossy(), list.to_string_lossy());
    command.extend(["--quiet", "--target", &folder, "--requirement", &list]);
    context.log(
        Level::Debug,
        format!(
            "installing the Python dependencies with {}",
            if has_uv { "uv" } else { "pip" }
        ),
    );
    let (code, said) = output(context, setup.environment, &command).await?;
    if code == 0 {
        return Ok(());
    }
    let program = if has_uv { "uv" } else { "pip" };
    Err(TaskError::failed(format!(
        "the Python dependencies cannot be installed: {program} ended with exit code {code}\n{said}"
    )))
}

/// What tells apart Pythons that cannot use each other's packages.
async fn version(
    context: &RunContext,
    environment: &IndexMap<String, String>,
    python: &str,
) -> Result<String, TaskError> {
    let question = "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform(), sys.prefix)";
    let (code, said) = output(context, environment, &[python, "-c", question]).await?;
    match code {
        0 => Ok(said),
        _ => Err(TaskError::failed(format!(
            "`{python}` does not run: exit code {code}\n{said}"
        ))),
    }
}

/// Runs a program of this machine; gives the exit code and the last of what it said.
async fn output(
    context: &RunContext,
    environment: &IndexMap<String, String>,
    command: &[&str],
) -> Result<(i32, String), TaskError> {
    let spec = CommandSpec {
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        environment: environment.clone(),
        working_directory: context.working_directory.clone(),
        ..CommandSpec::default()
    };
    let mut said = LastLines::default();
    let exit = Process.run(context, spec, &mut said).await?;
    Ok((exit.code, said.0.join("\n")))
}

#[derive(Default)]
struct LastLines(Vec<String>);

impl LineSink for LastLines {
    fn line(&mut self, line: Line<'_>) {
        const KEPT: usize = 40;
        if line.stream == Stream::Err || !line.text.trim().is_empty() {
            self.0.push(line.text.chars().take(2000).collect());
        }
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }
}

/// Has the container install them in front of the task's commands, unless what an earlier one installed can be put in.
async fn in_container(
    setup: &mut Setup<'_>,
    wanted: &[String],
    list: &Path,
    manager: PackageManager,
    is_kept: bool,
) -> Result<PathBuf, TaskError> {
    let context = setup.context;
    let folder = context.working_directory.join(FOLDER);
    let kept = kept_folder(context, &["container", setup.image], wanted)
        .filter(|kept| is_kept && kept.is_dir());
    if let Some(kept) = kept {
        let started = Instant::now();
        match copy_folder(kept.clone(), folder.clone()).await {
            Ok(()) => {
                touch(&kept);
                measure(context, "deps.cache.download.duration", started);
                return Ok(folder);
            }
            Err(error) => context.log(
                Level::Debug,
                format!("the kept Python dependencies cannot be used: {error}"),
            ),
        }
    }
    setup.before.push(container_line(list, &folder, manager));
    Ok(folder)
}

/// Ends the script where packages cannot be installed, whether it is fail-fast or not.
fn container_line(list: &Path, folder: &Path, manager: PackageManager) -> String {
    let arguments = format!(
        "install --quiet --target '{}' --requirement '{}'",
        folder.display(),
        list.display()
    );
    match manager {
        PackageManager::Pip => format!("python -m pip {arguments} || exit 1"),
        PackageManager::Uv => format!(
            "if command -v uv > /dev/null 2>&1; then uv pip {arguments} || exit 1; else python -m pip {arguments} || exit 1; fi"
        ),
    }
}

fn lines(wanted: &[String]) -> String {
    wanted
        .iter()
        .map(|line| format!("{}\n", line.trim()))
        .collect()
}

// === Where packages are kept ===

/// None: there is no place to keep anything.
fn kept_folder(context: &RunContext, what: &[&str], wanted: &[String]) -> Option<PathBuf> {
    let root = match &context.config.scripts.cache_directory {
        Some(folder) => folder.clone(),
        None => std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?
            .join("flowmill"),
    };
    let mut sorted: Vec<_> = wanted.iter().map(|line| line.trim()).collect();
    sorted.sort_unstable();
    let mut hasher = DefaultHasher::new();
    (what, sorted).hash(&mut hasher);
    Some(
        root.join("python")
            .join(format!("{:016x}", hasher.finish())),
    )
}

/// A folder beside the final one, to be filled and moved there in one step.
async fn fresh_folder(kept: &Path) -> std::io::Result<PathBuf> {
    let parent = kept.parent().unwrap_or(kept).to_owned();
    tokio::fs::create_dir_all(&parent).await?;
    let made = tokio::task::spawn_blocking(move || {
        Ok(tempfile::Builder::new()
            .prefix(".new")
            .tempdir_in(parent)?
            .keep())
    });
    made.await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// Two tasks may install the same list at once: the first one's stays.
async fn settle(fresh: &Path, kept: &Path) -> std::io::Result<()> {
    let moved = tokio::fs::rename(fresh, kept).await;
    if moved.is_err() {
        tokio::fs::remove_dir_all(fresh).await?;
        if !kept.is_dir() {
            return moved;
        }
    }
    forget_unused(kept).await;
    Ok(())
}

/// What no task has used for this long is removed when something new is kept.
const UNUSED: Duration = Duration::from_secs(14 * 24 * 3600);

async fn forget_unused(kept: &Path) {
    let Some(parent) = kept.parent() else { return };
    let Ok(mut entries) = tokio::fs::read_dir(parent).await else {
        return;
    };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let used = entry
            .metadata()
            .await
            .and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| {
            SystemTime::now()
                .duration_since(used)
                .is_ok_and(|age| age > UNUSED)
        }) {
            let _ = tokio::fs::remove_dir_all(entry.path()).await;
        }
    }
}

fn touch(kept: &Path) {
    // Only the age of what is kept suffers where it cannot be set.
    let _ = std::fs::File::open(kept).and_then(|folder| folder.set_modified(SystemTime::now()));
}

async fn copy_folder(from: PathBuf, to: PathBuf) -> std::io::Result<()> {
    let copied = tokio::task::spawn_blocking(move || copy(&from, &to));
    copied
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn measure(context: &RunContext, name: &str, started: Instant) {
    let value = started.elapsed().as_secs_f64() * 1000.0;
    context.outside.metric(Metric {
        name: name.to_owned(),
        kind: MetricKind::Timer,
        value,
        tags: Map::new(),
    });
}
