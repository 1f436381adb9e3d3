//! How lines are packed: one byte for the form, then the lines as JSON, compressed where that pays.

use std::sync::Arc;

use bytes::Bytes;
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{ExecutionId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Origin;
use crate::error::{Error, Kind, Result};
use crate::repo::executions;

/// At most so many bytes of text in a chunk, but for a single longer line.
pub(super) const LARGEST: usize = 1 << 20;
/// How many chunks are fetched at once.
pub(super) const READ_AHEAD: usize = 16;
/// No chunk spans more time than this, in microseconds: readers that merge chunks hold back no more.
pub(super) const LONGEST: i64 = 60_000_000;
/// Shorter chunks are kept as they are: compressing them costs more than it saves.
const WORTH_COMPRESSING: usize = 512;
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// A line and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose log it is.
    pub origin: Origin,
    /// The line.
    pub line: LogLine,
}

/// What a chunk holds, without its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The namespace of the flow.
    #[serde(rename = "n")]
    pub namespace: Arc<str>,
    /// The flow.
    #[serde(rename = "f")]
    pub flow_id: Arc<str>,
    /// How many lines there are of each level, TRACE first.
    #[serde(rename = "c")]
    pub levels: [u32; 5],
}

impl Contents {
    /// How many lines are of this level or a higher one.
    pub fn at_least(&self, level: Level) -> u64 {
        self.levels[level as usize..]
            .iter()
            .map(|count| u64::from(*count))
            .sum()
    }
}

pub(super) struct Chunk {
    pub(super) namespace: Arc<str>,
    pub(super) flow_id: Arc<str>,
    pub(super) lines: Vec<LogLine>,
}

#[derive(Serialize)]
struct Packed<'a> {
    n: &'a str,
    f: &'a str,
    l: &'a [LogLine],
}

#[derive(Deserialize)]
struct Unpacked {
    n: Arc<str>,
    f: Arc<str>,
    l: Vec<LogLine>,
}

/// The lines in runs that are neither too large nor too long for one chunk.
pub(super) fn split(lines: &[LogLine]) -> impl Iterator<Item = &[LogLine]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let (mut oldest, mut newest) = (rest.first()?.at, rest.first()?.at);
        let mut bytes = 0;
        let end = rest.iter().position(|line| {
            bytes += line.message.len() + 100;
            oldest = oldest.min(line.at);
            newest = newest.max(line.at);
            bytes > LARGEST || newest.as_micros() - oldest.as_micros() > LONGEST
        });
        let (chunk, after) = rest.split_at(end.unwrap_or(rest.len()).max(1));
        rest = after;
        Some(chunk)
    })
}

/// The two rows of a chunk.
pub(super) fn rows(
    space: &str,
    origin: &Origin,
    unique: &str,
    lines: &[LogLine],
) -> Result<[(String, Bytes); 2]> {
    let mut levels = [0; 5];
    for line in lines {
        levels[line.level as usize] += 1;
    }
    let contents = Contents {
        namespace: origin.namespace.clone(),
        flow_id: origin.flow_id.clone(),
        levels,
    };
    let first = lines.iter().map(|line| line.at).min().unwrap_or_default();
    let last = lines.iter().map(|line| line.at).max().unwrap_or_default();
    let key = format!(
        "{space}/log/{}/{}-{unique}",
        origin.execution,
        time_key(first)
    );
    let by_time = time_row(space, last, &key);
    Ok([
        (key, encode(origin, lines)?),
        (by_time, executions::encode(&contents)?),
    ])
}

/// The key of the row that finds this chunk by its newest line.
pub(super) fn time_row(space: &str, last: Timestamp, chunk: &str) -> String {
    let rest = chunk.splitn(3, '/').nth(2).unwrap_or_default();
    format!("{space}/lt/{}/{rest}", time_key(last))
}

/// What the key of such a row says: the time of the newest line, the execution, and the key of the chunk.
pub(super) fn read_time_row(key: &str) -> Result<(Timestamp, ExecutionId, String)> {
    let mut parts = key.splitn(5, '/');
    let unreadable = || Error::internal(format!("`{key}` is not the key of a log chunk's time"));
    let (Some(space), Some(_), Some(last), Some(execution), Some(rest)) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return Err(unreadable());
    };
    let last = Timestamp::from_micros(last.parse().map_err(|_| unreadable())?);
    Ok((
        last,
        execution.into(),
        format!("{space}/log/{execution}/{rest}"),
    ))
}

/// The time of the oldest line, from the key of a chunk.
pub(super) fn first_line(key: &str) -> Timestamp {
    let name = key.rsplit('/').next().unwrap_or_default();
    Timestamp::from_micros(
        name.split('-')
            .next()
            .and_then(|time| time.parse().ok())
            .unwrap_or_default(),
    )
}

pub(super) fn time_key(at: Timestamp) -> String {
    format!("{:017}", at.as_micros().max(0))
}

fn encode(origin: &Origin, lines: &[LogLine]) -> Result<Bytes> {
    let json = executions::encode(&Packed {
        n: &origin.namespace,
        f: &origin.flow_id,
        l: lines,
    })?;
    if json.len() >= WORTH_COMPRESSING {
        let mut packed = vec![ZSTD];
        zstd::stream::copy_encode(json.as_ref(), &mut packed, 1).map_err(|error| {
            Error::with_source(Kind::Internal, "cannot compress log lines", error)
        })?;
        return Ok(packed.into());
    }
    let mut plain = Vec::with_capacity(json.len() + 1);
    plain.push(PLAIN);
    plain.extend_from_slice(&json);
    Ok(plain.into())
}

pub(super) fn decode(key: &str, bytes: &[u8]) -> Result<Chunk> {
    let unpacked: Unpacked = match bytes.split_first() {
        Some((&PLAIN, json)) => executions::decode(key, json)?,
        Some((&ZSTD, packed)) => {
            let json = zstd::stream::decode_all(packed).map_err(|error| {
                Error::with_source(
                    Kind::Internal,
                    format!("the log chunk `{key}` is damaged"),
                    error,
                )
            })?;
            executions::decode(key, &json)?
        }
        _ => {
            return Err(Error::internal(format!(
                "the log chunk `{key}` has an unknown form"
            )));
        }
    };
    Ok(Chunk {
        namespace: unpacked.n,
        flow_id: unpacked.f,
        lines: unpacked.l,
    })
}
