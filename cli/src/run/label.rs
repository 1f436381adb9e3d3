//! How task runs, durations and sizes are called where people read them.

use std::time::Duration;

use flowmill_common::Execution;
use flowmill_common::TaskRun;

/// Longer loop values are cut.
const LONGEST_VALUE: usize = 24;

/// A task run by its task and the values of the loops it is in: `verdict[north]`.
pub(super) fn of_run(execution: &Execution, run: &TaskRun) -> String {
    let mut values = Vec::new();
    let mut here = Some(run);
    while let Some(run) = here {
        if let Some(value) = &run.value {
            values.push(short(value));
        }
        here = run
            .parent
            .as_ref()
            .and_then(|parent| execution.runs.get(parent));
    }
    let values: String = values
        .iter()
        .rev()
        .map(|value| format!("[{value}]"))
        .collect();
    format!("{}{values}", run.task_id)
}

fn short(value: &str) -> String {
    let value: String = value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    }
}

/// A duration with what matters of it: `34ms`, `1.2s`, `3m 5s`, `2h 10m`.
pub(super) fn of_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() == 0 => format!("{}µs", duration.as_micros()),
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A size: `123 bytes`, `4.5 KB`.
pub(super) fn of_size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_show_what_matters() {
        for (millis, shown) in [
            (0, "0µs"),
            (34, "34ms"),
            (1240, "1.2s"),
            (185_000, "3m 5s"),
            (7_800_000, "2h 10m"),
        ] {
            assert_eq!(of_duration(Duration::from_millis(millis)), shown);
        }
        for (bytes, shown) in [
            (123, "123 bytes"),
            (4500, "4.5 KB"),
            (12_000_000, "12.0 MB"),
        ] {
            assert_eq!(of_size(bytes), shown);
        }
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        assert_eq!(short("north"), "north");
        assert_eq!(short(&"é".repeat(30)), format!("{}…", "é".repeat(24)));
        assert_eq!(short("a\nb"), "a b");
    }
}
