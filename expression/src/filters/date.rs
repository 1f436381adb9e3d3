//! Filters on dates.

use jiff::Span;

use super::{java_text, wrong_class};
use crate::dates::input::too_far;
use crate::dates::{Arguments, Moment};
use crate::evaluate::Call;
use crate::table::{Doc, Filter, Parameters};
use crate::{Error, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "date",
        parameters: Parameters::Names(&["format", "timeZone", "existingFormat", "locale"]),
        doc: Doc {
            signature: "date(format='iso', timeZone, existingFormat, locale)",
            text: "A date in a format: a pattern of Java's `DateTimeFormatter`, or one of `iso`, `iso_sec`, `iso_milli`, `sql`, \
                   `sql_sec`, `full`, `long`, `medium`, `short` and Java's `iso_…` and `rfc_1123_date_time`. Takes ISO texts, \
                   texts in `existingFormat`, and seconds or milliseconds since 1970.",
            example: "{{ '2024-03-09T14:05:06Z' | date('EEEE d MMMM yyyy HH:mm', timeZone='Europe/Paris', locale='fr') }}",
            result: "samedi 9 mars 2024 15:05",
        },
        run: |call, input| {
            if input.is_null() {
                return Ok(Value::Null);
            }
            let arguments = Arguments::read(call, Some(0), 1, 2, Some(3))?;
            let moment = arguments.moment(call, &input)?;
            arguments.format(call, &moment)
        },
    },
    Filter {
        name: "dateAdd",
        parameters: Parameters::Names(&[
            "amount",
            "unit",
            "format",
            "timeZone",
            "existingFormat",
            "locale",
        ]),
        doc: Doc {
            signature: "dateAdd(amount, unit, format='iso', timeZone, existingFormat, locale)",
            text: "A date, moved: `NANOS`, `MICROS`, `MILLIS`, `SECONDS`, `MINUTES`, `HOURS`, `HALF_DAYS`, `DAYS`, `WEEKS`, \
                   `MONTHS`, `YEARS`, `DECADES`, `CENTURIES` or `MILLENNIA`.",
            example: "{{ '2024-01-31T10:00:00Z' | dateAdd(1, 'MONTHS', 'yyyy-MM-dd') }}",
            result: "2024-02-29",
        },
        run: date_add,
    },
    Filter {
        name: "timestamp",
        parameters: Parameters::Names(&["timeZone", "existingFormat"]),
        doc: Doc {
            signature: "timestamp(timeZone, existingFormat)",
            text: "A date as seconds since 1970.",
            example: "{{ '2024-03-09T14:05:06Z' | timestamp }}",
            result: "1709993106",
        },
        run: |call, input| {
            stamp(call, &input, |moment| {
                Value::Int(
                    moment
                        .zoned
                        .timestamp()
                        .as_nanosecond()
                        .div_euclid(1_000_000_000)
                        .try_into()
                        .unwrap_or(i64::MAX),
                )
            })
        },
    },
    Filter {
        name: "timestampMilli",
        parameters: Parameters::Names(&["timeZone", "existingFormat"]),
        doc: Doc {
            signature: "timestampMilli(timeZone, existingFormat)",
            text: "A date as milliseconds since 1970.",
            example: "{{ '2024-03-09T14:05:06.5Z' | timestampMilli }}",
            result: "1709993106500",
        },
        run: |call, input| {
            stamp(call, &input, |moment| {
                Value::Int(
                    moment
                        .zoned
                        .timestamp()
                        .as_nanosecond()
                        .div_euclid(1_000_000)
                        .try_into()
                        .unwrap_or(i64::MAX),
                )
            })
        },
    },
    Filter {
        name: "timestampMicro",
        parameters: Parameters::Names(&["timeZone", "existingFormat"]),
        doc: Doc {
            signature: "timestampMicro(timeZone, existingFormat)",
            text: "A date as microseconds since 1970, as a text.",
            example: "{{ '2024-03-09T14:05:06.5Z' | timestampMicro }}",
            result: "1709993106500000",
        },
        run: |call, input| {
            stamp(call, &input, |moment| {
                Value::from(
                    moment
                        .zoned
                        .timestamp()
                        .as_nanosecond()
                        .div_euclid(1_000)
                        .to_string(),
                )
            })
        },
    },
    Filter {
        name: "timestampNano",
        parameters: Parameters::Names(&["timeZone", "existingFormat"]),
        doc: Doc {
            signature: "timestampNano(timeZone, existingFormat)",
            text: "A date as nanoseconds since 1970, as a text.",
            example: "{{ '2024-03-09T14:05:06.5Z' | timestampNano }}",
            result: "1709993106500000000",
        },
        run: |call, input| {
            stamp(call, &input, |moment| {
                Value::from(moment.zoned.timestamp().as_nanosecond().to_string())
            })
        },
    },
];

fn stamp(
    call: &mut Call<'_, '_>,
    input: &Value,
    result: fn(&Moment) -> Value,
) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let arguments = Arguments::read(call, None, 0, 1, None)?;
    Ok(result(&arguments.moment(call, input)?))
}

fn date_add(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let arguments = Arguments::read(call, Some(2), 3, 4, Some(5))?;
    let amount = match call.get(0) {
        Some(Value::Str(text)) => {
            let parsed: Result<i64, _> = text.parse();
            parsed.map_err(|_| Error::evaluation(format!("{text} can't be converted to long")))?
        }
        other => match other.and_then(Value::as_number) {
            Some(number) => number.to_i64(),
            None => {
                let text =
                    other.map_or_else(|| Ok("null".to_owned()), |value| java_text(call, value))?;
                return Err(Error::evaluation(format!(
                    "Incorrect {text} format, must be a number"
                )));
            }
        },
    };
    let unit = match call.get(1) {
        Some(Value::Str(unit)) => unit.to_string(),
        Some(other) => return Err(wrong_class(other, "java.lang.String")),
        None => {
            return Err(Error::evaluation(
                "the `dateAdd` filter expects an argument `unit`",
            ));
        }
    };
    let moment = arguments.moment(call, &input)?;
    let zoned = moment
        .zoned
        .checked_add(span(amount, &unit)?)
        .map_err(too_far)?;
    arguments.format(
        call,
        &Moment {
            zoned,
            zone: moment.zone,
        },
    )
}

fn span(amount: i64, unit: &str) -> Result<Span, Error> {
    let span = Span::new();
    let times = |factor: i64| amount.saturating_mul(factor);
    let span = match unit {
        "NANOS" => span.try_nanoseconds(amount),
        "MICROS" => span.try_microseconds(amount),
        "MILLIS" => span.try_milliseconds(amount),
        "SECONDS" => span.try_seconds(amount),
        "MINUTES" => span.try_minutes(amount),
        "HOURS" => span.try_hours(amount),
        "HALF_DAYS" => span.try_hours(times(12)),
        "DAYS" => span.try_days(amount),
        "WEEKS" => span.try_weeks(amount),
        "MONTHS" => span.try_months(amount),
        "YEARS" => span.try_years(amount),
        "DECADES" => span.try_years(times(10)),
        "CENTURIES" => span.try_years(times(100)),
        "MILLENNIA" => span.try_years(times(1000)),
        _ => {
            let message = format!("No enum constant java.time.temporal.ChronoUnit.{unit}");
            return Err(Error::evaluation(message));
        }
    };
    span.map_err(too_far)
}
