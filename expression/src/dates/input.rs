//! What date filters take, and moments in a zone.

use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::{Timestamp, Zoned};

use super::format::Style;
use super::locale::{self, Locale};
use super::zone::{self, Zone};
use super::{Pattern, iso, named};
use crate::error::Error;
use crate::evaluate::Call;
use crate::filters::wrong_class;
use crate::value::{Temporal, Value};

/// A point in time, seen in a zone.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) zoned: Zoned,
    pub(crate) zone: Zone,
}

/// The arguments that date filters and functions share.
#[derive(Debug)]
pub(crate) struct Arguments {
    format: Option<String>,
    zone: Zone,
    existing: Option<String>,
    locale: &'static Locale,
    locale_name: String,
    /// The locale of the engine, by which texts are read.
    default_locale: String,
}

impl Arguments {
    /// Reads the arguments from their places; `None` for those that are not taken.
    pub(crate) fn read(
        call: &Call<'_, '_>,
        format: Option<usize>,
        zone: usize,
        existing: usize,
        locale: Option<usize>,
    ) -> Result<Arguments, Error> {
        let text = |index: usize| match call.get(index) {
            None => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.to_string())),
            Some(other) => Err(wrong_class(other, "java.lang.String")),
        };
        let shared = call.session().shared;
        let default_locale = shared.options.locale.clone();
        let locale_name = match locale.map(text).transpose()?.flatten() {
            Some(name) => name,
            None => default_locale.clone(),
        };
        let zone = match text(zone)? {
            Some(name) => zone::parse(&name)
                .ok_or_else(|| Error::evaluation(format!("Unknown time-zone ID: {name}")))?,
            None => shared.zone.clone(),
        };
        Ok(Arguments {
            format: format.map(text).transpose()?.flatten(),
            zone,
            existing: text(existing)?,
            locale: locale::parse(&locale_name)?,
            locale_name,
            default_locale,
        })
    }

    /// The moment an input stands for, in the zone of the arguments.
    pub(crate) fn moment(&self, call: &Call<'_, '_>, input: &Value) -> Result<Moment, Error> {
        match input {
            Value::Temporal(temporal) => self.temporal(temporal),
            Value::Str(text) => self.text(call, text),
            Value::Int32(_) | Value::Int(_) => {
                let number = input.as_int().unwrap_or(0);
                // Thirteen digits are milliseconds.
                let instant = if number >= 1_000_000_000_000 {
                    Timestamp::from_millisecond(number)
                } else {
                    Timestamp::from_second(number)
                };
                instant.map(|instant| self.at(instant)).map_err(too_far)
            }
            other => Err(wrong_class(other, "java.lang.String")),
        }
    }

    /// An instant in the zone of the arguments.
    pub(crate) fn at(&self, instant: Timestamp) -> Moment {
        Moment {
            zoned: instant.to_zoned(self.zone.zone.clone()),
            zone: self.zone.clone(),
        }
    }

    fn temporal(&self, temporal: &Temporal) -> Result<Moment, Error> {
        match temporal {
            Temporal::Instant(instant) => Ok(self.at(*instant)),
            Temporal::Zoned(zoned) => Ok(self.at(zoned.timestamp())),
            Temporal::DateTime(local) => self.local(local.date(), local.time()),
            // A date of the host stands for its noon.
            Temporal::Date(date) => self.local(*date, jiff::civil::time(12, 0, 0, 0)),
            Temporal::Time(_) => Err(Error::evaluation("a time of day has no date")),
        }
    }

    fn local(&self, date: Date, time: Time) -> Result<Moment, Error> {
        let zoned = date
            .to_datetime(time)
            .to_zoned(self.zone.zone.clone())
            .map_err(too_far)?;
        Ok(Moment {
            zoned,
            zone: self.zone.clone(),
        })
    }

    /// Reads a text: a date with a time and a zone, with a time, or alone.
    fn text(&self, call: &Call<'_, '_>, text: &str) -> Result<Moment, Error> {
        let read = match &self.existing {
            None => iso::parse(text),
            Some(format) => {
                let locale = locale::parse(&self.default_locale)?;
                let pattern = pattern(call, format, locale)?;
                pattern.read(
                    text,
                    Style {
                        locale,
                        weeks: locale::weeks(&self.default_locale),
                    },
                )
            }
        };
        let read = read.map_err(Error::evaluation)?;
        let Some(time) = read.time else {
            return self.local(read.date, Time::midnight());
        };
        let local = read.date.to_datetime(time);
        let instant = match (read.offset, read.zone) {
            (Some(offset), _) => offset.to_timestamp(local).map_err(too_far)?,
            (None, Some(zone)) => local.to_zoned(zone.zone).map_err(too_far)?.timestamp(),
            (None, None) => return self.local(read.date, time),
        };
        Ok(self.at(instant))
    }

    /// A moment in the format of the arguments.
    pub(crate) fn format(&self, call: &Call<'_, '_>, moment: &Moment) -> Result<Value, Error> {
        let format = self.format.as_deref().unwrap_or("iso");
        let pattern = pattern(call, format, self.locale)?;
        let style = Style {
            locale: self.locale,
            weeks: locale::weeks(&self.locale_name),
        };
        if format == "iso_instant" {
            // An instant prints in universal time whatever the zone.
            let utc = Moment {
                zoned: moment.zoned.with_time_zone(jiff::tz::TimeZone::UTC),
                zone: Zone::utc(),
            };
            return Ok(Value::from(pattern.format(&utc, style)));
        }
        Ok(Value::from(pattern.format(moment, style)))
    }
}

/// The pattern of a format: a named one, or one written out.
fn pattern(
    call: &Call<'_, '_>,
    format: &str,
    locale: &'static Locale,
) -> Result<Arc<Pattern>, Error> {
    let patterns = &call.session().shared.patterns;
    let styled = matches!(format, "full" | "long" | "medium" | "short");
    let key = if styled {
        format!("{}\u{0}{format}", locale.tag)
    } else {
        format.to_owned()
    };
    patterns.get(key.as_str(), || {
        named::find(format, locale).unwrap_or_else(|| Pattern::parse(format))
    })
}

/// A date beyond the years -9999 to 9999.
pub(crate) fn too_far(error: jiff::Error) -> Error {
    Error::evaluation(format!("the date is out of range: {error}"))
}
