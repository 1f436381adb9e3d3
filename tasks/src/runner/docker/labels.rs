//! The labels by which a container is known again.

use std::collections::HashMap;

use flowmill_common::job::Job;

/// Kestra's labels: tools that watch containers know them.
pub(super) fn of(job: &Job) -> HashMap<String, String> {
    let labels = [
        ("namespace", job.namespace.to_string()),
        ("flow-id", job.flow_id.to_string()),
        ("task-id", job.task_id.to_string()),
        ("execution-id", job.execution.to_string()),
        ("taskrun-id", job.run.to_string()),
        ("taskrun-attempt", job.attempt.to_string()),
    ];
    labels
        .into_iter()
        .map(|(name, value)| (format!("kestra.io/{name}"), shortened(&value)))
        .collect()
}

/// What a container of the same attempt has.
pub(super) fn of_attempt(job: &Job) -> Vec<String> {
    let all = of(job);
    let names = [
        "kestra.io/execution-id",
        "kestra.io/taskrun-id",
        "kestra.io/taskrun-attempt",
    ];
    names
        .iter()
        .filter_map(|name| Some(format!("{name}={}", all.get(*name)?)))
        .collect()
}

/// Labels are at most 63 characters that end with a letter or a digit.
fn shortened(value: &str) -> String {
    let short: String = value.chars().take(63).collect();
    short.trim_end_matches(['-', '.', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short_and_ends_well() {
        assert_eq!(shortened("a-b_"), "a-b");
        assert_eq!(
            shortened(&format!("{}-{}", "a".repeat(62), "b")),
            "a".repeat(62)
        );
    }
}
