//! Dates and times, as the ISO texts that Kestra's row files carry.

/// A date or time. The text is ISO 8601 as `java.time` prints it, of the form its kind asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporal {
    /// Which of Java's types it is.
    pub kind: TemporalKind,
    /// `2024-01-01`, `2024-01-01T10:00:00+01:00[Europe/Paris]` …
    pub text: String,
}

/// The `java.time` classes that a row can hold. All but the first two are written as strings annotated with the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemporalKind {
    /// `2024-01-01`
    LocalDate,
    /// `2024-01-01T10:00:00Z`
    Instant,
    /// `2024-01-01T10:00:00+01:00`
    OffsetDateTime,
    /// `2024-01-01T10:00:00+01:00[Europe/Paris]`
    ZonedDateTime,
    /// `2024-01-01T10:00:00`
    LocalDateTime,
    /// `10:00:00+01:00`
    OffsetTime,
    /// `10:00:00`
    LocalTime,
}

impl TemporalKind {
    const ALL: [Self; 7] = [
        Self::LocalDate,
        Self::Instant,
        Self::OffsetDateTime,
        Self::ZonedDateTime,
        Self::LocalDateTime,
        Self::OffsetTime,
        Self::LocalTime,
    ];

    /// The annotation that names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalDate => "LocalDate",
            Self::Instant => "Instant",
            Self::OffsetDateTime => "OffsetDateTime",
            Self::ZonedDateTime => "ZonedDateTime",
            Self::LocalDateTime => "LocalDateTime",
            Self::OffsetTime => "OffsetTime",
            Self::LocalTime => "LocalTime",
        }
    }

    pub(super) fn of_annotation(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Temporal {
    /// The text in JSON, as Jackson writes it on a server in UTC: date-times with an offset or zone are moved to UTC,
    /// everything else stays.
    pub fn json_text(&self) -> String {
        match self.kind {
            TemporalKind::OffsetDateTime | TemporalKind::ZonedDateTime => {
                in_utc(&self.text).unwrap_or_else(|| self.text.clone())
            }
            TemporalKind::LocalDate
            | TemporalKind::Instant
            | TemporalKind::LocalDateTime
            | TemporalKind::OffsetTime
            | TemporalKind::LocalTime => self.text.clone(),
        }
    }

    /// A date or instant written bare, as an Ion timestamp; `None` when its year does not fit into one (0001 to 9999)
    /// or its text has another form.
    pub(super) fn ion_timestamp(&self) -> Option<String> {
        let four_digit_year = self.text.len() >= 10
            && self.text.as_bytes()[..4].iter().all(u8::is_ascii_digit)
            && self.text.as_bytes()[4] == b'-'
            && !self.text.starts_with("0000");
        match self.kind {
            TemporalKind::LocalDate if four_digit_year && self.text.len() == 10 => {
                Some(self.text.clone())
            }
            TemporalKind::Instant if four_digit_year => {
                let body = self.text.strip_suffix('Z')?;
                let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
                Some(format!("{whole}.{fraction:0<3}Z"))
            }
            _ => None,
        }
    }
}

/// A fraction of a second as Java's `Instant` prints it: nothing, or 3, 6 or 9 digits with a point.
pub(super) fn instant_fraction(digits: &str) -> String {
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return String::new();
    }
    let width = significant.len().div_ceil(3) * 3;
    format!(".{significant:0<width$}")
}

fn in_utc(text: &str) -> Option<String> {
    let body = text.split_once('[').map_or(text, |(body, _)| body);
    if body.ends_with('Z') {
        return Some(body.to_owned());
    }
    let instant: jiff::Timestamp = body.parse().ok()?;
    Some(instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(kind: TemporalKind, text: &str) -> String {
        Temporal {
            kind,
            text: text.to_owned(),
        }
        .json_text()
    }

    #[test]
    fn json_moves_zoned_times_to_utc_and_leaves_local_ones() {
        assert_eq!(
            json(
                TemporalKind::ZonedDateTime,
                "2024-01-01T10:00:00.12+01:00[Europe/Paris]"
            ),
            "2024-01-01T09:00:00.12Z"
        );
        assert_eq!(
            json(TemporalKind::ZonedDateTime, "2024-01-01T10:00:00Z[UTC]"),
            "2024-01-01T10:00:00Z"
        );
        assert_eq!(
            json(TemporalKind::OffsetDateTime, "2024-01-01T10:00:00.5+01:00"),
            "2024-01-01T09:00:00.5Z"
        );
        assert_eq!(
            json(TemporalKind::OffsetDateTime, "2024-01-01T10:00+01:00"),
            "2024-01-01T09:00:00Z"
        );
        assert_eq!(
            json(TemporalKind::LocalDateTime, "2024-01-01T10:00:00"),
            "2024-01-01T10:00:00"
        );
        assert_eq!(json(TemporalKind::ZonedDateTime, "nonsense"), "nonsense");
    }

    #[test]
    fn only_years_of_four_digits_are_ion_timestamps() {
        let bare = |kind, text: &str| {
            Temporal {
                kind,
                text: text.to_owned(),
            }
            .ion_timestamp()
        };
        assert_eq!(
            bare(TemporalKind::LocalDate, "2024-01-01"),
            Some("2024-01-01".into())
        );
        assert_eq!(bare(TemporalKind::LocalDate, "+12024-01-01"), None);
        assert_eq!(
            bare(TemporalKind::Instant, "2024-01-01T10:00:00Z"),
            Some("2024-01-01T10:00:00.000Z".into())
        );
        assert_eq!(
            bare(TemporalKind::Instant, "2024-01-01T10:00:00.123456Z"),
            Some("2024-01-01T10:00:00.123456Z".into())
        );
        assert_eq!(bare(TemporalKind::LocalTime, "10:00:00"), None);
    }
}
