//! The log of one attempt: levels, masks, long messages, and the limit of a storm.

use std::sync::{Arc, Mutex, PoisonError};

use flowmill_backends::repo::logs::Origin;
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{TaskRunId, Timestamp};

use super::sink::{Accepted, LogSink};
use crate::config::LogConfig;
use flowmill_common::secrets::Masker;

/// Writes the lines of one attempt.
pub(crate) struct AttemptLog {
    sink: LogSink,
    origin: Arc<Origin>,
    line: Line,
    masker: Arc<Masker>,
    limits: LogConfig,
    state: Mutex<State>,
}

/// What all lines of an attempt share.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) task_id: Arc<str>,
    pub(crate) task_run: TaskRunId,
    pub(crate) attempt: u32,
    /// The least level that is kept.
    pub(crate) least: Level,
}

#[derive(Default)]
struct State {
    last: Timestamp,
    kept: u64,
    cut: Dropped,
    unstored: Dropped,
}

#[derive(Default)]
struct Dropped {
    lines: u64,
    errors: u64,
    bytes: u64,
}

impl AttemptLog {
    pub(crate) fn new(
        sink: LogSink,
        origin: Arc<Origin>,
        line: Line,
        masker: Arc<Masker>,
        limits: LogConfig,
    ) -> Self {
        Self {
            sink,
            origin,
            line,
            masker,
            limits,
            state: Mutex::default(),
        }
    }

    /// Writes a message. Never waits.
    pub(crate) fn write(&self, level: Level, message: String) {
        if level < self.line.least {
            return;
        }
        let message = self.masker.mask(message);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for part in parts(&message, self.limits.longest_message) {
            self.keep(&mut state, level, part);
        }
    }

    /// Says what was dropped, once there is no more to come.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.cut.lines > 0 {
            let limit = self.limits.per_attempt;
            let message = format!(
                "{} of the log were dropped: it is longer than {limit}",
                said(&state.cut)
            );
            self.push(&mut state, Level::Warn, &message);
        }
        if state.unstored.lines > 0 {
            let message = format!(
                "{} of the log were dropped: they came faster than they could be stored",
                said(&state.unstored)
            );
            self.push(&mut state, Level::Warn, &message);
        }
    }

    fn keep(&self, state: &mut State, level: Level, message: &str) {
        let limit = self.limits.per_attempt.get();
        // why it failed must not drown in what it said before
        let limit = if level == Level::Error {
            limit + limit / 10
        } else {
            limit
        };
        let bytes = message.len() as u64;
        if state.kept + bytes > limit {
            if state.cut.lines == 0 {
                let message = format!(
                    "the log is longer than {}: what follows is dropped",
                    self.limits.per_attempt
                );
                self.push(state, Level::Warn, &message);
            }
            note(&mut state.cut, level, bytes);
            return;
        }
        state.kept += bytes;
        self.push(state, level, message);
    }

    fn push(&self, state: &mut State, level: Level, message: &str) {
        // lines of the same microsecond keep their order
        let now = Timestamp::from(jiff::Timestamp::now());
        state.last = now.max(Timestamp::from_micros(state.last.as_micros() + 1));
        let line = LogLine {
            at: state.last,
            level,
            message: message.to_owned(),
            task_id: Some(self.line.task_id.clone()),
            task_run: Some(self.line.task_run.clone()),
            attempt: self.line.attempt,
        };
        if self.sink.push(&self.origin, line) == Accepted::No {
            note(&mut state.unstored, level, message.len() as u64);
        }
    }
}

fn note(dropped: &mut Dropped, level: Level, bytes: u64) {
    dropped.lines += 1;
    dropped.errors += u64::from(level == Level::Error);
    dropped.bytes += bytes;
    crate::measure::lines_dropped(1);
}

fn said(dropped: &Dropped) -> String {
    let errors = match dropped.errors {
        0 => String::new(),
        errors => format!(", {errors} of them of level ERROR"),
    };
    format!("{} lines ({} bytes{errors})", dropped.lines, dropped.bytes)
}

/// The message in parts of at most so many characters; an empty message is one part.
fn parts(message: &str, longest: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(message);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.char_indices().nth(longest.max(1)) {
            Some((end, _)) => {
                rest = Some(&text[end..]);
                Some(&text[..end])
            }
            None => rest.take(),
        }
    })
}

#[cfg(test)]
mod tests {
    use flowmill_backends::config::ByteSize;

    use super::*;
    use flowmill_common::secrets::Secrets;

    fn log(limits: LogConfig) -> (LogSink, AttemptLog) {
        let sink = LogSink::new(limits.clone());
        let origin = Origin {
            execution: "x".into(),
            namespace: "n".into(),
            flow_id: "f".into(),
        };
        let line = Line {
            task_id: "t".into(),
            task_run: "r".into(),
            attempt: 0,
            least: Level::Debug,
        };
        let secrets = Arc::new(Secrets::new([("k".into(), "secret".into())]));
        let masker = Arc::new(Masker::new(secrets));
        let log = AttemptLog::new(sink.clone(), Arc::new(origin), line, masker, limits);
        (sink, log)
    }

    fn lines(sink: &LogSink) -> Vec<(Level, String)> {
        sink.waiting()
            .into_iter()
            .map(|line| (line.level, line.message))
            .collect()
    }

    #[test]
    fn lines_are_masked_filtered_and_split_and_keep_their_order() {
        let (sink, log) = log(LogConfig {
            longest_message: 4,
            ..LogConfig::default()
        });
        log.write(Level::Trace, "no".into());
        log.write(Level::Info, "ébcdef".into());
        log.write(Level::Info, String::new());
        log.write(Level::Warn, "secret".into());
        let wanted = [
            (Level::Info, "ébcd"),
            (Level::Info, "ef"),
            (Level::Info, ""),
            (Level::Warn, "****"),
            (Level::Warn, "**"),
        ];
        assert_eq!(
            lines(&sink),
            wanted.map(|(level, text)| (level, text.to_owned()))
        );
        let times: Vec<_> = sink.waiting().iter().map(|line| line.at).collect();
        assert!(times.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_storm_is_cut_and_the_cut_is_said_but_errors_have_room_left() {
        let (sink, log) = log(LogConfig {
            per_attempt: ByteSize::bytes(100),
            ..LogConfig::default()
        });
        for _ in 0..30 {
            log.write(Level::Info, "0123456789".into());
        }
        log.write(Level::Error, "why".into());
        log.write(Level::Error, "x".repeat(50));
        log.finish();
        let lines = lines(&sink);
        assert_eq!(lines.len(), 10 + 1 + 1 + 1);
        assert!(
            lines[10].1.contains("what follows is dropped"),
            "{}",
            lines[10].1
        );
        assert_eq!(lines[11], (Level::Error, "why".into()));
        assert!(
            lines[12]
                .1
                .starts_with("21 lines (250 bytes, 1 of them of level ERROR)"),
            "{}",
            lines[12].1
        );
    }

    #[test]
    fn lines_that_find_no_room_are_counted() {
        let (sink, log) = log(LogConfig {
            buffer: ByteSize::bytes(500),
            ..LogConfig::default()
        });
        for _ in 0..100 {
            log.write(Level::Info, "0123456789".into());
        }
        let before = lines(&sink).len();
        assert!(before < 10);
        log.finish();
        assert_eq!(
            lines(&sink).len(),
            before,
            "the note finds no room either, but what was lost is in the metrics"
        );
    }
}
