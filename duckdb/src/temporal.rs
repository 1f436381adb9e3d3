//! Dates and times as ISO text, over DuckDB's whole range (some 290,000 years around 1970).

use flowmill_common::ion::{Temporal, TemporalKind};
use jiff::civil;
use jiff::tz::TimeZone;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_DAY: i128 = 86_400 * NANOS_PER_SECOND;

/// The zone that TIMESTAMP values are read in.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    /// `None`: UTC, written as `Z`.
    named: Option<(String, TimeZone)>,
}

impl Zone {
    /// The zone of this name, UTC if there is none.
    pub(crate) fn of_name(name: Option<&str>) -> Result<Self, String> {
        let named = match name {
            None => None,
            Some(name) => {
                let zone =
                    TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))?;
                Some((name.to_owned(), zone))
            }
        };
        Ok(Self { named })
    }
}

/// DATE: days since 1970-01-01.
pub(crate) fn date(days: i32) -> Temporal {
    let text = match days {
        i32::MAX => "infinity".to_owned(),
        days if days == -i32::MAX => "-infinity".to_owned(),
        days => date_text(i64::from(days)),
    };
    Temporal {
        kind: TemporalKind::LocalDate,
        text,
    }
}

/// TIME: nanoseconds since midnight.
pub(crate) fn time(nanos: i64) -> Temporal {
    Temporal {
        kind: TemporalKind::LocalTime,
        text: time_text(i128::from(nanos)),
    }
}

/// TIME WITH TIME ZONE: 40 bits of microseconds, 24 bits of offset.
pub(crate) fn time_with_offset(bits: u64) -> Temporal {
    /// 15:59:59, the largest offset; offsets are kept as their distance from it.
    const LARGEST_OFFSET_SECONDS: i64 = 16 * 3600 - 1;
    let micros = (bits >> 24) as i64;
    let offset = LARGEST_OFFSET_SECONDS - (bits & 0xFF_FFFF) as i64;
    Temporal {
        kind: TemporalKind::OffsetTime,
        text: format!(
            "{}{}",
            time_text(i128::from(micros) * 1000),
            offset_text(offset)
        ),
    }
}

/// TIMESTAMP of any precision: nanoseconds since 1970 on the clock of `zone`.
pub(crate) fn local_timestamp(nanos: i128, zone: &Zone) -> Temporal {
    let (days, of_day) = (
        nanos.div_euclid(NANOS_PER_DAY),
        nanos.rem_euclid(NANOS_PER_DAY),
    );
    let zoned = zone
        .named
        .as_ref()
        .and_then(|(name, zone)| Some(in_zone(days as i64, of_day, zone)? + &format!("[{name}]")));
    Temporal {
        kind: TemporalKind::ZonedDateTime,
        text: zoned.unwrap_or_else(|| format!("{}T{}Z", date_text(days as i64), time_text(of_day))),
    }
}

/// TIMESTAMP WITH TIME ZONE: nanoseconds since 1970 in UTC.
pub(crate) fn instant(nanos: i128) -> Temporal {
    let (days, of_day) = (
        nanos.div_euclid(NANOS_PER_DAY),
        nanos.rem_euclid(NANOS_PER_DAY),
    );
    Temporal {
        kind: TemporalKind::OffsetDateTime,
        text: format!("{}T{}Z", date_text(days as i64), time_text(of_day)),
    }
}

/// A TIMESTAMP beyond all others.
pub(crate) fn infinity(kind: TemporalKind, positive: bool) -> Temporal {
    Temporal {
        kind,
        text: if positive { "infinity" } else { "-infinity" }.to_owned(),
    }
}

/// INTERVAL as DuckDB prints it: `1 year 2 months 3 days 04:05:06.7`.
pub(crate) fn interval(months: i32, days: i32, micros: i64) -> String {
    let mut parts = Vec::new();
    for (count, unit) in [(months / 12, "year"), (months % 12, "month"), (days, "day")] {
        if count != 0 {
            let plural = if count.abs() == 1 { "" } else { "s" };
            parts.push(format!("{count} {unit}{plural}"));
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        parts.push(format!(
            "{sign}{}",
            time_text(i128::from(micros).abs() * 1000)
        ));
    }
    parts.join(" ")
}

/// The date and time with their offset in a zone; `None` if the year is beyond the zone's rules (9999). A time that a clock
/// change skips moves on by the change; of one that comes twice the first is meant, as in Java.
fn in_zone(days: i64, nanos_of_day: i128, zone: &TimeZone) -> Option<String> {
    let (year, month, day) = civil_date(days);
    let date = civil::Date::new(i16::try_from(year).ok()?, month as i8, day as i8).ok()?;
    let second_of_day = (nanos_of_day / NANOS_PER_SECOND) as i32;
    let time = civil::Time::new(
        (second_of_day / 3600) as i8,
        (second_of_day / 60 % 60) as i8,
        (second_of_day % 60) as i8,
        (nanos_of_day % NANOS_PER_SECOND) as i32,
    )
    .ok()?;
    let zoned = zone
        .to_zoned(civil::DateTime::from_parts(date, time))
        .ok()?;
    let offset = offset_text(i64::from(zoned.offset().seconds()));
    let moved = zoned.datetime();
    let of_day = i128::from(moved.hour()) * 3600
        + i128::from(moved.minute()) * 60
        + i128::from(moved.second());
    let clock = time_text(of_day * NANOS_PER_SECOND + i128::from(moved.subsec_nanosecond()));
    let date = calendar_text((
        i64::from(moved.year()),
        moved.month() as u8,
        moved.day() as u8,
    ));
    Some(format!("{date}T{clock}{offset}"))
}

/// `+01:00`, `Z`, or with seconds if it has any.
fn offset_text(seconds: i64) -> String {
    if seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    let mut text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 != 0 {
        text.push_str(&format!(":{:02}", seconds % 60));
    }
    text
}

/// `01:02:03.456`; hours beyond a day are kept (DuckDB has 24:00:00, and intervals).
fn time_text(nanos: i128) -> String {
    let seconds = nanos / NANOS_PER_SECOND;
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let fraction = nanos % NANOS_PER_SECOND;
    if fraction != 0 {
        text.push_str(format!(".{fraction:09}").trim_end_matches('0'));
    }
    text
}

fn date_text(days: i64) -> String {
    calendar_text(civil_date(days))
}

/// `1992-09-20`, `+12024-01-01`, `-0043-03-15`.
fn calendar_text((year, month, day): (i64, u8, u8)) -> String {
    let sign = match year {
        ..0 => "-",
        0..=9999 => "",
        _ => "+",
    };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

/// Year (0 is 1 BC), month and day of days since 1970, in the proleptic Gregorian calendar. Counts years from March, so that
/// the leap day is a year's last (Hinnant's algorithm).
fn civil_date(days: i64) -> (i64, u8, u8) {
    let since_march_of_year_0 = days + 719_468;
    let era = since_march_of_year_0.div_euclid(146_097);
    let day_of_era = since_march_of_year_0.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICRO: i128 = 1000;

    #[test]
    fn dates_are_right_over_the_whole_range() {
        for (days, text) in [
            (0, "1970-01-01"),
            (8298, "1992-09-20"),
            (-1, "1969-12-31"),
            (11016, "2000-02-29"),
            (19782, "2024-02-29"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
            (2_932_897, "+10000-01-01"),
            (i32::MAX, "infinity"),
        ] {
            assert_eq!(date(days).text, text);
        }
    }

    #[test]
    fn timestamps_are_read_on_the_clock_of_the_zone() {
        let paris = Zone::of_name(Some("Europe/Paris")).unwrap();
        let utc = Zone::of_name(None).unwrap();
        let micros = 1_591_804_523_383_345;
        assert_eq!(
            local_timestamp(micros * MICRO, &paris).text,
            "2020-06-10T15:55:23.383345+02:00[Europe/Paris]"
        );
        assert_eq!(
            local_timestamp(micros * MICRO, &utc).text,
            "2020-06-10T15:55:23.383345Z"
        );
        assert_eq!(
            local_timestamp(253_402_300_800_000_000 * MICRO, &paris).text,
            "+10000-01-01T00:00:00Z"
        );
    }

    #[test]
    fn a_time_that_a_clock_change_skips_moves_on() {
        let paris = Zone::of_name(Some("Europe/Paris")).unwrap();
        // 2024-03-31 02:30, when the clock went from 2 to 3.
        assert_eq!(
            local_timestamp(1_711_852_200_000_000 * MICRO, &paris).text,
            "2024-03-31T03:30:00+02:00[Europe/Paris]"
        );
    }

    #[test]
    fn an_unknown_zone_is_named() {
        assert_eq!(
            Zone::of_name(Some("Europe/Pariss")).unwrap_err(),
            "there is no time zone `Europe/Pariss`"
        );
    }

    #[test]
    fn intervals_are_printed_as_duckdb_prints_them() {
        assert_eq!(
            interval(14, 3, 14_706_700_000),
            "1 year 2 months 3 days 04:05:06.7"
        );
        assert_eq!(interval(0, 28, 0), "28 days");
        assert_eq!(interval(0, 0, 0), "00:00:00");
        assert_eq!(interval(0, 1, -1_000_000), "1 day -00:00:01");
    }
}
