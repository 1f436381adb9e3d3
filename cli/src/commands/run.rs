//! `flowmill run`: one flow, once, in this process, with no server.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::http::Method;
use clap::{Args, ValueEnum};
use flowmill_backends::repo::flows::{Draft, Expect};
use flowmill_common::log::Level;
use flowmill_common::yaml::{self, split_documents};
use flowmill_common::{Flow, StateType};

use crate::assemble::{self, Foundation, LocalApi, Roles, Services, default_run_directory};
use crate::config::{Config, Flags, Loaded};
use crate::console::{self, Style};
use crate::diagnostics;
use crate::exit::{Exit, WrongInput};
use crate::run::{FileInput, Follow, Interrupted, Outcome, Pair, Request, View};
use crate::{signals, telemetry};

/// So many runs at the same time find a default data directory of their own.
const MOST_RUNS: usize = 64;

/// Run a flow once, here and now, with no server
#[derive(Args)]
pub(crate) struct Run {
    /// The flow, a YAML file
    file: PathBuf,
    /// An input's value
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    input: Vec<Pair>,
    /// The file for an input of type FILE
    #[arg(short, long = "file", value_name = "INPUT=PATH")]
    files: Vec<FileInput>,
    /// A label of the execution
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<Pair>,
    /// For people, or the execution as the API gives it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Show DEBUG and TRACE lines of the log too
    #[arg(short, long)]
    verbose: bool,
    /// Where state and files are kept [default: flowmill/run in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

impl Run {
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        let flags = Flags::new(self.config.clone()).set_path(
            "--data-dir",
            &["data-directory"],
            self.data_dir.as_deref(),
        );
        let Loaded {
            mut config,
            warnings,
        } = Config::load(flags)?;
        config = config.on_this_machine();
        if config.log.level == telemetry::Config::default().level {
            // the flow's own log is what matters here
            config.log.level = "warn".into();
        }
        let view = match self.output {
            Output::Json => View::Silent,
            Output::Text if std::io::stdout().is_terminal() => View::terminal(),
            Output::Text => View::lines(),
        };
        let writer = view.log_writer();
        telemetry::start_log(&config.log, move || writer.clone())?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let source = diagnostics::read_source(&self.file)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no threads can be started")?;
        let exit = runtime.block_on(self.run(&config, &source, view));
        // a task that does not end must not keep the process
        runtime.shutdown_background();
        exit
    }

    async fn run(&self, config: &Config, source: &str, mut view: View) -> anyhow::Result<Exit> {
        let mut signals = signals::Ending::listen()?;
        let foundation = open(config).await?;
        let flow = self.save(&foundation, source).await?;
        let roles = Roles {
            standalone: true,
            executor: true,
            worker: true,
            api: true,
        };
        let services = Services::start(&foundation, config, roles)?;
        let api = LocalApi::new(assemble::api(&foundation, config, None));

        let ended = self
            .follow(&foundation, &api, &flow, &mut view, &mut signals)
            .await;
        let (mut follow, interrupted) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                services.stop().await?;
                foundation.close().await;
                return Err(error);
            }
        };
        // with the worker ended, the last lines of the log are stored
        services.stop().await?;
        let execution = follow.execution().await?;
        view.show(&execution);
        follow.show_logs(&mut view).await?;
        view.end();
        let id = execution.header.id.to_string();
        let outcome = Outcome::of(execution, &foundation).await?;
        match self.output {
            Output::Text => console::text(&outcome.text(Style::for_stdout())),
            Output::Json => print_json(&api, &id).await?,
        }
        drop((follow, api));
        foundation.close().await;
        Ok(match (interrupted, outcome.state()) {
            (Interrupted::Yes, _) => Exit::Interrupted,
            (Interrupted::No, StateType::Success | StateType::Warning) => Exit::Success,
            (Interrupted::No, _) => Exit::Failed,
        })
    }

    /// Creates the execution and shows it until it is over.
    async fn follow(
        &self,
        foundation: &Foundation,
        api: &LocalApi,
        flow: &Flow,
        view: &mut View,
        signals: &mut signals::Ending,
    ) -> anyhow::Result<(Follow, Interrupted)> {
        let changes = Follow::listen(&*foundation.queue).await?;
        let request = Request {
            inputs: self.input.clone(),
            files: self.files.clone(),
            labels: self.label.clone(),
        };
        let id = request.send(api, flow).await?;
        let mut follow = Follow::new(
            foundation,
            &id,
            changes,
            if self.verbose {
                Level::Trace
            } else {
                Level::Info
            },
        );
        let kill = || kill(api, &id);
        let interrupted = follow.until_the_end(view, signals, kill).await?;
        Ok((follow, interrupted))
    }

    /// Compiles the flow and keeps it, so that its executions can be looked at later. What is wrong with it is shown with its place.
    async fn save(&self, foundation: &Foundation, source: &str) -> anyhow::Result<Flow> {
        let name = self.file.display().to_string();
        let documents = split_documents(source);
        let [document] = documents.as_slice() else {
            return Err(WrongInput::new(format!(
                "`{name}` holds {} flows: give each a file of its own",
                documents.len()
            ))
            .into());
        };
        let compiled = foundation.flows.compile(document.source, 1).await;
        let compiled = compiled.map_err(|problems| {
            let problems: Vec<_> = problems
                .into_iter()
                .map(|problem| problem.shifted(document.lines_before))
                .collect();
            let rendered = yaml::render_all(&problems, Some(&name), source);
            WrongInput::new(format!(
                "the flow is wrong\n{}",
                diagnostics::painted(&rendered, Style::plain())
            ))
        })?;
        for warning in compiled.warnings {
            let rendered =
                yaml::render(&warning.shifted(document.lines_before), Some(&name), source);
            console::note(diagnostics::painted(&rendered, Style::for_stderr()));
        }
        let flow = compiled.flow;
        let draft = Draft {
            namespace: &flow.namespace,
            id: &flow.id,
            source: document.source,
            disabled: flow.disabled,
            description: flow.description.as_deref(),
            labels: &flow.labels,
        };
        foundation
            .flows
            .flows()
            .save(&draft, Expect::Any, jiff::Timestamp::now().into())
            .await?;
        Ok(flow)
    }
}

/// Opens the data directory: the named one, or the first of the default ones that no other run uses.
async fn open(config: &Config) -> anyhow::Result<Foundation> {
    if let Some(folder) = &config.data_directory {
        return Foundation::open(config, folder).await;
    }
    for number in 1..=MOST_RUNS {
        let folder = default_run_directory(number)?;
        match Foundation::open(config, &folder).await {
            Err(error) if is_in_use(&error, &folder) => {}
            opened => return opened,
        }
    }
    bail!("{MOST_RUNS} runs are under way: name a folder of its own with `--data-dir`")
}

/// The store's one error that means: try the next folder.
fn is_in_use(error: &anyhow::Error, folder: &Path) -> bool {
    error
        .to_string()
        .contains(&format!("`{}` is in use by", folder.display()))
}

async fn kill(api: &LocalApi, id: &str) -> anyhow::Result<()> {
    let answer = api
        .call(
            Method::DELETE,
            &format!("/api/v1/executions/{id}/kill"),
            None,
        )
        .await?;
    // 409: it has just ended by itself
    if !answer.is_success() && answer.status != 409 {
        bail!(
            "the execution cannot be killed: {}",
            answer.messages().join("; ")
        );
    }
    Ok(())
}

async fn print_json(api: &LocalApi, id: &str) -> anyhow::Result<()> {
    let answer = api
        .call(Method::GET, &format!("/api/v1/executions/{id}"), None)
        .await?;
    console::line(serde_json::to_string_pretty(&answer.json()?)?);
    Ok(())
}
