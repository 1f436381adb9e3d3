//! What is shown while an execution runs: live on a terminal, plain lines elsewhere, or nothing.

mod lines;
mod terminal;

use std::io::{self, Write};

use flowmill_common::Execution;
use flowmill_common::log::LogLine;

use self::lines::Lines;
use self::terminal::Terminal;
use crate::console::Style;

/// What is shown while an execution runs.
pub(crate) enum View {
    /// Live, on a terminal.
    Terminal(Box<Terminal>),
    /// A line for each thing that happens.
    Lines(Box<Lines>),
    /// Nothing: only the end matters.
    Silent,
}

impl View {
    /// Live, on a terminal.
    pub(crate) fn terminal() -> Self {
        Self::Terminal(Box::new(Terminal::new(Style::for_stdout())))
    }

    /// A line for each thing that happens.
    pub(crate) fn lines() -> Self {
        Self::Lines(Box::new(Lines::new()))
    }

    /// Shows what has changed since the last time.
    pub(crate) fn show(&mut self, execution: &Execution) {
        match self {
            Self::Terminal(terminal) => terminal.show(execution),
            Self::Lines(lines) => lines.show(execution),
            Self::Silent => {}
        }
    }

    /// Shows lines of the execution's log.
    pub(crate) fn log<'a>(&mut self, log: impl Iterator<Item = &'a LogLine>) {
        match self {
            Self::Terminal(terminal) => log.for_each(|line| terminal.log(line)),
            Self::Lines(lines) => log.for_each(|line| lines.log(line)),
            Self::Silent => {}
        }
    }

    /// Says something about the run itself.
    pub(crate) fn note(&mut self, text: &str) {
        match self {
            Self::Terminal(terminal) => terminal.note(text),
            Self::Lines(_) | Self::Silent => crate::console::note(text),
        }
    }

    /// Whether something moves, so that [`tick`](Self::tick) is worth calling.
    pub(crate) fn moves(&self) -> bool {
        match self {
            Self::Terminal(terminal) => terminal.moves(),
            Self::Lines(_) | Self::Silent => false,
        }
    }

    /// Moves what moves.
    pub(crate) fn tick(&mut self) {
        if let Self::Terminal(terminal) = self {
            terminal.tick();
        }
    }

    /// Takes away what was only live.
    pub(crate) fn end(&mut self) {
        if let Self::Terminal(terminal) = self {
            terminal.end();
        }
    }

    /// Where the process's own log goes while this is shown.
    pub(crate) fn log_writer(&self) -> LineWriter {
        match self {
            Self::Terminal(terminal) => LineWriter(Some(terminal.bars())),
            Self::Lines(_) | Self::Silent => LineWriter(None),
        }
    }
}

/// Writes to standard error without breaking what is live.
#[derive(Clone)]
pub(crate) struct LineWriter(Option<indicatif::MultiProgress>);

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Some(bars) => bars.suspend(|| io::stderr().write(bytes)),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
