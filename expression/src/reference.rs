//! The reference page of the language, from the engine's own tables.

use std::fmt::Write;

use crate::table::Doc;
use crate::{filters, functions, tests};

/// The page as Markdown: every filter, function and test with its signature, what it does, an example and what that gives.
pub fn reference_markdown() -> String {
    let mut page = String::from("# Expressions\n\nGenerated from the engine's tables.\n");
    for (group, entries) in &filters::GROUPS {
        section(
            &mut page,
            &format!("Filters: {group}"),
            entries.iter().map(|entry| &entry.doc),
        );
    }
    for (group, entries) in &functions::GROUPS {
        section(
            &mut page,
            &format!("Functions: {group}"),
            entries.iter().map(|entry| &entry.doc),
        );
    }
    section(
        &mut page,
        "Tests",
        tests::TESTS.iter().map(|entry| &entry.doc),
    );
    page
}

fn section<'d>(page: &mut String, title: &str, docs: impl Iterator<Item = &'d Doc>) {
    let _ = write!(page, "\n## {title}\n");
    for Doc {
        signature,
        text,
        example,
        result,
    } in docs
    {
        let _ = write!(page, "\n### `{signature}`\n\n{text}\n");
        if !example.is_empty() {
            let _ = write!(page, "\n```\n{example}\n```\n");
        }
        if !result.is_empty() {
            let _ = write!(page, "\ngives `{}`\n", result.replace('\n', "⏎"));
        }
    }
}
