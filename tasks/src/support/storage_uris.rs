//! `kestra://…` URIs inside the text of commands: the files are fetched, and the text names the local copies.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{input_files, paths};
use crate::context::RunContext;
use crate::task::TaskError;

/// The replacements of one task, so that a URI that stands in several commands is fetched once.
#[derive(Debug, Default)]
pub struct StorageUris {
    copies: HashMap<String, String>,
}

impl StorageUris {
    /// The text with every URI replaced by the absolute path of a copy in the working directory.
    pub async fn replace(&mut self, context: &RunContext, text: &str) -> Result<String, TaskError> {
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for uri in find(text) {
            replaced.push_str(&text[end..uri.start]);
            end = uri.end;
            replaced.push_str(&self.copy(context, &text[uri]).await?);
        }
        replaced.push_str(&text[end..]);
        Ok(replaced)
    }

    async fn copy(&mut self, context: &RunContext, uri: &str) -> Result<String, TaskError> {
        if let Some(path) = self.copies.get(uri) {
            return Ok(path.clone());
        }
        let file = paths::unused_name(&context.working_directory, paths::ending(uri));
        input_files::copy(context, uri, &file).await?;
        let path = file.to_string_lossy().into_owned();
        self.copies.insert(uri.to_owned(), path.clone());
        Ok(path)
    }
}

/// Where URIs stand. Punctuation at the end belongs to the command (`cat kestra:///a.csv; ls`).
fn find(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    static URI: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"kestra://[-a-zA-Z0-9._+~#=/,:;]*[-a-zA-Z0-9_+~#=/]").expect("it is a pattern")
    });
    URI.find_iter(text).map(|found| found.range())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_found_without_the_punctuation_after_them() {
        let text = "cat kestra:///a/b-1.csv; echo 'kestra:///c d' \"kestra:///e=1/f,g.txt\", kestra:///end.";
        let found: Vec<_> = find(text).map(|range| &text[range]).collect();
        assert_eq!(
            found,
            [
                "kestra:///a/b-1.csv",
                "kestra:///c",
                "kestra:///e=1/f,g.txt",
                "kestra:///end"
            ]
        );
    }
}
