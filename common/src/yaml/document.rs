//! Several documents in one text.

/// One of the documents of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its text, without the line that separates it from others.
    pub source: &'a str,
    /// How many lines of the whole text stand before it: what is to be added to the lines of its diagnostics.
    pub lines_before: usize,
}

/// The documents of a text that is separated by lines of `---` (or ended by `...`). Documents without content are left out; a text
/// with no content at all is one document, so that its reader can say that it is empty.
pub fn split_documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut current = Document {
        source: "",
        lines_before: 0,
    };
    let mut start = 0;
    let mut offset = 0;
    for (line_number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(marker) = separator(line) {
            current.source = &text[start..offset];
            documents.push(current);
            // what stands on the line of the marker belongs to the next document, which then keeps the marker
            let next_line = matches!(marker, Separator::Bare);
            start = if next_line {
                offset + line.len()
            } else {
                offset
            };
            current = Document {
                source: "",
                lines_before: line_number + usize::from(next_line),
            };
        }
        offset += line.len();
    }
    current.source = &text[start..];
    documents.push(current);
    documents.retain(|document| has_content(document.source));
    if documents.is_empty() {
        documents.push(Document {
            source: text,
            lines_before: 0,
        });
    }
    documents
}

enum Separator {
    /// Nothing but the marker.
    Bare,
    /// `--- value`.
    WithContent,
}

fn separator(line: &str) -> Option<Separator> {
    let rest = line
        .strip_prefix("---")
        .or_else(|| line.strip_prefix("..."))?;
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let content = rest.trim();
    if content.is_empty() || content.starts_with('#') {
        Some(Separator::Bare)
    } else {
        Some(Separator::WithContent)
    }
}

fn has_content(source: &str) -> bool {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    source
        .lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_at_lines_of_three_dashes() {
        let text = "---\nid: a\n---\n# nothing\n--- # note\nid: b\ntext: |\n  ---\n...\n";
        let found = split_documents(text);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            Document {
                source: "id: a\n",
                lines_before: 1
            }
        );
        assert_eq!(
            found[1],
            Document {
                source: "id: b\ntext: |\n  ---\n",
                lines_before: 5
            }
        );
    }

    #[test]
    fn a_document_on_the_line_of_its_marker_keeps_the_marker() {
        let found = split_documents("a: 1\n--- {b: 2}\n");
        assert_eq!(
            found[1],
            Document {
                source: "--- {b: 2}\n",
                lines_before: 1
            }
        );
    }

    #[test]
    fn an_empty_text_is_one_document() {
        assert_eq!(split_documents("# only a comment\n").len(), 1);
        assert_eq!(split_documents("").len(), 1);
    }
}
