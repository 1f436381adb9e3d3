//! Dates as clients write them in a query.

use flowmill_common::Timestamp;

use super::params::unconvertible;
use crate::error::Result;

/// `2024-01-07T18:43:11.248+01:00`, with or without seconds, fraction and offset (none: UTC), or a day alone. A `+` that
/// became a blank on the way is taken as `+`.
pub(crate) fn parse(name: &str, text: &str) -> Result<Timestamp> {
    read(text).ok_or_else(|| {
        unconvertible(
            name,
            text,
            "it is not a date such as `2024-01-07T18:43:11Z`",
        )
    })
}

fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace(' ', "+");
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.into());
    }
    if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
        return Some(
            civil
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp()
                .into(),
        );
    }
    // an offset such as `+0100`, which the library does not take
    let (head, tail) = text.split_at_checked(text.len().checked_sub(2)?)?;
    format!("{head}:{tail}")
        .parse::<jiff::Timestamp>()
        .ok()
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_clients_send() {
        let expected = "2024-01-07T17:43:11.000000Z";
        for text in [
            "2024-01-07T18:43:11+01:00",
            "2024-01-07T18:43:11 01:00",
            "2024-01-07T18:43:11+0100",
            "2024-01-07T17:43:11Z",
            "2024-01-07T17:43:11",
            "2024-01-07T17:43:11.000",
        ] {
            assert_eq!(
                parse("startDate", text).unwrap().to_string(),
                expected,
                "{text}"
            );
        }
        assert_eq!(
            parse("startDate", "2024-01-07T17:43").unwrap().to_string(),
            "2024-01-07T17:43:00.000000Z"
        );
        assert_eq!(
            parse("startDate", "2024-01-07").unwrap().to_string(),
            "2024-01-07T00:00:00.000000Z"
        );
        assert!(
            parse("startDate", "yesterday")
                .unwrap_err()
                .message()
                .contains("[startDate] for value [yesterday]")
        );
    }
}
