//! Time zones as Java's `ZoneId` names them.

use jiff::tz::{Offset, TimeZone};

/// Reads `Europe/Paris`, `UTC`, `Z`, `+02:00`, `UTC+2`, `GMT-05:30`; `None` for anything else.
pub(crate) fn parse(name: &str) -> Option<TimeZone> {
    if matches!(name, "Z" | "UTC" | "GMT" | "UT" | "Etc/UTC") {
        return Some(if name == "Etc/UTC" {
            TimeZone::get(name).ok()?
        } else {
            TimeZone::UTC
        });
    }
    if name.starts_with(['+', '-']) {
        return offset(name).map(TimeZone::fixed);
    }
    for prefix in ["UTC", "GMT", "UT"] {
        if let Some(rest) = name.strip_prefix(prefix)
            && rest.starts_with(['+', '-'])
        {
            return offset(rest).map(TimeZone::fixed);
        }
    }
    let zone = TimeZone::get(name).ok()?;
    // Java's names are case-sensitive.
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// Reads `Z`, `+h`, `+hh`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`, `+hhmmss`.
pub(crate) fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = match &text[1..] {
        rest if rest.contains(':') => {
            let parts: Vec<&str> = rest.split(':').collect();
            if parts.len() > 3 || parts.iter().any(|part| part.len() != 2) {
                return None;
            }
            parts.concat()
        }
        rest => rest.to_owned(),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| {
        digits
            .get(range)
            .map_or(Some(0), |digits| digits.parse::<i32>().ok())
    };
    let seconds = match digits.len() {
        1 => part(0..1)? * 3600,
        2 | 4 | 6 => {
            let (hours, minutes, seconds) = (part(0..2)?, part(2..4)?, part(4..6)?);
            if minutes > 59 || seconds > 59 {
                return None;
            }
            hours * 3600 + minutes * 60 + seconds
        }
        _ => return None,
    };
    if seconds > 18 * 3600 {
        return None;
    }
    Offset::from_seconds(sign * seconds).ok()
}

/// `Z`, `+01:00`, `-03:30:15`.
pub(crate) fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    if seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let mut text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 != 0 {
        text.push_str(&format!(":{:02}", seconds % 60));
    }
    text
}

/// The id that prints in brackets: an IANA name, or the offset.
pub(crate) fn id(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone
            .to_fixed_offset()
            .map_or_else(|_| "UTC".to_owned(), offset_text),
    }
}
