use crate::error::{Error, Kind, Result};

/// Longest path in bytes (S3's limit for keys).
const PATH_LIMIT: usize = 1024;
/// Longest name between two slashes in bytes (what file systems take).
const NAME_LIMIT: usize = 255;

/// Whether a path can name a file. `Invalid` when it is absolute, has empty, `.` or `..` names or control characters,
/// or is too long.
pub fn check_path(path: &str) -> Result<()> {
    let wrong = if path.is_empty() {
        "is empty"
    } else if path.starts_with('/') {
        "is absolute"
    } else if path.len() > PATH_LIMIT {
        "is longer than 1024 bytes"
    } else if path.contains(|c: char| c.is_ascii_control()) {
        "has a control character"
    } else if path.split('/').any(str::is_empty) {
        "has an empty name"
    } else if path.split('/').any(|name| name == "." || name == "..") {
        "has a relative name"
    } else if path.split('/').any(|name| name.len() > NAME_LIMIT) {
        "has a name of more than 255 bytes"
    } else {
        return Ok(());
    };
    Err(Error::new(
        Kind::Invalid,
        format!("the file path `{}` {wrong}", path.escape_debug()),
    ))
}

/// The same for a prefix of paths; it may be empty and may end within a name.
pub fn check_prefix(prefix: &str) -> Result<()> {
    match prefix.strip_suffix('/') {
        None if prefix.is_empty() => Ok(()),
        None => check_path(prefix),
        Some(directory) => check_path(directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_leave_their_place_are_refused() {
        for path in [
            "",
            "/a",
            "a//b",
            "a/",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a\0b",
            "a\nb",
            &"x".repeat(256),
        ] {
            assert_eq!(
                check_path(path).unwrap_err().kind(),
                Kind::Invalid,
                "{path:?}"
            );
        }
        for path in ["a", "a/b.c", "..a/b..", "ä/日本", ".hidden", "a b/c+d%"] {
            check_path(path).unwrap();
        }
    }

    #[test]
    fn a_prefix_may_be_empty_or_end_anywhere() {
        for prefix in ["", "a", "a/", "a/b"] {
            check_prefix(prefix).unwrap();
        }
        for prefix in ["/", "a//", "../", "a/.."] {
            assert!(check_prefix(prefix).is_err(), "{prefix:?}");
        }
    }
}
