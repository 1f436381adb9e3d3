//! What expressions may ask for when the API renders them: inputs of a new execution, and expressions that people try out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flowmill_backends::repo::logs::Filter;
use flowmill_backends::{Error, Kind};
use flowmill_common::Timestamp;
use flowmill_common::execution::Header;
use flowmill_common::log::Level;
use flowmill_common::secrets::MASK;
use flowmill_expression::{Answer, Host, Need};
use flowmill_scheduler::stored_outputs_path;
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::{Api, storage};

/// What was fetched so far.
pub(crate) type Answers = Arc<HashMap<Need, Answer>>;

/// Files longer than this are not read into an expression.
const LONGEST_FILE: u64 = 16 << 20;

/// Time, chance, and what was fetched so far; anything else is asked for.
pub(crate) struct RenderHost {
    at: Timestamp,
    answers: Answers,
    random: AtomicU64,
}

impl RenderHost {
    pub(crate) fn new(at: Timestamp, answers: Answers) -> Self {
        let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
        Self {
            at,
            answers,
            random: AtomicU64::new(seed),
        }
    }
}

impl Host for RenderHost {
    fn now(&self) -> jiff::Timestamp {
        self.at.to_jiff()
    }

    /// SplitMix64 over a random seed.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self
            .random
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn ask(&self, need: &Need) -> Answer {
        self.answers.get(need).cloned().unwrap_or(Answer::Pending)
    }
}

/// How secrets are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// With their values: the result is stored, nobody sees it.
    Revealed,
    /// With `******`: the result is shown.
    Masked,
}

/// The answer to a need, within what an execution may see; without an execution no file is there.
/// Failures become the expression's own error.
pub(crate) async fn fetch(
    api: &Api,
    execution: Option<&Header>,
    secrecy: Secrecy,
    need: &Need,
) -> Answer {
    if let Some(path) = stored_outputs_path(need) {
        return read_json(api, path)
            .await
            .unwrap_or_else(|error| Answer::Failed(error.to_string()));
    }
    match need {
        Need::Secret { key, .. } => match (api.parts().secrets.get(key), secrecy) {
            (Some(value), Secrecy::Revealed) => Answer::Value(value.into()),
            (Some(_), Secrecy::Masked) => Answer::Value(MASK.into()),
            (None, _) => Answer::Missing,
        },
        Need::Read(file)
        | Need::FileSize(file)
        | Need::FileExists(file)
        | Need::IsFileEmpty(file) => match own_path(execution, &file.path) {
            Ok(path) => of_file(api, need, &path)
                .await
                .unwrap_or_else(|error| Answer::Failed(error.to_string())),
            Err(message) => Answer::Failed(message),
        },
        Need::ErrorLogs => match execution {
            Some(header) => match error_logs(api, header).await {
                Ok(lines) => Answer::Value(lines.into()),
                Err(error) => Answer::Failed(error.to_string()),
            },
            None => Answer::Failed("there is no execution whose log could be read".into()),
        },
        Need::Kv { .. } | Need::Http(_) | Need::Subflow(_) | Need::RandomPort => Answer::Failed(
            format!("the `{}` function is not available here", need.name()),
        ),
    }
}

async fn read_json(api: &Api, path: &str) -> Result<Answer, Error> {
    let bytes = read(api, path).await?;
    Ok(match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) => Answer::Value(value.into()),
        Err(error) => Answer::Failed(format!("the outputs in `{path}` cannot be read: {error}")),
    })
}

fn own_path(execution: Option<&Header>, uri: &str) -> Result<String, String> {
    let Some(path) = uri
        .strip_prefix("kestra://")
        .map(|rest| rest.trim_start_matches('/'))
    else {
        return Err(format!(
            "Unable to read the file '{uri}': namespace files are not available here"
        ));
    };
    let folder = execution.map(storage::execution_folder);
    if folder.is_some_and(|folder| path.starts_with(&folder)) && !storage::is_relative(path) {
        return Ok(path.to_owned());
    }
    Err(format!(
        "Unable to read the file '{uri}' as it didn't belong to the current execution"
    ))
}

async fn of_file(api: &Api, need: &Need, path: &str) -> Result<Answer, Error> {
    let stat = match api.files().stat(path).await {
        Ok(stat) => Some(stat),
        Err(error) if error.kind() == Kind::NotFound => None,
        Err(error) => return Err(error),
    };
    let missing = || Error::not_found(format!("no file `{path}`"));
    let value = match need {
        Need::FileExists(_) => Value::Bool(stat.is_some()),
        Need::FileSize(_) => stat.ok_or_else(missing)?.length.into(),
        Need::IsFileEmpty(_) => (stat.ok_or_else(missing)?.length == 0).into(),
        _ => {
            let length = stat.ok_or_else(missing)?.length;
            if length > LONGEST_FILE {
                let message = format!(
                    "the file `{path}` of {length} bytes is too large to be read into an expression"
                );
                return Err(Error::new(Kind::Invalid, message));
            }
            String::from_utf8_lossy(&read(api, path).await?)
                .into_owned()
                .into()
        }
    };
    Ok(Answer::Value(value.into()))
}

/// A whole file.
pub(crate) async fn read(api: &Api, path: &str) -> Result<Vec<u8>, Error> {
    let content = api.files().get(path, None).await?;
    let append = |mut all: Vec<u8>, chunk: bytes::Bytes| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    };
    (content.try_fold(Vec::new(), append).await).map_err(|error| {
        Error::with_source(Kind::Unavailable, format!("cannot read `{path}`"), error)
    })
}

async fn error_logs(api: &Api, header: &Header) -> Result<Value, Error> {
    let filter = Filter {
        min_level: Some(Level::Error),
        ..Filter::default()
    };
    let lines = api.logs().read(&header.id, filter).all().await?;
    let shown = lines.iter().map(|line| {
        json!({
            "taskId": line.task_id.as_deref(),
            "taskRunId": line.task_run.as_ref().map(|id| id.as_str()),
            "attempt": line.attempt,
            "timestamp": line.at.to_string(),
            "level": line.level.name(),
            "message": line.message,
        })
    });
    Ok(shown.collect())
}
