//! Diagnostics as text: the sentence, the line itself, and a caret under the place.

use std::fmt::Write;

use super::diagnostic::Diagnostic;

/// No more characters of a line are shown.
const WIDTH: usize = 120;

/// One diagnostic of the document `source`, several lines, without a line break at the end:
///
/// ```text
/// flow.yaml:12:5: error: unknown property `messge` of io.kestra.plugin.core.log.Log (did you mean `message`?)
///    |
/// 12 |     messge: hi
///    |     ^^^^^^
/// ```
pub fn render(diagnostic: &Diagnostic, file: Option<&str>, source: &str) -> String {
    let mut text = String::new();
    if let Some(file) = file {
        text.push_str(file);
        text.push(':');
    }
    text.push_str(&diagnostic.to_string());
    let last = diagnostic
        .related
        .iter()
        .map(|related| related.line)
        .fold(diagnostic.line, usize::max);
    let margin = last.to_string().len();
    excerpt(
        &mut text,
        margin,
        source,
        (diagnostic.line, diagnostic.column, diagnostic.length),
        '^',
        "",
    );
    for related in &diagnostic.related {
        let place = (related.line, related.column, related.length);
        excerpt(&mut text, margin, source, place, '-', &related.message);
    }
    text
}

/// All diagnostics of a document, an empty line between them.
pub fn render_all(diagnostics: &[Diagnostic], file: Option<&str>, source: &str) -> String {
    let texts: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| render(diagnostic, file, source))
        .collect();
    texts.join("\n\n")
}

fn excerpt(
    text: &mut String,
    margin: usize,
    source: &str,
    place: (usize, usize, usize),
    mark: char,
    note: &str,
) {
    let (line_number, column, length) = place;
    let Some(line) = source.lines().nth(line_number - 1) else {
        return;
    };
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let characters: Vec<char> = line
        .chars()
        .map(|unit| if unit.is_control() { ' ' } else { unit })
        .collect();
    let start = (column - 1).min(characters.len());
    let first = if start + length.min(WIDTH / 2) <= WIDTH {
        0
    } else {
        start - WIDTH / 3
    };
    let shown = &characters[first..characters.len().min(first + WIDTH)];
    let marked_until = (start - first + length)
        .min(shown.len())
        .max(start - first + 1);
    let columns = |units: &[char]| units.iter().map(|unit| columns_of(*unit)).sum::<usize>();
    let indent = columns(&shown[..start - first]);
    let width =
        columns(&shown[(start - first).min(shown.len())..marked_until.min(shown.len())]).max(1);
    let cut_before = if first > 0 { "…" } else { "" };
    let cut_after = if first + WIDTH < characters.len() {
        "…"
    } else {
        ""
    };
    let visible: String = shown.iter().collect();
    let empty = " ".repeat(margin);
    let indent = " ".repeat(indent + cut_before.chars().count());
    let marks: String = std::iter::repeat_n(mark, width).collect();
    // writing to a string does not fail
    let _ = write!(
        text,
        "\n{empty} |\n{line_number:>margin$} | {cut_before}{}{cut_after}",
        visible.trim_end()
    );
    let _ = write!(text, "\n{empty} | {indent}{marks}");
    if !note.is_empty() {
        let _ = write!(text, " {note}");
    }
}

/// How many columns of a terminal a character takes: two for East Asian wide ones and pictures, none for combining marks.
fn columns_of(unit: char) -> usize {
    match unit as u32 {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::diagnostic::Kind;
    use crate::yaml::node::Span;

    #[test]
    fn the_caret_stands_under_the_place_whatever_stands_before_it() {
        let source = "é\t日本: x\n";
        let span = Span {
            line: 1,
            column: 7,
            start: 11,
            end: 12,
        };
        let text = render(
            &Diagnostic::error(Kind::Rule, "bad").at(span, source),
            Some("f.yaml"),
            source,
        );
        assert_eq!(
            text,
            "f.yaml:1:7: error: bad\n  |\n1 | é 日本: x\n  |         ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let source = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let mut diagnostic = Diagnostic::error(Kind::Rule, "bad");
        diagnostic.column = 501;
        let text = render(&diagnostic, None, &source);
        let lines: Vec<&str> = text.lines().collect();
        let caret = lines[3].chars().position(|unit| unit == '^').unwrap();
        assert_eq!(lines[2].chars().nth(caret), Some('X'));
        assert!(lines[2].chars().count() < 140);
    }

    #[test]
    fn a_place_beyond_the_text_does_no_harm() {
        let mut diagnostic = Diagnostic::error(Kind::Rule, "bad");
        (diagnostic.line, diagnostic.column) = (9, 9);
        assert_eq!(render(&diagnostic, None, "x"), "9:9: error: bad");
        diagnostic.line = 1;
        assert!(render(&diagnostic, None, "x").ends_with("| x\n  |  ^"));
    }
}
