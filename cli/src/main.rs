//! The one binary: `flowmill`.
//!
//! Only this crate knows all others. It reads the configuration, opens the backends, starts the services and shows what they do; how a
//! flow behaves is decided elsewhere.

mod assemble;
mod bench;
mod commands;
mod config;
mod console;
mod diagnostics;
mod exit;
mod flows;
mod run;
mod signals;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs Kestra's flows: one of them here and now, or many as a server
#[derive(Parser)]
#[command(name = "flowmill", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Several of our dependencies speak TLS; without a default, each would ask for its own.
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing else installs a provider before main");
    match arguments.command.execute() {
        Ok(code) => code,
        Err(error) => {
            console::error(&error);
            Exit::of_error(&error).into()
        }
    }
}
