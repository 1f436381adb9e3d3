//! Time zones as Java's `ZoneId` names them.

use jiff::tz::{Offset, TimeZone};

/// A time zone and the id under which it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) zone: TimeZone,
    /// `Europe/Paris`, `+02:00`, `UTC+02:00`
    pub(crate) id: String,
}

impl Zone {
    /// Coordinated universal time.
    pub(crate) fn utc() -> Zone {
        Zone {
            zone: TimeZone::UTC,
            id: "UTC".to_owned(),
        }
    }

    /// Whether it is just an offset: `+02:00` or `Z`.
    pub(crate) fn is_offset(&self) -> bool {
        self.id == "Z" || self.id.starts_with(['+', '-'])
    }
}

/// Reads `Europe/Paris`, `UTC`, `Z`, `+02:00`, `UTC+2`, `GMT-05:30`; `None` for anything else.
pub(crate) fn parse(name: &str) -> Option<Zone> {
    match name {
        "Z" | "UTC" | "GMT" | "UT" => {
            return Some(Zone {
                zone: TimeZone::UTC,
                id: name.to_owned(),
            });
        }
        _ if name.starts_with(['+', '-']) => {
            let offset = offset(name)?;
            return Some(Zone {
                zone: TimeZone::fixed(offset),
                id: offset_text(offset),
            });
        }
        _ => {}
    }
    for prefix in ["UTC", "GMT", "UT"] {
        if let Some(rest) = name.strip_prefix(prefix)
            && rest.starts_with(['+', '-'])
        {
            let offset = offset(rest)?;
            let text = if offset.seconds() == 0 {
                String::new()
            } else {
                offset_text(offset)
            };
            return Some(Zone {
                zone: TimeZone::fixed(offset),
                id: format!("{prefix}{text}"),
            });
        }
    }
    // Java knows neither of these abbreviations, and its names are case-sensitive.
    if matches!(name, "EST" | "MST" | "HST" | "ROC" | "Factory") {
        return None;
    }
    let zone = TimeZone::get(name).ok()?;
    (zone.iana_name() == Some(name)).then(|| Zone {
        zone,
        id: name.to_owned(),
    })
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
    match offset.seconds() {
        0 => "Z".to_owned(),
        seconds => signed(seconds, ":", seconds % 60 != 0),
    }
}

/// `+01:00`, with the seconds if asked for.
pub(crate) fn signed(seconds: i32, separator: &str, with_seconds: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let mut text = format!(
        "{sign}{:02}{separator}{:02}",
        seconds / 3600,
        seconds / 60 % 60
    );
    if with_seconds {
        text.push_str(&format!("{separator}{:02}", seconds % 60));
    }
    text
}

/// The id of a zone: an IANA name, or the offset.
pub(crate) fn id(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone
            .to_fixed_offset()
            .map_or_else(|_| "UTC".to_owned(), offset_text),
    }
}
