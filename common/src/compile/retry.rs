//! `retry` of tasks and flows.

use std::time::Duration;

use super::object::Object;
use super::report::Report;
use crate::flow::{Retry, RetryBehavior, RetryKind};
use crate::time::iso_duration;
use crate::yaml::{Diagnostic, DiagnosticKind};

const COMMON: [&str; 7] = [
    "type",
    "behavior",
    "maxAttempts",
    "maxAttempt",
    "maxDuration",
    "warningOnRetry",
    "description",
];

/// Reads the rule; none if something about it is wrong, which is said.
pub(super) fn read(object: &Object<'_>, report: &Report<'_>) -> Option<Retry> {
    let kind = object.required_text("type")?;
    let (class, own): (&str, &[&str]) = match kind {
        "constant" => ("Constant", &["interval"]),
        "exponential" => ("Exponential", &["interval", "maxInterval", "delayFactor"]),
        "random" => ("Random", &["minInterval", "maxInterval"]),
        _ => {
            let diagnostic = Diagnostic::error(
                DiagnosticKind::Structure,
                format!("Invalid type: {kind}"),
            )
            .titled(format!(
                "`{kind}` is no kind of retry, only `constant`, `exponential` and `random` are"
            ));
            report.add(diagnostic, &object.path.key("type"), object.span_of("type"));
            return None;
        }
    };
    let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
    object.refuse_unknown(
        &format!("io.kestra.core.models.tasks.retrys.{class}"),
        &known,
    );
    let attempts = if object.node("maxAttempts").is_some() {
        "maxAttempts"
    } else {
        "maxAttempt"
    };
    let max_attempts = object
        .integer_from(attempts, 1)
        .map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let max_duration = object.duration("maxDuration");
    let kind = match class {
        "Constant" => constant(object, max_duration, report),
        "Exponential" => exponential(object, max_duration, report),
        _ => random(object, max_duration, report),
    }?;
    Some(Retry {
        kind,
        max_attempts,
        max_duration,
        warning_on_retry: object.flag("warningOnRetry").unwrap_or(false),
        behavior: object
            .choice(
                "behavior",
                &[
                    ("RETRY_FAILED_TASK", RetryBehavior::RetryFailedTask),
                    ("CREATE_NEW_EXECUTION", RetryBehavior::CreateNewExecution),
                ],
            )
            .unwrap_or_default(),
    })
}

fn constant(
    object: &Object<'_>,
    max_duration: Option<Duration>,
    report: &Report<'_>,
) -> Option<RetryKind> {
    let interval = required(object, "interval")?;
    less_than(
        object,
        report,
        ("interval", interval),
        ("maxDuration", max_duration),
    );
    Some(RetryKind::Constant { interval })
}

fn exponential(
    object: &Object<'_>,
    max_duration: Option<Duration>,
    report: &Report<'_>,
) -> Option<RetryKind> {
    let interval = required(object, "interval");
    let max_interval = required(object, "maxInterval");
    let (interval, max_interval) = (interval?, max_interval?);
    let _ = less_than(
        object,
        report,
        ("interval", interval),
        ("maxDuration", max_duration),
    ) && less_than(
        object,
        report,
        ("interval", interval),
        ("maxInterval", Some(max_interval)),
    );
    let delay_factor = object.number("delayFactor").unwrap_or(2.0);
    Some(RetryKind::Exponential {
        interval,
        max_interval,
        delay_factor,
    })
}

fn random(
    object: &Object<'_>,
    max_duration: Option<Duration>,
    report: &Report<'_>,
) -> Option<RetryKind> {
    let min_interval = required(object, "minInterval");
    let max_interval = required(object, "maxInterval");
    let (min_interval, max_interval) = (min_interval?, max_interval?);
    let _ = less_than(
        object,
        report,
        ("minInterval", min_interval),
        ("maxDuration", max_duration),
    ) && less_than(
        object,
        report,
        ("maxInterval", max_interval),
        ("maxDuration", max_duration),
    ) && less_than(
        object,
        report,
        ("minInterval", min_interval),
        ("maxInterval", Some(max_interval)),
    );
    Some(RetryKind::Random {
        min_interval,
        max_interval,
    })
}

fn required(object: &Object<'_>, key: &str) -> Option<Duration> {
    object.required(key)?;
    object.duration(key)
}

/// Whether the one is less than the other, or the other is not there. Kestra names the first broken rule only.
fn less_than(
    object: &Object<'_>,
    report: &Report<'_>,
    (key, value): (&str, Duration),
    (bound_key, bound): (&str, Option<Duration>),
) -> bool {
    let Some(bound) = bound.filter(|bound| value >= *bound) else {
        return true;
    };
    let diagnostic = Diagnostic::error(
        DiagnosticKind::Rule,
        format!("'{key}' must be less than '{bound_key}'"),
    )
    .with_hint(format!(
        "{} is not less than {}",
        iso_duration(value),
        iso_duration(bound)
    ));
    report.add(diagnostic, &object.path.key(key), object.span_of(key));
    false
}
