//! What can be read off a date.

use jiff::civil::Date;

use super::locale::Weeks;

/// The number of a day within its week.
pub(super) fn day_of_week(date: Date, weeks: Weeks) -> i64 {
    (i64::from(date.weekday().to_monday_one_offset()) - weeks.first_day).rem_euclid(7) + 1
}

/// The week of the year that belongs to the year of [`week_year`].
pub(super) fn week_of_year(date: Date, weeks: Weeks) -> i64 {
    let offset = start_of_week(i64::from(date.day_of_year()), date, weeks);
    let week = week(offset, i64::from(date.day_of_year()));
    if week == 0 {
        let days = date.day_of_year();
        return match date.checked_sub(jiff::Span::new().days(days)) {
            Ok(last_year) => week_of_year(last_year, weeks),
            Err(_) => 52,
        };
    }
    let next = next_year(offset, date, weeks);
    if week >= next { week - next + 1 } else { week }
}

/// The year to which the week of a date belongs.
pub(super) fn week_year(date: Date, weeks: Weeks) -> i64 {
    let offset = start_of_week(i64::from(date.day_of_year()), date, weeks);
    let week = week(offset, i64::from(date.day_of_year()));
    let year = i64::from(date.year());
    match week {
        0 => year - 1,
        week if week >= next_year(offset, date, weeks) => year + 1,
        _ => year,
    }
}

/// The week of the month; 0 before its first whole enough week.
pub(super) fn week_of_month(date: Date, weeks: Weeks) -> i64 {
    let day = i64::from(date.day());
    week(start_of_week(day, date, weeks), day)
}

fn start_of_week(day: i64, date: Date, weeks: Weeks) -> i64 {
    let start = (day - day_of_week(date, weeks)).rem_euclid(7);
    if start + 1 > weeks.minimal_days {
        7 - start
    } else {
        -start
    }
}

fn week(offset: i64, day: i64) -> i64 {
    (7 + offset + (day - 1)) / 7
}

fn next_year(offset: i64, date: Date, weeks: Weeks) -> i64 {
    week(offset, i64::from(date.days_in_year()) + weeks.minimal_days)
}

/// The date of a day in a week of a year.
pub(super) fn from_week(year: i64, week: i64, day: i64, weeks: Weeks) -> Option<Date> {
    let first = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
    // The first week begins this many days after the first of January.
    let start = -start_of_week(1, first, weeks);
    let days = start + (week - 1) * 7 + (day - 1);
    first
        .checked_add(jiff::Span::new().try_days(days).ok()?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITED_STATES: Weeks = Weeks {
        first_day: 7,
        minimal_days: 1,
    };
    const ISO: Weeks = Weeks {
        first_day: 1,
        minimal_days: 4,
    };

    #[test]
    fn weeks_are_counted_as_java_counts_them() {
        let date = |year, month, day| Date::new(year, month, day).unwrap();
        assert_eq!(
            (
                week_year(date(2024, 12, 31), UNITED_STATES),
                week_of_year(date(2024, 12, 31), UNITED_STATES)
            ),
            (2025, 1)
        );
        assert_eq!(
            (
                week_year(date(2021, 1, 3), UNITED_STATES),
                week_of_year(date(2021, 1, 3), UNITED_STATES)
            ),
            (2021, 2)
        );
        assert_eq!(
            (
                week_year(date(2021, 1, 3), ISO),
                week_of_year(date(2021, 1, 3), ISO)
            ),
            (2020, 53)
        );
        assert_eq!(
            (
                week_year(date(2024, 12, 30), ISO),
                week_of_year(date(2024, 12, 30), ISO)
            ),
            (2025, 1)
        );
        assert_eq!(week_of_month(date(2024, 9, 1), UNITED_STATES), 1);
    }

    #[test]
    fn a_week_leads_back_to_its_days() {
        for weeks in [UNITED_STATES, ISO] {
            let mut date = Date::new(2019, 12, 20).unwrap();
            for _ in 0..1500 {
                let found = from_week(
                    week_year(date, weeks),
                    week_of_year(date, weeks),
                    day_of_week(date, weeks),
                    weeks,
                );
                assert_eq!(found, Some(date));
                date = date.tomorrow().unwrap();
            }
        }
    }
}
