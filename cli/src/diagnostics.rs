//! Findings about a flow's text, as people read them.

use std::path::Path;

use crate::console::{Color, Style};
use crate::exit::WrongInput;

/// The text of a flow file. What is no UTF-8 is refused with the place.
pub(crate) fn read_source(file: &Path) -> Result<String, WrongInput> {
    let shown = file.display();
    let bytes = std::fs::read(file)
        .map_err(|error| WrongInput::new(format!("`{shown}` cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        WrongInput::new(format!(
            "`{shown}` is not UTF-8 text: line {line} holds the byte 0x{:02x}",
            error.as_bytes()[at]
        ))
    })
}

/// A rendered finding in colours: how bad it is, and the marks under the place.
pub(crate) fn painted(rendered: &str, style: Style) -> String {
    if !style.is_colored() {
        return rendered.to_owned();
    }
    let mut lines = rendered.lines();
    let mut out = lines
        .next()
        .map(|first| heading(first, style))
        .unwrap_or_default();
    for line in lines {
        out.push('\n');
        match line.split_once('|') {
            Some((margin, marks))
                if margin.trim().is_empty() && marks.trim_start().starts_with(['^', '-']) =>
            {
                out.push_str(&style.paint(Color::Blue, &format!("{margin}|")));
                out.push_str(&style.paint(Color::Red, marks));
            }
            Some((margin, text)) => {
                out.push_str(&style.paint(Color::Blue, &format!("{margin}|")));
                out.push_str(text);
            }
            None => out.push_str(line),
        }
    }
    out
}

fn heading(line: &str, style: Style) -> String {
    for (word, color) in [
        ("error", Color::Red),
        ("warning", Color::Yellow),
        ("info", Color::Cyan),
    ] {
        let label = format!(": {word}: ");
        if let Some((place, message)) = line.split_once(&label) {
            return format!(
                "{place}: {} {message}",
                style.paint(color, &format!("{word}:"))
            );
        }
    }
    line.to_owned()
}
