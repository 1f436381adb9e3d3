//! Live on a terminal: a line with a spinner for each task that runs; what has ended and what is logged scrolls away above.

use std::collections::HashMap;

use flowmill_common::log::{Level, LogLine};
use flowmill_common::{Execution, StateType, TaskRun, TaskRunId, Timestamp};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::{Color, Style};
use crate::run::label;

/// So many running tasks have a line of their own.
const MOST_BARS: usize = 12;

/// What is on the terminal.
pub(crate) struct Terminal {
    style: Style,
    bars: MultiProgress,
    running: HashMap<TaskRunId, Running>,
    /// Says how many tasks run that have no line.
    rest: Option<ProgressBar>,
    ended: HashMap<TaskRunId, StateType>,
    labels: HashMap<TaskRunId, String>,
}

/// A task at work.
struct Running {
    label: String,
    state: StateType,
    since: Timestamp,
    attempt: usize,
    bar: Option<ProgressBar>,
}

impl Terminal {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()),
            running: HashMap::new(),
            rest: None,
            ended: HashMap::new(),
            labels: HashMap::new(),
        }
    }

    pub(super) fn bars(&self) -> MultiProgress {
        self.bars.clone()
    }

    pub(super) fn moves(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn show(&mut self, execution: &Execution) {
        for run in execution.runs.iter() {
            let state = run.state.current();
            self.labels
                .entry(run.id.clone())
                .or_insert_with(|| label::of_run(execution, run));
            if state.is_terminal() {
                self.ended(run);
            } else if state != StateType::Created && is_at_work(execution, run) {
                self.at_work(run);
            }
        }
        self.tick();
    }

    pub(super) fn log(&mut self, line: &LogLine) {
        let known = line
            .task_run
            .as_ref()
            .and_then(|run| self.labels.get(run).map(String::as_str));
        let label = known.or(line.task_id.as_deref()).unwrap_or("·");
        let color = match line.level {
            Level::Trace | Level::Debug => Color::Dim,
            Level::Info => Color::Blue,
            Level::Warn => Color::Yellow,
            Level::Error => Color::Red,
        };
        let level = self.style.paint(color, line.level.name());
        let head = format!("  {} {level}", self.style.paint(Color::Magenta, label));
        for text in line.message.lines() {
            self.print(&format!("{head} {}", printable(text)));
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        self.print(&self.style.paint(Color::Yellow, text));
    }

    pub(super) fn tick(&mut self) {
        let now = jiff::Timestamp::now().into();
        let (mut shown, mut hidden) = (0, 0);
        for running in self.running.values_mut() {
            match &running.bar {
                Some(bar) => {
                    shown += 1;
                    bar.set_message(message(running, now, self.style));
                    bar.tick();
                }
                None => hidden += 1,
            }
        }
        if shown < MOST_BARS && hidden > 0 {
            hidden -= self.give_bars(MOST_BARS - shown, now);
        }
        self.show_rest(hidden);
    }

    pub(super) fn end(&mut self) {
        for (_, running) in self.running.drain() {
            if let Some(bar) = running.bar {
                bar.finish_and_clear();
            }
        }
        self.show_rest(0);
    }

    fn at_work(&mut self, run: &TaskRun) {
        let since = run
            .attempts
            .last()
            .map_or_else(|| run.state.start(), |attempt| attempt.state.start());
        let label = self.labels.get(&run.id).cloned().unwrap_or_default();
        let running = self
            .running
            .entry(run.id.clone())
            .or_insert_with(|| Running {
                label,
                state: StateType::Created,
                since,
                attempt: 1,
                bar: None,
            });
        running.state = run.state.current();
        running.since = since;
        running.attempt = run.attempts.len().max(1);
    }

    fn ended(&mut self, run: &TaskRun) {
        let state = run.state.current();
        if let Some(bar) = self.running.remove(&run.id).and_then(|running| running.bar) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        if self.ended.insert(run.id.clone(), state) == Some(state) {
            return;
        }
        let (mark, color) = match state {
            StateType::Success => ("✔", Color::Green),
            StateType::Warning => ("!", Color::Yellow),
            StateType::Skipped => ("-", Color::Dim),
            _ => ("✘", Color::Red),
        };
        let label = self.labels.get(&run.id).map_or("", String::as_str);
        let took = label::of_duration(run.state.duration(run.state.last_change()));
        let name = if state == StateType::Success {
            String::new()
        } else {
            format!(" {state}")
        };
        let attempts = if run.attempts.len() > 1 {
            format!(" attempt {}", run.attempts.len())
        } else {
            String::new()
        };
        let details = self.style.paint(Color::Dim, &format!("{attempts} {took}"));
        self.print(&format!(
            "{} {label}{}{details}",
            self.style.paint(color, mark),
            self.style.paint(color, &name)
        ));
    }

    /// Gives so many of the running tasks without a line one, and says how many there were.
    fn give_bars(&mut self, room: usize, now: Timestamp) -> usize {
        let mut waiting: Vec<&mut Running> = self
            .running
            .values_mut()
            .filter(|running| running.bar.is_none())
            .collect();
        waiting.sort_by_key(|running| running.since);
        let given = waiting.len().min(room);
        for running in waiting.into_iter().take(room) {
            let bar = self
                .bars
                .add(ProgressBar::new_spinner().with_style(spinner()));
            bar.set_message(message(running, now, self.style));
            running.bar = Some(bar);
        }
        given
    }

    fn show_rest(&mut self, hidden: usize) {
        match (hidden, &self.rest) {
            (0, None) => {}
            (0, Some(bar)) => {
                bar.finish_and_clear();
                self.bars.remove(bar);
                self.rest = None;
            }
            (hidden, Some(bar)) => bar.set_message(format!("… and {hidden} more")),
            (hidden, None) => {
                let style = ProgressStyle::with_template("  {msg}").expect("the template is right");
                let bar = self.bars.add(ProgressBar::new_spinner().with_style(style));
                bar.set_message(format!("… and {hidden} more"));
                self.rest = Some(bar);
            }
        }
    }

    fn print(&self, text: &str) {
        // a terminal that went away is noticed by the signal that comes with it
        let _ = self.bars.println(text);
    }
}

/// Flowables only wait for their children, which have lines themselves.
fn is_at_work(execution: &Execution, run: &TaskRun) -> bool {
    run.progress.is_none()
        || !execution
            .runs
            .iter()
            .any(|other| other.parent.as_ref() == Some(&run.id))
}

fn message(running: &Running, now: Timestamp, style: Style) -> String {
    let attempt = if running.attempt > 1 {
        format!(" attempt {}", running.attempt)
    } else {
        String::new()
    };
    let took = label::of_duration(now.since(running.since));
    let details = style.paint(Color::Dim, &format!("{}{attempt} {took}", running.state));
    format!("{} {details}", running.label)
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {msg}")
        .expect("the template is right")
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

/// Text without what would move the cursor or change the terminal: a flow's log is not trusted.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\tc"), "a\u{fffd}[2Jb\tc");
    }
}
