//! Dates as written, without moving them to another zone.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::iso;

/// The date of an ISO text; its time and its offset are left aside, a zone in brackets decides over the offset.
pub(crate) fn local_date(text: &str) -> Result<Date, String> {
    let read = iso::parse(text)?;
    Ok(local(&read).map_or(read.date, |(date, _)| date))
}

/// The time of an ISO text that has one.
pub(crate) fn local_time(text: &str) -> Result<Time, String> {
    let read = iso::parse(text)?;
    match local(&read) {
        Some((_, time)) => Ok(time),
        None => Err(format!(
            "Text '{text}' could not be parsed at index {}",
            text.len()
        )),
    }
}

/// The instant of an ISO text with an offset.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let read = iso::parse(text)?;
    match (read.time, read.offset) {
        (Some(time), Some(offset)) => offset
            .to_timestamp(read.date.to_datetime(time))
            .map_err(|error| error.to_string()),
        _ => Err(format!(
            "Text '{text}' could not be parsed at index {}",
            text.len()
        )),
    }
}

/// Date and time on the clocks of the zone in brackets, or as written.
fn local(read: &super::parse::Read) -> Option<(Date, Time)> {
    let time = read.time?;
    let (Some(offset), Some(zone)) = (read.offset, &read.zone) else {
        return Some((read.date, time));
    };
    let instant = offset.to_timestamp(read.date.to_datetime(time)).ok()?;
    let moved = zone.zone.to_datetime(instant);
    Some((moved.date(), moved.time()))
}
