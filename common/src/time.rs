//! Points in time and durations, as flows and the wire write them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in time with microseconds, the precision that Kestra shows. Serialised as microseconds since 1970.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by this much; the far end of time where it would overflow.
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// The time from `earlier` until this; zero when it is not earlier.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(
            u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0),
        )
    }

    /// The same instant in the time library's type.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(value: jiff::Timestamp) -> Self {
        Self(value.as_microsecond())
    }
}

/// `2025-01-01T10:00:00.123456Z`, always six digits, as Kestra 1.3 prints dates.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

/// An ISO-8601 duration as Java prints it (`PT1M3.5S`): hours, minutes, seconds; at most microseconds.
pub fn iso_duration(duration: std::time::Duration) -> String {
    let total = duration.as_secs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    let mut text = String::from("PT");
    if hours > 0 {
        text.push_str(&format!("{hours}H"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}M"));
    }
    let micros = duration.subsec_micros();
    if micros > 0 {
        let fraction = format!("{micros:06}");
        text.push_str(&format!("{seconds}.{}S", fraction.trim_end_matches('0')));
    } else if seconds > 0 || text.len() == 2 {
        text.push_str(&format!("{seconds}S"));
    }
    text
}

/// Reads a duration: ISO-8601 (`PT1H`, `P1DT2H`, `P1W`) or decimal seconds (`30`, `"1.5"`), as Kestra does.
/// Negative ones and those with months or years are refused with a message that says so.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return std::time::Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("`{text}` is not a duration: it must not be negative"));
    }
    let span: jiff::Span = text.parse().map_err(|_| {
        format!("`{text}` is not an ISO-8601 duration such as `PT30S`, `PT5M` or `P1D`")
    })?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err(format!(
            "`{text}` has months or years, whose length is not fixed: use days"
        ));
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let rest = span.weeks(0).days(0);
    let seconds = (rest.total(jiff::Unit::Second)).map_err(|error| error.to_string())?;
    std::time::Duration::try_from_secs_f64(days as f64 * 86400.0 + seconds)
        .map_err(|_| format!("`{text}` is not a duration: it must not be negative"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn durations_read_as_kestra_reads_them() {
        assert_eq!(parse_duration("PT1M30S"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("P1DT1H"), Ok(Duration::from_secs(90_000)));
        assert_eq!(parse_duration("P1W"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_duration("1.5"), Ok(Duration::from_millis(1500)));
        assert!(parse_duration("P1M").unwrap_err().contains("months"));
        assert!(parse_duration("soon").unwrap_err().contains("ISO-8601"));
    }

    #[test]
    fn durations_print_as_java_prints_them() {
        assert_eq!(iso_duration(Duration::from_millis(2500)), "PT2.5S");
        assert_eq!(iso_duration(Duration::from_secs(63)), "PT1M3S");
        assert_eq!(iso_duration(Duration::ZERO), "PT0S");
        assert_eq!(iso_duration(Duration::from_secs(3600)), "PT1H");
    }

    #[test]
    fn a_timestamp_prints_six_digits() {
        assert_eq!(
            Timestamp::from_micros(1_570_386_509_000_000).to_string(),
            "2019-10-06T18:28:29.000000Z"
        );
    }
}
