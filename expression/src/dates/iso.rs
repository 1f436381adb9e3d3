//! ISO 8601 dates, as Java prints and reads them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::parse::Read;
use super::zone;
use crate::value::Temporal;

// === Printing ===

/// `2024-03-09T14:05:06.120Z`, with the fraction in groups of three digits.
pub(crate) fn display(temporal: &Temporal) -> String {
    match temporal {
        Temporal::Instant(instant) => {
            let local = TimeZone::UTC.to_datetime(*instant);
            format!(
                "{}T{}Z",
                date(local.date()),
                time(local.time(), Seconds::Always)
            )
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
        Temporal::Date(local) => date(*local),
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
        date(local.date()),
        time(local.time(), Seconds::WhenNeeded)
    )
}

fn date(local: Date) -> String {
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

// === Reading ===

/// Reads `2024-03-09`, `2024-03-09T14:05[:06[.123]]`, and the latter with an offset and a zone in brackets.
pub(super) fn parse(text: &str) -> Result<Read, String> {
    let at = |index: usize| format!("Text '{text}' could not be parsed at index {index}");
    let mut reader = Reader { text, at: 0 };
    let date = reader.date().ok_or_else(|| at(reader.at))?;
    let after_date = reader.at;
    let mut read = Read {
        date,
        time: None,
        offset: None,
        zone: None,
    };
    if reader.at == text.len() {
        return Ok(read);
    }
    let unparsed =
        || format!("Text '{text}' could not be parsed, unparsed text found at index {after_date}");
    read.time = Some(reader.time().ok_or_else(unparsed)?);
    if reader.at == text.len() {
        return Ok(read);
    }
    let offset_end = text[reader.at..]
        .find('[')
        .map_or(text.len(), |found| reader.at + found);
    let offset = &text[reader.at..offset_end];
    let is_short = offset.len() == 5 && !offset.contains(':');
    let offset = match offset {
        "z" => "Z",
        offset => offset,
    };
    read.offset = Some(
        zone::offset(offset)
            .filter(|_| !is_short && offset.len() != 2)
            .ok_or_else(unparsed)?,
    );
    if let Some(zone) = text[offset_end..].strip_prefix('[') {
        let name = zone.strip_suffix(']').ok_or_else(unparsed)?;
        read.zone = Some(zone::parse(name).ok_or_else(unparsed)?);
    }
    Ok(read)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn date(&mut self) -> Option<Date> {
        let sign = match self.text.as_bytes().first()? {
            b'-' => -1,
            b'+' => 1,
            _ => 0,
        };
        self.at += usize::from(sign != 0);
        let year = self.digits(4)?;
        let year = if sign < 0 { -year } else { year };
        self.take('-')?;
        let month = self.digits(2)?;
        self.take('-')?;
        let day = self.digits(2)?;
        Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        )
        .ok()
    }

    fn time(&mut self) -> Option<Time> {
        if !self.text[self.at..].starts_with(['T', 't']) {
            return None;
        }
        self.at += 1;
        let hour = self.digits(2)?;
        self.take(':')?;
        let minute = self.digits(2)?;
        let (mut second, mut nanosecond) = (0, 0);
        if self.take(':').is_some() {
            second = self.digits(2)?;
            if self.take('.').is_some() {
                let count = self.text[self.at..]
                    .bytes()
                    .take_while(u8::is_ascii_digit)
                    .count();
                if count > 9 {
                    return None;
                }
                let digits = &self.text[self.at..self.at + count];
                nanosecond = format!("{digits:0<9}").parse().ok()?;
                self.at += count;
            }
        }
        let small = |value: i32| i8::try_from(value).ok();
        if second > 59 {
            return None;
        }
        Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond).ok()
    }

    fn digits(&mut self, count: usize) -> Option<i32> {
        let digits = self.text.get(self.at..self.at + count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.at += count;
        digits.parse().ok()
    }

    fn take(&mut self, unit: char) -> Option<()> {
        self.text[self.at..].starts_with(unit).then(|| self.at += 1)
    }
}
