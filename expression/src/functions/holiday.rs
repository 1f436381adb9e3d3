//! Public holidays, as Kestra's engine knows them.
//!
//! Each country has a list of rules, separated by blanks:
//!
//! | rule | day |
//! | --- | --- |
//! | `5/1` | every year the same |
//! | `E+39` | so many days after Easter Sunday, or before it |
//! | `9/#1` | the first Monday of a month; `#-1` is the last |
//! | `11/#4thu` | the fourth Thursday of a month |
//! | `6/20>sat` | the first Saturday from a day on |
//!
//! A suffix moves a day off the weekend: `^` to the Monday after, `~` from Saturday to the Friday before and from Sunday to the
//! Monday after, `v` from Sunday to the Saturday before, `w` by two days. `@2026` begins a holiday in a year, `!2026` ends it
//! before one.

use jiff::civil::{Date, Weekday};

use crate::Error;

/// The countries and their rules.
const COUNTRIES: &[(&str, &str)] = &[
    (
        "AT",
        "1/1 1/6 E+0 E+1 5/1 E+39 E+49 E+50 E+60 8/15 10/26 11/1 12/8 12/24 12/25 12/26 12/31",
    ),
    (
        "AU",
        "1/1 1/1^ 1/26^ E-2 E-1 E+0 E+1 4/25 12/25 12/25w 12/26 12/26w",
    ),
    (
        "BE",
        "1/1 E+0 E+1 5/1 E+39 E+49 E+50 7/21 8/15 11/1 11/2 11/11 11/15 12/25 12/31",
    ),
    (
        "BR",
        "1/1 E-47 E-46 E-2 E+0 4/21 5/1 E+60 9/7 10/12 11/2 11/15 11/20@2024 12/25",
    ),
    ("CA", "1/1 E-2 7/1 9/#1 12/25"),
    ("CH", "1/1 1/2 E+0 E+39 8/1 12/25"),
    (
        "CZ",
        "1/1 E-2 E+1 5/1 5/8 7/5 7/6 9/28 10/28 11/17 12/24 12/25 12/26",
    ),
    ("DE", "1/1 E-2 E+1 5/1 E+39 E+50 10/3 12/25 12/26"),
    (
        "DK",
        "1/1 E-3 E-2 E+0 E+1 E+26!2024 E+39 E+49 E+50 12/25 12/26",
    ),
    ("ES", "1/1 1/6 E-2 5/1 8/15 10/12 11/1 12/6 12/8 12/25"),
    (
        "FI",
        "1/1 1/6 E-2 E+0 E+1 5/1 E+39 E+49 6/19>fri 6/20>sat 10/31>sat 12/6 12/24 12/25 12/26",
    ),
    ("FR", "1/1 E+1 5/1 5/8 E+39 E+50 7/14 8/15 11/1 11/11 12/25"),
    (
        "GB",
        "1/1^ E-2 5/#1 5/#-1!2022 5/#-1@2023 6/2!2023@2022 6/3!2023@2022 9/19!2023@2022 5/8!2024@2023 12/25w 12/26w",
    ),
    (
        "IE",
        "1/1 2/#1@2023 3/17 E+0 E+1 5/#1 6/#1 8/#1 10/#-1 12/25 12/26",
    ),
    (
        "IT",
        "1/1 1/6 E+0 E+1 4/25 5/1 6/2 8/15 10/4@2026 11/1 12/8 12/25 12/26",
    ),
    (
        "JP",
        "1/1 1/#2 2/11 4/29 5/3 5/4 5/5 7/#3 8/11 9/#3 10/#2 11/3 11/23 12/23",
    ),
    ("LU", "1/1 E+1 5/1 5/9 E+39 E+50 6/23 8/15 11/1 12/25 12/26"),
    ("NL", "1/1 E-2 E+0 E+1 4/27v 5/5 E+39 E+49 E+50 12/25 12/26"),
    (
        "NO",
        "1/1 E-3 E-2 E+0 E+1 5/1 5/17 E+39 E+49 E+50 12/25 12/26",
    ),
    (
        "PL",
        "1/1 1/6 E+0 E+1 5/1 5/3 E+49 E+60 8/15 11/1 11/11 12/24@2025 12/25 12/26",
    ),
    (
        "PT",
        "1/1 E-47 E-2 E+0 4/25 5/1 E+60 6/10 8/15 10/5 11/1 12/1 12/8 12/25",
    ),
    (
        "SE",
        "1/1 1/6 E-2 E+0 E+1 5/1 E+39 6/6 E+49 6/19>fri 6/20>sat 10/31>sat 12/24 12/25 12/26 12/31",
    ),
    (
        "US",
        "1/1~ 1/#3 2/#3 5/#-1 6/19~ 7/4~ 9/#1 11/11~ 11/#4thu 12/25~",
    ),
];

/// Whether a day is a public holiday of a whole country. Holidays of its parts are not known, so a subdivision says nothing.
pub(super) fn is_public(date: Date, country: &str, _division: Option<&str>) -> Result<bool, Error> {
    let wanted = country.to_ascii_uppercase();
    let Some((_, rules)) = COUNTRIES.iter().find(|(code, _)| *code == wanted) else {
        let known: Vec<&str> = COUNTRIES.iter().map(|(code, _)| *code).collect();
        return Err(Error::evaluation(format!(
            "no holidays are known for `{country}` (only for {})",
            known.join(", ")
        )));
    };
    Ok(rules
        .split(' ')
        .any(|rule| day(rule, date.year()) == Some(date)))
}

/// The day a rule means in a year.
fn day(rule: &str, year: i16) -> Option<Date> {
    let (rule, begins) = match rule.split_once('@') {
        Some((rule, begins)) => (rule, begins.parse().ok()?),
        None => (rule, i16::MIN),
    };
    let (rule, ends) = match rule.split_once('!') {
        Some((rule, ends)) => (rule, ends.parse().ok()?),
        None => (rule, i16::MAX),
    };
    if year < begins || year >= ends {
        return None;
    }
    if let Some(days) = rule.strip_prefix('E') {
        let days: i64 = days.parse().ok()?;
        return easter(year)?.checked_add(jiff::Span::new().days(days)).ok();
    }
    let (month, rest) = rule.split_once('/')?;
    let month = month.parse().ok()?;
    if let Some(nth) = rest.strip_prefix('#') {
        let digits = nth
            .find(|unit: char| unit.is_ascii_alphabetic())
            .unwrap_or(nth.len());
        let weekday = weekday(&nth[digits..]).unwrap_or(Weekday::Monday);
        let first = Date::new(year, month, 1).ok()?;
        return first
            .nth_weekday_of_month(nth[..digits].parse().ok()?, weekday)
            .ok();
    }
    if let Some((from, name)) = rest.split_once('>') {
        let from = Date::new(year, month, from.parse().ok()?).ok()?;
        return from.yesterday().ok()?.nth_weekday(1, weekday(name)?).ok();
    }
    let number = rest.trim_end_matches(['^', '~', 'v', 'w']);
    let date = Date::new(year, month, number.parse().ok()?).ok()?;
    let moved = match (&rest[number.len()..], date.weekday()) {
        ("^" | "w", Weekday::Saturday) | ("w", Weekday::Sunday) => 2,
        ("^" | "~", Weekday::Sunday) => 1,
        ("~", Weekday::Saturday) | ("v", Weekday::Sunday) => -1,
        _ => 0,
    };
    date.checked_add(jiff::Span::new().days(moved)).ok()
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        _ => return None,
    })
}

/// Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher).
fn easter(year: i16) -> Option<Date> {
    let year_number = i32::from(year);
    let (golden, century, rest) = (year_number % 19, year_number / 100, year_number % 100);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + century - century / 4 - correction + 15) % 30;
    let week = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * week) / 451;
    let days = moon + week - 7 * late + 114;
    let (month, day) = (days / 31, days % 31 + 1);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The holidays of a country in a year, as `month/day`.
    fn of(country: &str, year: i16) -> String {
        let first = Date::constant(year, 1, 1);
        first
            .series(jiff::Span::new().days(1))
            .take_while(|date| date.year() == year)
            .filter(|date| is_public(*date, country, None).unwrap())
            .map(|date| format!("{}/{}", date.month(), date.day()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn holidays_are_those_of_the_engine() {
        for (country, year, days) in [
            (
                "fr",
                2025,
                "1/1 4/21 5/1 5/8 5/29 6/9 7/14 8/15 11/1 11/11 12/25",
            ),
            (
                "US",
                2026,
                "1/1 1/19 2/16 5/25 6/19 7/3 9/7 11/11 11/26 12/25",
            ),
            ("GB", 2026, "1/1 4/3 5/4 5/25 12/25 12/28"),
            (
                "AU",
                2026,
                "1/1 1/26 4/3 4/4 4/5 4/6 4/25 12/25 12/26 12/28",
            ),
            (
                "NL",
                2025,
                "1/1 4/18 4/20 4/21 4/26 5/5 5/29 6/8 6/9 12/25 12/26",
            ),
            (
                "SE",
                2026,
                "1/1 1/6 4/3 4/5 4/6 5/1 5/14 5/24 6/6 6/19 6/20 10/31 12/24 12/25 12/26 12/31",
            ),
            (
                "IT",
                2026,
                "1/1 1/6 4/5 4/6 4/25 5/1 6/2 8/15 10/4 11/1 12/8 12/25 12/26",
            ),
        ] {
            assert_eq!(of(country, year), days, "{country} {year}");
        }
    }

    #[test]
    fn every_rule_means_a_day_in_some_year() {
        for (country, rules) in COUNTRIES {
            for rule in rules.split(' ') {
                assert!(
                    (2020..2030).any(|year| day(rule, year).is_some()),
                    "{country} {rule}"
                );
            }
        }
        assert!(is_public(Date::constant(2025, 1, 1), "XX", None).is_err());
    }
}
