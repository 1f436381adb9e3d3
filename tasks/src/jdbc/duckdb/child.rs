//! The child process: started, asked once, and gone at the end whatever happens.

use std::process::{ExitStatus, Stdio};

use flowmill_duckdb::{Request, Response};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::context::RunContext;
use crate::task::TaskError;

/// What the child may say beside its rows, in bytes.
const ROOM_BESIDE_ROWS: u64 = 16 << 20;
/// How much of its last words is kept, in bytes.
const LONGEST_LAST_WORDS: u64 = 16 << 10;
/// What the child sees of our environment; secrets are in it, so it is not all.
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LD_LIBRARY_PATH",
    "RUST_BACKTRACE",
];

/// Asks a child process; ends with it. A failure within is part of the response.
pub(super) async fn ask(context: &RunContext, request: &Request) -> Result<Response, TaskError> {
    let mut child = start(context)?;
    let limit = request
        .limits
        .fetch_bytes
        .saturating_mul(2)
        .saturating_add(ROOM_BESIDE_ROWS);
    let answered = tokio::select! {
        answered = talk(&mut child, request, limit) => answered,
        () = context.cancelled.cancelled() => Err(TaskError::Killed),
    };
    if answered.is_err() {
        kill(&child);
        // it cannot refuse: what is waited for is only that the system has taken it down
        let _ = child.wait().await;
    }
    answered
}

/// Kills the child with everything that it may have started.
fn kill(child: &Child) {
    // none once it was waited for: then its number may be another's
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
    }
}

fn start(context: &RunContext) -> Result<Child, TaskError> {
    let cannot = |error: &std::io::Error| {
        TaskError::failed(format!("the DuckDB process cannot be started: {error}"))
    };
    let program = match &context.config.duckdb.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(|error| cannot(&error))?,
    };
    let environment = ENVIRONMENT
        .iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    Command::new(program)
        .arg("duckdb-child")
        .env_clear()
        .envs(environment)
        .current_dir(&context.working_directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| cannot(&error))
}

async fn talk(child: &mut Child, request: &Request, limit: u64) -> Result<Response, TaskError> {
    let broken = |error: std::io::Error| {
        TaskError::failed(format!("the DuckDB process cannot be talked to: {error}"))
    };
    let mut line =
        serde_json::to_vec(request).map_err(|error| TaskError::failed(error.to_string()))?;
    line.push(b'\n');
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ask = async {
        if let Some(mut stdin) = stdin {
            // one that ended before it read all says why by its status
            let _ = stdin.write_all(&line).await;
        }
    };
    let ((), answer, last_words) =
        tokio::join!(ask, all(stdout, limit + 1), all(stderr, LONGEST_LAST_WORDS));
    let answer = answer.map_err(broken)?;
    if answer.len() as u64 > limit {
        return Err(TaskError::failed(format!(
            "the DuckDB process answered with more than {limit} bytes"
        )));
    }
    let status = child.wait().await.map_err(broken)?;
    match serde_json::from_slice(&answer) {
        Ok(response) if status.success() => Ok(response),
        _ => Err(ended(status, &last_words.unwrap_or_default())),
    }
}

async fn all(stream: Option<impl AsyncRead + Unpin>, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let mut stream = stream.take(limit);
        stream.read_to_end(&mut bytes).await?;
        // what is beyond the limit must not block the child
        tokio::io::copy(&mut stream.into_inner(), &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

fn ended(status: ExitStatus, last_words: &[u8]) -> TaskError {
    use std::os::unix::process::ExitStatusExt;
    let how = match status
        .signal()
        .map(|number| (number, Signal::try_from(number)))
    {
        Some((_, Ok(Signal::SIGKILL))) => {
            "was killed, perhaps since the machine ran out of memory (SIGKILL)".to_owned()
        }
        Some((_, Ok(signal))) => format!("crashed ({signal})"),
        Some((number, Err(_))) => format!("was ended by signal {number}"),
        None => format!(
            "ended with status {} and without an answer",
            status.code().unwrap_or_default()
        ),
    };
    let words = String::from_utf8_lossy(last_words);
    let words = words.trim();
    let said = if words.is_empty() {
        String::new()
    } else {
        format!(":\n{words}")
    };
    TaskError::failed(format!("the DuckDB process {how}{said}"))
}
