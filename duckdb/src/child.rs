//! The child process: one request in, one response out.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use crate::process;
use crate::request::{Failure, FailureKind, Request, Response};
use crate::run::run;

/// Runs the child: reads one line of JSON, a [`Request`], from standard input, runs it, and writes one line of JSON, the
/// [`Response`], to standard output. Nothing else is ever written there.
///
/// The exit status is 0 whenever a response was written, whatever it says; 1 if it could not be. A crash of DuckDB ends the
/// process by a signal, without a response. The worker may kill the process at any time, and the process ends by itself when
/// the worker ([`Request::parent`]) is gone.
pub fn child_main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "the DuckDB child cannot talk to its worker: {error}"
            );
            ExitCode::FAILURE
        }
    }
}

fn answer() -> io::Result<()> {
    let mut answer = process::claim_stdout()?;
    let mut line = Vec::new();
    io::stdin().lock().read_until(b'\n', &mut line)?;
    let mut response = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => perform(&request),
        Err(error) => Response {
            failure: Some(Failure::new(
                FailureKind::Request,
                format!("the request to the DuckDB child is not well formed: {error}"),
            )),
            ..Response::default()
        },
    };
    response.peak_memory_bytes = process::peak_memory_bytes();
    let mut text = serde_json::to_vec(&response)?;
    text.push(b'\n');
    answer.write_all(&text)
}

fn perform(request: &Request) -> Response {
    if let Some(parent) = request.parent {
        process::end_with_parent(parent);
    }
    process::volunteer_for_oom_killer();
    run(request)
}
