//! Where the files of executions lie, and which of them an execution may read.

use flowmill_common::{ExecutionId, Job};
use serde_json::Value;

/// The folder of an execution in the file storage, with a `/` at its end.
pub(crate) fn execution_folder(namespace: &str, flow: &str, execution: &str) -> String {
    format!(
        "{}/{}/executions/{execution}/",
        namespace.replace('.', "/"),
        slug(flow)
    )
}

/// The folder of a task run, with a `/` at its end.
pub(crate) fn run_folder(job: &Job, task: &str, run: &str) -> String {
    let folder = execution_folder(&job.namespace, &job.flow_id, job.execution.as_str());
    format!("{folder}tasks/{}/{run}/", slug(task))
}

/// The folder of the files of a namespace, with a `/` at its end.
pub(crate) fn namespace_folder(namespace: &str) -> String {
    format!("{}/_files/", namespace.replace('.', "/"))
}

/// The archive of what a `WorkingDirectory` keeps from one execution to the next, one for each loop value.
pub(crate) fn cache(job: &Job) -> String {
    let folder = format!(
        "{}/{}/{}/cache",
        job.namespace.replace('.', "/"),
        slug(&job.flow_id),
        slug(&job.task_id)
    );
    match &job.value {
        Some(value) => format!("{folder}/{}/cache.tar", ExecutionId::derived(&[value])),
        None => format!("{folder}/cache.tar"),
    }
}

/// The URI under which flows know a path.
pub(crate) fn uri(path: &str) -> String {
    format!("kestra:///{path}")
}

/// The path in the storage of a URI that this job may read. The error is Kestra's message, where it has one.
pub(crate) fn readable(job: &Job, variables: &Value, uri: &str) -> Result<String, String> {
    if let Some(rest) = uri.strip_prefix("nsfile://") {
        let (namespace, path) = rest.split_once('/').unwrap_or((rest, ""));
        let namespace = if namespace.is_empty() {
            &*job.namespace
        } else {
            namespace
        };
        return namespace_file(namespace, path);
    }
    let Some(path) = uri.strip_prefix("kestra://") else {
        return Err(format!(
            "`{uri}` is not the URI of a stored file: it must begin with `kestra://` or `nsfile://`"
        ));
    };
    let path = path.trim_start_matches('/');
    if is_relative(path) {
        return Err(format!(
            "File should be accessed with their full path and not using relative '..' path: `{uri}`"
        ));
    }
    let own = execution_folder(&job.namespace, &job.flow_id, job.execution.as_str());
    let is_own = path.starts_with(&own);
    let is_callers = callers_folder(variables).is_some_and(|folder| path.starts_with(&folder));
    let is_namespace = path.starts_with(&namespace_folder(&job.namespace));
    if is_own || is_callers || is_namespace {
        return Ok(path.to_owned());
    }
    Err(format!(
        "Unable to read the file '{uri}' as it didn't belong to the current execution"
    ))
}

/// The path in the storage of a file of a namespace.
pub(crate) fn namespace_file(namespace: &str, path: &str) -> Result<String, String> {
    let path = path.trim_start_matches('/');
    if is_relative(path) || is_relative(namespace) || namespace.contains('/') {
        return Err(format!(
            "File should be accessed with their full path and not using relative '..' path: `{path}`"
        ));
    }
    if path.is_empty() {
        return Err(
            "a file of a namespace must have a path, as in `nsfile:///folder/file.txt`".into(),
        );
    }
    Ok(format!("{}{path}", namespace_folder(namespace)))
}

/// A name that can stand in a URI and in any storage: anything but ASCII letters, digits and `. - _ +` becomes `_`.
pub(crate) fn file_name(name: &str) -> String {
    const LONGEST: usize = 200;
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean = |letter: char| {
        if letter.is_ascii_alphanumeric() || ".-_+".contains(letter) {
            letter
        } else {
            '_'
        }
    };
    let mut name: String = base.chars().map(clean).collect();
    while name.len() > LONGEST {
        // the ending says what is in it: it is the beginning that is cut
        name.remove(0);
    }
    if name.trim_matches('.').is_empty() {
        "file".into()
    } else {
        name
    }
}

/// The folder of the execution that triggered this one, where the job's variables tell.
fn callers_folder(variables: &Value) -> Option<String> {
    let trigger = variables.get("trigger")?;
    let text = |name: &str| trigger.get(name).and_then(Value::as_str);
    Some(execution_folder(
        text("namespace")?,
        text("flowId")?,
        text("executionId")?,
    ))
}

fn is_relative(path: &str) -> bool {
    path.split('/').any(|part| part == ".." || part == ".")
}

fn slug(id: &str) -> String {
    id.chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::job;

    #[test]
    fn an_execution_reads_its_own_files_those_of_its_caller_and_of_its_namespace() {
        let job = job(json!({}));
        let none = json!({});
        let own = "kestra:///company/team/my-flow/executions/x1/tasks/a/r/f.csv";
        assert_eq!(
            readable(&job, &none, own).unwrap(),
            &own["kestra:///".len()..]
        );
        assert_eq!(
            readable(&job, &none, "nsfile:///a/b.txt").unwrap(),
            "company/team/_files/a/b.txt"
        );
        assert_eq!(
            readable(&job, &none, "nsfile://other/b.txt").unwrap(),
            "other/_files/b.txt"
        );
        let callers = "kestra:///up/caller/executions/x0/inputs/f";
        assert!(
            readable(&job, &none, callers)
                .unwrap_err()
                .contains("didn't belong")
        );
        let trigger =
            json!({"trigger": {"namespace": "up", "flowId": "caller", "executionId": "x0"}});
        assert!(readable(&job, &trigger, callers).is_ok());
    }

    #[test]
    fn other_files_and_ways_around_are_refused() {
        let job = job(json!({}));
        for uri in [
            "kestra:///company/team/my-flow/executions/x2/f",
            "kestra:///company/team/my-flow/executions/x1/../x2/f",
            "nsfile:///../../x",
            "nsfile://a/../b/c",
            "nsfile:///",
            "file:///etc/passwd",
            "/etc/passwd",
        ] {
            assert!(readable(&job, &json!({}), uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn a_file_name_is_one_that_every_storage_takes() {
        assert_eq!(file_name("a b/c d?.csv"), "c_d_.csv");
        assert_eq!(file_name(".."), "file");
        assert!(file_name(&format!("{}.csv", "ä".repeat(300))).ends_with("_.csv"));
    }
}
