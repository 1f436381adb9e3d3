//! Runs commands as processes of the worker's machine.

mod config;
mod environment;
mod orphans;
mod output;
mod proc;
mod tree;

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use flowmill_common::log::Level;
use indexmap::IndexMap;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Map;
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

pub use self::config::{Config, Environment};
use self::environment::Variables;
use self::orphans::Marker;
use self::output::Output;
use self::tree::Tree;
use super::{CommandSpec, Exit, LineSink, Place, Runner, RunnerError};
use crate::context::RunContext;

/// The runner `io.kestra.plugin.core.runner.Process`: a process of the worker's machine in its own process group. The image of
/// the task is ignored. When the command has ended, so have all processes that it started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

#[async_trait]
impl Runner for Process {
    async fn run(
        &self,
        context: &RunContext,
        command: CommandSpec,
        lines: &mut dyn LineSink,
    ) -> Result<Exit, RunnerError> {
        if context.cancelled.is_cancelled() {
            return Err(RunnerError::Killed);
        }
        orphans::prepare().await;
        let (child, output, tree) = start(context, &command)?;
        context.log(
            Level::Debug,
            format!(
                "Starting command with pid {} [{}]",
                tree.main(),
                command.shown()
            ),
        );
        let code = Running {
            context,
            child,
            output,
            tree,
        }
        .until_end(lines)
        .await?;
        context.log(Level::Debug, format!("Command ended with exit code {code}"));
        Ok(Exit {
            code,
            details: Map::new(),
        })
    }

    async fn place(&self, _: &RunContext) -> Place {
        Place::Here
    }
}

/// Whether a command with this environment would find a program of this name.
pub(crate) fn has_program(
    context: &RunContext,
    added: &IndexMap<String, String>,
    name: &str,
) -> bool {
    let variables = Variables::new(&context.config.process, std::env::vars_os(), added);
    variables.program(name, &context.working_directory).is_ok()
}

fn start(context: &RunContext, spec: &CommandSpec) -> Result<(Child, Output, Tree), RunnerError> {
    let [name, arguments @ ..] = spec.command.as_slice() else {
        return Err(RunnerError::Empty);
    };
    let variables = Variables::new(
        &context.config.process,
        std::env::vars_os(),
        &spec.environment,
    );
    let program = variables.program(name, &spec.working_directory)?;
    let marker = Marker::next();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&spec.working_directory)
        .env_clear()
        .envs(variables.iter())
        .env(marker.name(), marker.value())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|source| RunnerError::Spawn {
        program: name.clone(),
        source,
    })?;
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .expect("a child that was not waited for has a pid");
    let tree = Tree::new(Pid::from_raw(pid), marker, &spec.working_directory);
    let (out, err) = (
        child.stdout.take().expect("it is piped"),
        child.stderr.take().expect("it is piped"),
    );
    Ok((
        child,
        Output::new(out, err, context.config.scripts.maximum_line_bytes),
        tree,
    ))
}

struct Running<'a> {
    context: &'a RunContext,
    child: Child,
    output: Output,
    tree: Tree,
}

/// How often a long command's ended orphans are looked after.
const REAPING: Duration = Duration::from_secs(10);

impl Running<'_> {
    async fn until_end(mut self, lines: &mut dyn LineSink) -> Result<i32, RunnerError> {
        let mut reaping = interval(REAPING);
        reaping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        reaping.reset();
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status.map_err(RunnerError::Read)?,
                read = self.output.follow(lines), if !self.output.has_ended() => read.map_err(RunnerError::Read)?,
                () = self.context.cancelled.cancelled() => return self.stop(lines).await,
                _ = reaping.tick() => orphans::reap(),
            }
        };
        self.finish(lines).await?;
        Ok(code(status))
    }

    /// The first process has ended. What holds its output open gets a moment, then everything left is ended.
    async fn finish(mut self, lines: &mut dyn LineSink) -> Result<(), RunnerError> {
        let config = &self.context.config.process;
        tokio::select! {
            read = timeout(config.leftover_grace, self.output.follow(lines)) => {
                read.unwrap_or(Ok(())).map_err(RunnerError::Read)?;
            }
            () = self.context.cancelled.cancelled() => return self.stop(lines).await.map(drop),
        }
        if self.tree.has_leftovers() {
            self.context.log(Level::Warn, "the command has ended, but not what it started in the background: ending that, too");
            if !self.tree.end(config.kill_grace).await {
                self.context.log(
                    Level::Warn,
                    "a background process of the command cannot be killed",
                );
            }
            let rest = timeout(config.leftover_grace, self.output.follow(lines)).await;
            rest.unwrap_or(Ok(())).map_err(RunnerError::Read)?;
        }
        self.output.finish(lines);
        self.tree.release();
        Ok(())
    }

    /// The task must stop: everything is asked to end, then killed. Its last words are still heard.
    async fn stop(mut self, lines: &mut dyn LineSink) -> Result<i32, RunnerError> {
        let grace = self.context.config.process.kill_grace;
        self.context
            .log(Level::Warn, "stopping the command and all that it started");
        self.tree.signal(Signal::SIGTERM);
        let ended = async {
            tokio::select! {
                _ = self.child.wait() => {}
                () = async { let _ = self.output.follow(lines).await; std::future::pending().await } => {}
            }
        };
        let asked = Instant::now();
        let _ = timeout(grace, ended).await;
        let gone = self.tree.end(grace.saturating_sub(asked.elapsed())).await;
        let _ = self.child.wait().await;
        if !gone {
            self.context
                .log(Level::Error, "a process of the command cannot be killed");
        }
        let _ = timeout(Duration::from_millis(100), self.output.follow(lines)).await;
        self.output.finish(lines);
        self.tree.release();
        Err(RunnerError::Killed)
    }
}

fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
