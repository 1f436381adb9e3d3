//! What a script says with its output: lines for the log, and `::{…}::` lines with outputs, metrics and log entries.

use flowmill_common::log::{Level, Metric, MetricKind};
use flowmill_common::time::parse_duration;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::Config;
use crate::context::RunContext;
use crate::runner::{Line, LineSink, Stream};
use crate::task::TaskError;

/// Takes the lines of one attempt.
pub(super) struct Protocol<'a> {
    context: &'a RunContext,
    limits: &'a Config,
    variables: Map<String, Value>,
    variable_bytes: usize,
    logged_bytes: u64,
    /// Lines and bytes that were not logged because the log is full.
    unheard: (u64, u64),
    /// How many lines of standard output and of standard error were logged or were to be.
    lines: (u64, u64),
    /// Why the attempt cannot succeed, whatever the exit code.
    refused: Option<String>,
}

/// What a control line may hold. Other members are left alone.
#[derive(Deserialize)]
struct Control {
    outputs: Option<Map<String, Value>>,
    metrics: Option<Vec<WrittenMetric>>,
    logs: Option<Vec<WrittenLog>>,
}

#[derive(Deserialize)]
struct WrittenMetric {
    name: String,
    #[serde(rename = "type")]
    kind: MetricKind,
    value: Value,
    tags: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct WrittenLog {
    level: Option<String>,
    message: Option<Value>,
}

impl<'a> Protocol<'a> {
    pub(super) fn new(context: &'a RunContext) -> Self {
        Self {
            context,
            limits: &context.config.scripts,
            variables: Map::new(),
            variable_bytes: 0,
            logged_bytes: 0,
            unheard: (0, 0),
            lines: (0, 0),
            refused: None,
        }
    }

    /// How many lines of standard output and of standard error there were, control lines left out.
    pub(super) fn line_counts(&self) -> (u64, u64) {
        self.lines
    }

    /// The variables that were put out, and whether they are all of them.
    pub(super) fn finish(self) -> (Map<String, Value>, Result<(), TaskError>) {
        if let (lines @ 1.., bytes) = self.unheard {
            let message =
                format!("{lines} more lines of output ({bytes} bytes) were not kept in the log");
            self.context.log(Level::Warn, message);
        }
        (
            self.variables,
            self.refused
                .map_or(Ok(()), |why| Err(TaskError::failed(why))),
        )
    }

    fn control(&mut self, json: &str) {
        let control: Control = match serde_json::from_str(json) {
            Ok(control) => control,
            Err(error) => {
                let shown: String = json.chars().take(200).collect();
                return self
                    .context
                    .log(Level::Warn, format!("Invalid outputs '{shown}': {error}"));
            }
        };
        if let Some(outputs) = control.outputs {
            self.variable_bytes += json.len();
            if self.variable_bytes > self.limits.maximum_variable_bytes {
                let limit = self.limits.maximum_variable_bytes;
                self.refuse(format!("the script puts out more than {limit} bytes of variables (`tasks.scripts.maximumVariableBytes`): use `outputFiles`"));
            } else {
                self.variables.extend(outputs);
            }
        }
        for written in control.metrics.into_iter().flatten() {
            match metric(written) {
                Ok(metric) => self.context.outside.metric(metric),
                Err(why) => self
                    .context
                    .log(Level::Warn, format!("Invalid metric: {why}")),
            }
        }
        for written in control.logs.into_iter().flatten() {
            let level = written.level.as_deref().map(level).unwrap_or_default();
            let message = match written.message {
                Some(Value::String(message)) => message,
                Some(other) => other.to_string(),
                None => continue,
            };
            self.say(level, &message);
        }
    }

    fn say(&mut self, level: Level, text: &str) {
        let length = text.len() as u64;
        if self.logged_bytes.saturating_add(length) <= self.limits.maximum_logged_bytes {
            self.logged_bytes += length + 1;
            return self.context.log(level, text);
        }
        if self.unheard.0 == 0 {
            let limit = self.limits.maximum_logged_bytes;
            let message = format!(
                "the output is longer than {limit} bytes (`tasks.scripts.maximumLoggedBytes`): the rest is not logged"
            );
            self.context.log(Level::Warn, message);
            // Short lines after a long one must not begin the log again.
            self.logged_bytes = u64::MAX;
        }
        self.unheard.0 += 1;
        self.unheard.1 += length;
    }

    fn refuse(&mut self, why: String) {
        self.refused.get_or_insert(why);
    }
}

impl LineSink for Protocol<'_> {
    fn line(&mut self, line: Line<'_>) {
        if line.cut > 0 && line.text.starts_with("::{") {
            let limit = self.limits.maximum_line_bytes;
            let message = format!(
                "a `::{{…}}::` line is longer than {limit} bytes (`tasks.scripts.maximumLineBytes`): use `outputFiles`"
            );
            return self.refuse(message);
        }
        if let Some(json) = control_json(&line.text) {
            return self.control(json);
        }
        let level = match line.stream {
            Stream::Out => {
                self.lines.0 += 1;
                Level::Info
            }
            Stream::Err => {
                self.lines.1 += 1;
                Level::Error
            }
        };
        match line.cut {
            0 => self.say(level, &line.text),
            cut => self.say(level, &format!("{}… ({cut} more bytes)", line.text)),
        }
    }
}

/// The JSON of a control line: `^::(\{.*})::$`.
fn control_json(line: &str) -> Option<&str> {
    let json = line.strip_prefix("::")?.strip_suffix("::")?;
    (json.starts_with('{') && json.ends_with('}')).then_some(json)
}

/// Names of Python's and JavaScript's loggers are understood, too.
fn level(name: &str) -> Level {
    match name.to_ascii_uppercase().as_str() {
        "WARNING" => Level::Warn,
        "CRITICAL" | "FATAL" | "SEVERE" => Level::Error,
        name => Level::from_name(name).unwrap_or_default(),
    }
}

fn metric(written: WrittenMetric) -> Result<Metric, String> {
    let WrittenMetric {
        name,
        kind,
        value,
        tags,
    } = written;
    let number = match (&value, kind) {
        (Value::Number(number), _) => number.as_f64(),
        (Value::String(text), MetricKind::Timer) => parse_duration(text)
            .ok()
            .map(|duration| duration.as_secs_f64()),
        (Value::String(text), _) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return Err(format!("the value of `{name}` is not a number: `{value}`"));
    };
    let value = match kind {
        MetricKind::Timer => number * 1000.0,
        MetricKind::Counter | MetricKind::Gauge => number,
    };
    Ok(Metric {
        name,
        kind,
        value,
        tags: tags.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_whole_line_is_a_control_line() {
        assert_eq!(control_json(r#"::{"a":1}::"#), Some(r#"{"a":1}"#));
        for line in [
            r#" ::{"a":1}::"#,
            r#"::{"a":1}:: "#,
            "::x::",
            "::{::",
            ":::",
            r#"x ::{"a":1}::"#,
        ] {
            assert_eq!(control_json(line), None, "{line}");
        }
    }

    #[test]
    fn timers_come_in_seconds_or_as_durations_and_leave_in_milliseconds() {
        let timer = |value: Value| {
            metric(
                serde_json::from_value(json!({"name": "t", "type": "timer", "value": value}))
                    .unwrap(),
            )
        };
        assert_eq!(timer(json!(2.5)).unwrap().value, 2500.0);
        assert_eq!(timer(json!("PT1.5S")).unwrap().value, 1500.0);
        assert!(timer(json!("soon")).unwrap_err().contains("`t`"));
    }

    #[test]
    fn levels_of_other_loggers_are_understood() {
        assert_eq!(
            ["warning", "CRITICAL", "info", "?"].map(level),
            [Level::Warn, Level::Error, Level::Info, Level::Info]
        );
    }
}
