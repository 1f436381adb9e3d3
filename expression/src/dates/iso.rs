//! Dates as Java's `toString` prints them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::zone;
use crate::value::Temporal;

/// `2024-03-09T14:05:06.120Z`, with the fraction in groups of three digits.
pub(crate) fn display(temporal: &Temporal) -> String {
    match temporal {
        Temporal::Instant(instant) => {
            let local = TimeZone::UTC.to_datetime(*instant);
            format!("{}T{}Z", date(local), time(local.time(), Seconds::Always))
        }
        Temporal::Zoned(zoned) => {
            let local = date_time(zoned.datetime());
            let offset = zone::offset_text(zoned.offset());
            match zone::id(zoned.time_zone()) {
                id if id == offset => format!("{local}{offset}"),
                id => format!("{local}{offset}[{id}]"),
            }
        }
        Temporal::DateTime(local) => date_time(*local),
        Temporal::Date(local) => date(local.to_datetime(Time::midnight())),
        Temporal::Time(local) => time(*local, Seconds::WhenNeeded),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Seconds {
    Always,
    WhenNeeded,
}

fn date_time(local: DateTime) -> String {
    format!(
        "{}T{}",
        date(local),
        time(local.time(), Seconds::WhenNeeded)
    )
}

fn date(local: DateTime) -> String {
    let sign = if local.year() < 0 { "-" } else { "" };
    format!(
        "{sign}{:04}-{:02}-{:02}",
        local.year().unsigned_abs(),
        local.month(),
        local.day()
    )
}

fn time(local: Time, seconds: Seconds) -> String {
    let mut text = format!("{:02}:{:02}", local.hour(), local.minute());
    let nanoseconds = local.subsec_nanosecond();
    if seconds == Seconds::Always || local.second() != 0 || nanoseconds != 0 {
        text.push_str(&format!(":{:02}", local.second()));
    }
    match nanoseconds {
        0 => {}
        _ if nanoseconds % 1_000_000 == 0 => {
            text.push_str(&format!(".{:03}", nanoseconds / 1_000_000))
        }
        _ if nanoseconds % 1_000 == 0 => text.push_str(&format!(".{:06}", nanoseconds / 1_000)),
        _ => text.push_str(&format!(".{nanoseconds:09}")),
    }
    text
}
