//! Dates and durations as Kestra 1.3 writes them. An execution with many task runs has some hundred thousand dates, so they are
//! written without the formatting machinery.

use std::time::Duration;

use flowmill_common::Timestamp;
use flowmill_common::time::iso_duration;
use serde::{Serialize, Serializer};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A date: `2025-01-01T10:00:00.123456Z`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Date(pub(crate) Timestamp);

impl Date {
    /// The text, in the given buffer.
    fn write(self, buffer: &mut [u8; 27]) -> Option<&str> {
        let micros = self.0.as_micros();
        let (days, within) = (
            micros.div_euclid(MICROS_PER_DAY),
            micros.rem_euclid(MICROS_PER_DAY),
        );
        let (year, month, day) = civil_from_days(days);
        if !(0..=9999).contains(&year) {
            return None;
        }
        buffer.copy_from_slice(b"0000-00-00T00:00:00.000000Z");
        let seconds = within / 1_000_000;
        put(&mut buffer[0..4], year);
        put(&mut buffer[5..7], month);
        put(&mut buffer[8..10], day);
        put(&mut buffer[11..13], seconds / 3600);
        put(&mut buffer[14..16], seconds / 60 % 60);
        put(&mut buffer[17..19], seconds % 60);
        put(&mut buffer[20..26], within % 1_000_000);
        std::str::from_utf8(buffer).ok()
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.write(&mut [0; 27]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(&self.0),
        }
    }
}

fn put(digits: &mut [u8], mut number: i64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar (Hinnant's algorithm: years begin in March,
/// so that the leap day comes last).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A duration: `PT1M3.5S`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&iso_duration(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let mut micros = -62_167_219_200_000_000_i64;
        // in steps of some days and odd microseconds over four thousand years
        while micros < 64_060_588_800_000_000 {
            let timestamp = Timestamp::from_micros(micros);
            assert_eq!(
                serde_json::to_string(&Date(timestamp)).unwrap(),
                format!("\"{timestamp}\"")
            );
            micros += 86_400_000_000 * 17 + 3_723_000_013;
        }
    }
}
