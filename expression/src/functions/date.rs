//! Functions on dates.

use jiff::civil::{Date, Weekday};

use super::holiday;
use crate::dates::{Arguments, days};
use crate::evaluate::Call;
use crate::filters::java_text;
use crate::table::{Doc, Function, Parameters};
use crate::{Error, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "now",
        parameters: Parameters::Names(&["format", "timeZone", "existingFormat", "locale"]),
        doc: Doc {
            signature: "now(format='iso', timeZone, existingFormat, locale)",
            text: "The current time, in a format as the `date` filter takes it.",
            example: "{{ now('yyyy') | length }}",
            result: "4",
        },
        run: |call| {
            let arguments = Arguments::read(call, Some(0), 1, 2, Some(3))?;
            let moment = arguments.at(call.session().host.now());
            arguments.format(call, &moment)
        },
    },
    Function {
        name: "dayOfWeek",
        parameters: Parameters::Names(&["date"]),
        doc: Doc {
            signature: "dayOfWeek(date)",
            text: "The name of the day, in English capitals.",
            example: "{{ dayOfWeek('2025-01-06') }}",
            result: "MONDAY",
        },
        run: |call| date(call, "dayOfWeek").map(|date| Value::from(name(date.weekday()))),
    },
    Function {
        name: "dayOfMonth",
        parameters: Parameters::Names(&["date"]),
        doc: Doc {
            signature: "dayOfMonth(date)",
            text: "The day of the month.",
            example: "{{ dayOfMonth('2025-01-06') }}",
            result: "6",
        },
        run: |call| date(call, "dayOfMonth").map(|date| Value::Int32(i32::from(date.day()))),
    },
    Function {
        name: "monthOfYear",
        parameters: Parameters::Names(&["date"]),
        doc: Doc {
            signature: "monthOfYear(date)",
            text: "The month, from 1.",
            example: "{{ monthOfYear('2025-01-06') }}",
            result: "1",
        },
        run: |call| date(call, "monthOfYear").map(|date| Value::Int32(i32::from(date.month()))),
    },
    Function {
        name: "hourOfDay",
        parameters: Parameters::Names(&["date"]),
        doc: Doc {
            signature: "hourOfDay(date)",
            text: "The hour of a date with a time, as written.",
            example: "{{ hourOfDay('2025-01-06T14:30:00+02:00') }}",
            result: "14",
        },
        run: |call| {
            let text = date_text(call, "hourOfDay")?;
            let hour = days::local_time(&text)
                .map_err(|reason| unreadable("hourOfDay", &reason))?
                .hour();
            Ok(Value::Int32(i32::from(hour)))
        },
    },
    Function {
        name: "isWeekend",
        parameters: Parameters::Names(&["date"]),
        doc: Doc {
            signature: "isWeekend(date)",
            text: "Whether it is a Saturday or a Sunday.",
            example: "{{ isWeekend('2025-01-04') }}",
            result: "true",
        },
        run: |call| {
            let weekday = date(call, "isWeekend")?.weekday();
            Ok(Value::Bool(matches!(
                weekday,
                Weekday::Saturday | Weekday::Sunday
            )))
        },
    },
    Function {
        name: "isDayWeekInMonth",
        parameters: Parameters::Names(&["date", "dayOfWeek", "position"]),
        doc: Doc {
            signature: "isDayWeekInMonth(date, dayOfWeek, position)",
            text: "Whether it is the `FIRST`, `SECOND`, `THIRD`, `FOURTH` or `LAST` such day of its month.",
            example: "{{ isDayWeekInMonth('2025-01-06', 'MONDAY', 'FIRST') }}",
            result: "true",
        },
        run: is_day_week_in_month,
    },
    Function {
        name: "isLastWorkingDay",
        parameters: Parameters::Names(&["date", "workingDays"]),
        doc: Doc {
            signature: "isLastWorkingDay(date, workingDays='MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY')",
            text: "Whether it is the last working day of its month.",
            example: "{{ isLastWorkingDay('2025-05-30') }}",
            result: "true",
        },
        run: is_last_working_day,
    },
    Function {
        name: "isPublicHoliday",
        parameters: Parameters::Names(&["date", "countryCode", "subDivision"]),
        doc: Doc {
            signature: "isPublicHoliday(date, countryCode, subDivision)",
            text: "Whether it is a public holiday of a whole country, for 23 countries; holidays of its parts are not known.",
            example: "{{ isPublicHoliday('2025-07-14', 'FR') }}",
            result: "true",
        },
        run: |call| {
            let date = date(call, "isPublicHoliday")?;
            let missing = "The 'isPublicHoliday()' function expects a 'countryCode' argument.";
            let country = java_text(call, call.require(1, missing)?)?;
            let division = call
                .get(2)
                .map(|division| java_text(call, division))
                .transpose()?;
            holiday::is_public(date, &country, division.as_deref()).map(Value::Bool)
        },
    },
    Function {
        name: "isDateBetween",
        parameters: Parameters::Names(&["date", "after", "before"]),
        doc: Doc {
            signature: "isDateBetween(date, after, before)",
            text: "Whether a date with an offset lies between two others, both excluded.",
            example: "{{ isDateBetween('2025-01-02T00:00:00Z', '2025-01-01T00:00:00Z', '2025-01-03T00:00:00Z') }}",
            result: "true",
        },
        run: |call| {
            let instant = |index: usize, name: &str| {
                let missing =
                    format!("The 'isDateBetween()' function expects a '{name}' argument.");
                let text = java_text(call, call.require(index, &missing)?)?;
                days::instant(&text).map_err(|reason| {
                    Error::evaluation(format!(
                        "The 'isDateBetween()' function could not parse '{name}': {reason}"
                    ))
                })
            };
            let (date, after, before) = (
                instant(0, "date")?,
                instant(1, "after")?,
                instant(2, "before")?,
            );
            Ok(Value::Bool(after < date && date < before))
        },
    },
];

fn date_text(call: &Call<'_, '_>, function: &str) -> Result<String, Error> {
    let missing = format!("The '{function}()' function expects a 'date' argument.");
    java_text(call, call.require(0, &missing)?)
}

fn unreadable(function: &str, reason: &str) -> Error {
    Error::evaluation(format!(
        "The '{function}()' function could not parse 'date': {reason}"
    ))
}

/// The date of the first argument, as written: an offset does not move it.
fn date(call: &Call<'_, '_>, function: &str) -> Result<Date, Error> {
    let text = date_text(call, function)?;
    days::local_date(&text).map_err(|reason| unreadable(function, &reason))
}

const NAMES: [(&str, Weekday); 7] = [
    ("MONDAY", Weekday::Monday),
    ("TUESDAY", Weekday::Tuesday),
    ("WEDNESDAY", Weekday::Wednesday),
    ("THURSDAY", Weekday::Thursday),
    ("FRIDAY", Weekday::Friday),
    ("SATURDAY", Weekday::Saturday),
    ("SUNDAY", Weekday::Sunday),
];

fn name(weekday: Weekday) -> &'static str {
    NAMES
        .iter()
        .find(|(_, known)| *known == weekday)
        .map_or("", |(name, _)| name)
}

fn weekday(text: &str) -> Option<Weekday> {
    NAMES
        .iter()
        .find(|(name, _)| *name == text.trim().to_uppercase())
        .map(|(_, weekday)| *weekday)
}

fn is_day_week_in_month(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    const FUNCTION: &str = "isDayWeekInMonth";
    let date = date(call, FUNCTION)?;
    let argument = |index: usize, name: &str| {
        let missing = format!("The '{FUNCTION}()' function expects a '{name}' argument.");
        java_text(call, call.require(index, &missing)?)
    };
    let invalid = |name: &str, value: &str, expected: &str| {
        Error::evaluation(format!(
            "The '{FUNCTION}()' function received an invalid '{name}' value: '{value}'. Expected one of: {expected}."
        ))
    };
    let day = argument(1, "dayOfWeek")?;
    let position = argument(2, "position")?;
    let Some(weekday) = weekday(&day) else {
        return Err(invalid(
            "dayOfWeek",
            &day,
            &NAMES.map(|(name, _)| name).join(", "),
        ));
    };
    let number = (date.day() - 1) / 7;
    let is_last = date.day() + 7 > date.days_in_month();
    let at_position = match position.to_uppercase().as_str() {
        "FIRST" => number == 0,
        "SECOND" => number == 1,
        "THIRD" => number == 2,
        "FOURTH" => number == 3,
        "LAST" => is_last,
        _ => {
            return Err(invalid(
                "position",
                &position,
                "FIRST, SECOND, THIRD, FOURTH, LAST",
            ));
        }
    };
    Ok(Value::Bool(date.weekday() == weekday && at_position))
}

fn is_last_working_day(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let date = date(call, "isLastWorkingDay")?;
    let listed = call
        .get(1)
        .map(|list| java_text(call, list))
        .transpose()?
        .filter(|list| !list.trim().is_empty());
    let working: Vec<Weekday> = match &listed {
        None => NAMES[..5].iter().map(|(_, weekday)| *weekday).collect(),
        Some(list) => list.split(',').map(weekday).collect::<Option<Vec<Weekday>>>().ok_or_else(|| {
            Error::evaluation(format!(
                "The 'isLastWorkingDay()' function received an invalid 'workingDays' value: '{list}'. \
                 Expected day names like MONDAY, TUESDAY, etc."
            ))
        })?,
    };
    let last = date.last_of_month();
    let days = std::iter::successors(Some(last), |day| day.yesterday().ok()).take(31);
    let last_working = days
        .into_iter()
        .find(|day| working.contains(&day.weekday()));
    Ok(Value::Bool(last_working == Some(date)))
}
