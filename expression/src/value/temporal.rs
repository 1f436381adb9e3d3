//! Dates and times as a host may give them.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};

/// A date or a time; prints as Java's ISO texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Temporal {
    /// A point on the time line.
    Instant(Timestamp),
    /// A point on the time line with a zone.
    Zoned(Zoned),
    /// A date and a time of day without zone.
    DateTime(DateTime),
    /// A date.
    Date(Date),
    /// A time of day.
    Time(Time),
}

impl fmt::Display for Temporal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&crate::dates::iso::display(self))
    }
}
