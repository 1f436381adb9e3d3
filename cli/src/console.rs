//! What people read: standard output and standard error.

use std::io::{self, IsTerminal, Write};

/// Writes a line to standard output. A reader that went away (`flowmill … | head`) is no error.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = out
        .write_all(text.as_ref().as_bytes())
        .and_then(|()| out.write_all(b"\n"));
}

/// Writes text to standard output as it is.
pub(crate) fn text(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(crate) fn note(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Shows an error and what caused it.
pub(crate) fn error(error: &anyhow::Error) {
    let label = Style::for_stderr().paint(Color::Red, "error:");
    note(format!("{label} {error:#}"));
}

/// Whether and how to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colored: bool,
}

/// The colours in use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Color {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Style {
    /// No colours at all.
    pub(crate) fn plain() -> Self {
        Self { colored: false }
    }

    /// Colours if standard output is a terminal that wants them.
    pub(crate) fn for_stdout() -> Self {
        Self {
            colored: io::stdout().is_terminal() && wanted(),
        }
    }

    /// Colours if standard error is a terminal that wants them.
    pub(crate) fn for_stderr() -> Self {
        Self {
            colored: io::stderr().is_terminal() && wanted(),
        }
    }

    /// Whether it colours.
    pub(crate) fn is_colored(self) -> bool {
        self.colored
    }

    /// The text in a colour, or as it is.
    pub(crate) fn paint(self, color: Color, text: &str) -> String {
        if !self.colored || text.is_empty() {
            return text.to_owned();
        }
        let code = match color {
            Color::Bold => "1",
            Color::Dim => "2",
            Color::Red => "31",
            Color::Green => "32",
            Color::Yellow => "33",
            Color::Blue => "34",
            Color::Magenta => "35",
            Color::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// <https://no-color.org>
fn wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
