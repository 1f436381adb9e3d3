//! `flowmill bench`: the workloads that the project measures itself by, against a standalone server that it starts from this very
//! binary. Every acknowledged commit is durable, as always; one client process; latencies in an HDR histogram.

mod flows;
mod http;
mod latency;
mod machine;
mod process;
mod report;
mod result;
mod server;
mod workload;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use self::machine::Machine;
use self::report::Report;
use self::server::{Distributed, Queues, Server};
use crate::config::{Config, Flags};
use crate::console;
use crate::exit::{Exit, WrongInput};

const WORKLOADS: [&str; 7] = ["W1", "W2", "W3", "W4", "W5", "W6", "W7"];

/// Measure this machine: latency, throughput, CPU and memory of a standalone server
#[derive(Args)]
pub(crate) struct Bench {
    /// Workloads to run, separated by commas: W1 one task, W2 chain of 100, W3 loop, W4 rising rates, W5 scripts, W6 four workers
    /// against one (with `--distributed`), W7 start and idle (without it)
    #[arg(long, value_delimiter = ',', default_values = WORKLOADS)]
    workloads: Vec<String>,
    /// About how long each measurement takes
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// A folder for the data; it should be on the disk that is to be measured. Default: the system's temporary folder
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Measure an executor, workers and an API as processes of their own, over the backends that this configuration file names
    #[arg(long, value_name = "CONFIG")]
    distributed: Option<PathBuf>,
    /// How many executors, with `--distributed`
    #[arg(long, default_value_t = 1)]
    executors: usize,
    /// How many workers, with `--distributed`
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// A process to count the CPU time of as well, with `--distributed`: `rabbitmq=1234`. May be given several times
    #[arg(long, value_name = "NAME=PID", value_parser = named_process)]
    count: Vec<(String, u32)>,
    /// A table (Markdown) for people, or JSON
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Also write the JSON here
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
}

impl Bench {
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        if let Some(unknown) = self
            .workloads
            .iter()
            .find(|name| !WORKLOADS.contains(&name.as_str()))
        {
            return Err(WrongInput::new(format!(
                "no workload `{unknown}` (there are {})",
                WORKLOADS.join(", ")
            ))
            .into());
        }
        if cfg!(debug_assertions) {
            console::note("warning: this is a debug build, its figures say nothing");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let report = runtime.block_on(self.measure())?;
        let json = serde_json::to_string_pretty(&report)
            .context("the report cannot be written as JSON")?;
        if let Some(file) = &self.json {
            std::fs::write(file, &json)
                .with_context(|| format!("cannot write `{}`", file.display()))?;
        }
        match self.output {
            Output::Table => console::text(&report.table()),
            Output::Json => console::line(json),
        }
        if report.missed() > 0 {
            console::note(format!("{} targets were missed", report.missed()));
        }
        Ok(Exit::Success)
    }

    /// The processes of `--distributed`, if it was given.
    fn several(&self) -> anyhow::Result<Option<Distributed>> {
        let Some(config) = &self.distributed else {
            return Ok(None);
        };
        let loaded = Config::load(Flags::new(Some(config.clone())))?;
        // this binary may be built without RabbitMQ
        let queue = serde_json::to_value(&loaded.config.queue)?;
        let queues = match queue.pointer("/rabbitmq/queue-type") {
            Some(kind) if kind == "classic" => Queues::Classic,
            Some(_) | None => Queues::Quorum,
        };
        Ok(Some(Distributed {
            config: config.clone(),
            executors: self.executors,
            workers: self.workers,
            slots: None,
            queues,
            counted: self.count.clone(),
        }))
    }

    async fn measure(&self) -> anyhow::Result<Report> {
        let scratch = match &self.data_dir {
            Some(folder) => tempfile::Builder::new()
                .prefix("flowmill-bench-")
                .tempdir_in(folder),
            None => tempfile::Builder::new().prefix("flowmill-bench-").tempdir(),
        };
        let scratch = scratch.context("no folder can be made for the data")?;
        let machine = Machine::describe(scratch.path())?;
        let distributed = self.several()?;
        let mut outcomes = Vec::new();
        for (number, name) in self.workloads.iter().enumerate() {
            let (elsewhere, needs) = match distributed {
                Some(_) => ("W7", "is left out with `--distributed`"),
                None => ("W6", "is left out without `--distributed`"),
            };
            if name == elsewhere {
                console::note(format!("{name} {needs}"));
                continue;
            }
            console::note(format!("{name} …"));
            let data_directory = scratch.path().join(format!("data-{number}"));
            let log = scratch.path().join(format!("server-{number}.log"));
            if let ("W6", Some(distributed)) = (name.as_str(), &distributed) {
                outcomes.push(workload::run_workers(&data_directory, &log, distributed).await?);
                continue;
            }
            if name == "W7" {
                outcomes.push(workload::run_start(&data_directory, &log).await?);
                continue;
            }
            let server = Server::start(&data_directory, &log, distributed.as_ref()).await?;
            let setting = workload::Setting {
                server: &server,
                queues: distributed.as_ref().map(|distributed| distributed.queues),
                machine: &machine,
                seconds: self.seconds,
            };
            let measured = workload::run(name, &setting).await;
            let memory = process::resident_memory(server.pid());
            server.stop()?;
            let mut measured = measured.with_context(|| said(&log))?;
            if let (Some(last), Ok(memory)) = (measured.pop(), memory) {
                measured.push(last.with("memory afterwards (RSS)", memory as f64 / 1e6, "MB"));
            }
            outcomes.append(&mut measured);
        }
        Ok(Report {
            version: env!("CARGO_PKG_VERSION"),
            profile: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            at: jiff::Timestamp::now()
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string(),
            machine,
            outcomes,
        })
    }
}

fn named_process(text: &str) -> Result<(String, u32), String> {
    let wrong = || format!("`{text}` is not of the form `rabbitmq=1234`");
    let (name, pid) = text.split_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), pid.parse().map_err(|_| wrong())?))
}

/// The end of the server's log, for the error.
fn said(log: &std::path::Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!(
        "the server said: {}",
        lines[lines.len().saturating_sub(5)..].join(" | ")
    )
}
