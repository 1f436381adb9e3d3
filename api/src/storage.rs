//! Where the files of executions lie, and whose a path is.

use flowmill_common::execution::Header;

use crate::error::{ApiError, Result};

/// The folder of an execution in the file storage, with a `/` at its end.
pub(crate) fn execution_folder(header: &Header) -> String {
    folder_of(&header.namespace, &header.flow_id, header.id.as_str())
}

/// The same before there is a header.
pub(crate) fn folder_of(namespace: &str, flow: &str, execution: &str) -> String {
    let slug: String = flow
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    format!(
        "{}/{slug}/executions/{execution}/",
        namespace.replace('.', "/")
    )
}

/// The URI under which flows know a path.
pub(crate) fn uri(path: &str) -> String {
    format!("kestra:///{path}")
}

/// The path in the storage that a URI (`kestra:///…`) names. 422 when it is another URI or has relative parts.
pub(crate) fn path_of(uri: &str) -> Result<&str> {
    let Some(path) = uri
        .strip_prefix("kestra://")
        .map(|rest| rest.trim_start_matches('/'))
    else {
        return Err(ApiError::illegal_argument(format!(
            "Invalid prefix path: `{uri}` does not begin with `kestra:///`"
        )));
    };
    if is_relative(path) {
        let message =
            "File should be accessed with their full path and not using relative '..' path.";
        return Err(ApiError::illegal_argument(message));
    }
    Ok(path)
}

/// Whether a path has parts that lead elsewhere.
pub(crate) fn is_relative(path: &str) -> bool {
    path.split('/').any(|part| part == ".." || part == ".")
}

/// The execution that a path belongs to.
pub(crate) fn execution_of(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    let place = parts
        .iter()
        .position(|part| *part == "executions")
        .filter(|place| *place >= 2)?;
    parts
        .get(place + 1)
        .copied()
        .filter(|id| !id.is_empty() && parts.len() > place + 2)
}

/// The name of an uploaded file as it can stand in a URI and in any storage: anything but ASCII letters, digits and `. - _ +`
/// becomes `_`, and of a long name the end is kept, which says what is in it.
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
    let name: String = base.chars().map(clean).collect();
    let name = &name[name.len().saturating_sub(LONGEST)..];
    if name.trim_matches('.').is_empty() {
        "file".into()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_execution_of_a_path_is_found() {
        assert_eq!(
            folder_of("a.b", "My_Flow", "x1"),
            "a/b/my-flow/executions/x1/"
        );
        assert_eq!(
            execution_of("a/b/my-flow/executions/x1/tasks/t/r/f.csv"),
            Some("x1")
        );
        assert_eq!(execution_of("a/b/my-flow/executions/x1"), None);
        assert_eq!(execution_of("executions/x1/f"), None);
        assert_eq!(path_of("kestra:///a/b").unwrap(), "a/b");
        for wrong in [
            "kestra:///a/../b",
            "file:///etc/passwd",
            "/a/b",
            "kestra:///a/./b",
        ] {
            assert_eq!(
                path_of(wrong).unwrap_err().status().as_u16(),
                422,
                "{wrong}"
            );
        }
    }

    #[test]
    fn names_of_uploads_cannot_leave_their_folder() {
        for (sent, kept) in [
            ("data.csv", "data.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.txt", "y.txt"),
            ("ä b.csv", "__b.csv"),
            ("..", "file"),
            ("", "file"),
        ] {
            assert_eq!(file_name(sent), kept);
        }
        assert!(file_name(&format!("{}.csv", "x".repeat(500))).ends_with("x.csv"));
    }
}
