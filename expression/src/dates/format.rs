//! Patterns to texts.

use super::fields::{day_of_week, week_of_month, week_of_year, week_year};
use super::input::Moment;
use super::locale::{self, Locale, Use, Weeks, Width};
use super::pattern::{Part, Pattern};
use super::{zone, zone_names};

const ISO_WEEKS: Weeks = Weeks {
    first_day: 1,
    minimal_days: 4,
};

/// What a pattern prints with.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) locale: &'static Locale,
    pub(super) weeks: Weeks,
}

impl Pattern {
    /// The moment in this pattern.
    pub(super) fn format(&self, moment: &Moment, style: Style) -> String {
        let mut text = String::new();
        write(&self.parts, moment, style, &mut text);
        text
    }
}

fn write(parts: &[Part], moment: &Moment, style: Style, text: &mut String) {
    for part in parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Field { letter, count } => text.push_str(&field(*letter, *count, moment, style)),
            Part::Padded {
                width,
                letter,
                count,
            } => {
                text.push_str(&format!(
                    "{:>width$}",
                    field(*letter, *count, moment, style)
                ));
            }
            Part::Optional(parts) => write(parts, moment, style, text),
            Part::Seconds => {
                text.push_str(&format!(":{:02}", moment.zoned.second()));
                text.push_str(&fraction(moment));
            }
            Part::FractionInThrees => text.push_str(&fraction_in_threes(moment)),
            Part::BracketedZone => {
                if !moment.zone.is_offset() {
                    text.push_str(&format!("[{}]", moment.zone.id));
                }
            }
            Part::OffsetOrGmt => match moment.zoned.offset().seconds() {
                0 => text.push_str("GMT"),
                seconds => text.push_str(&zone::signed(seconds, "", false)),
            },
            Part::OptionalDayName => {
                let index = weekday_index(moment);
                text.push_str(locale::english().days.get(index, Width::Short, Use::InDate));
                text.push_str(", ");
            }
        }
    }
}

/// A point and as many digits as the fraction of the second has; nothing if it has none.
fn fraction(moment: &Moment) -> String {
    match moment.zoned.subsec_nanosecond() {
        0 => String::new(),
        nanoseconds => format!(".{nanoseconds:09}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

fn fraction_in_threes(moment: &Moment) -> String {
    match moment.zoned.subsec_nanosecond() {
        0 => String::new(),
        nanoseconds if nanoseconds % 1_000_000 == 0 => format!(".{:03}", nanoseconds / 1_000_000),
        nanoseconds if nanoseconds % 1_000 == 0 => format!(".{:06}", nanoseconds / 1_000),
        nanoseconds => format!(".{nanoseconds:09}"),
    }
}

/// The weekday, from Monday as 0.
fn weekday_index(moment: &Moment) -> usize {
    usize::try_from(moment.zoned.weekday().to_monday_zero_offset()).unwrap_or(0)
}

fn width(count: usize) -> Width {
    match count {
        4 => Width::Full,
        5 => Width::Narrow,
        _ => Width::Short,
    }
}

fn padded(value: i64, count: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{:0>count$}", value.unsigned_abs())
}

fn year(value: i64, count: usize) -> String {
    match count {
        2 => format!("{:02}", value.rem_euclid(100)),
        _ if count >= 4 && value > 9999 => format!("+{}", padded(value, count)),
        _ => padded(value, count),
    }
}

fn field(letter: char, count: usize, moment: &Moment, style: Style) -> String {
    let Style { locale, weeks } = style;
    let zoned = &moment.zoned;
    let date = zoned.date();
    let proleptic = i64::from(date.year());
    let month = usize::try_from(date.month() - 1).unwrap_or(0);
    let hour = i64::from(zoned.hour());
    let seconds = hour * 3600 + i64::from(zoned.minute()) * 60 + i64::from(zoned.second());
    let nanoseconds = i64::from(zoned.subsec_nanosecond());
    match letter {
        'G' => locale
            .era(usize::from(proleptic > 0), width(count))
            .to_owned(),
        'y' => year(
            if proleptic > 0 {
                proleptic
            } else {
                1 - proleptic
            },
            count,
        ),
        'u' => year(proleptic, count),
        'Y' => year(week_year(date, weeks), count),
        'M' | 'L' if count < 3 => padded(i64::from(date.month()), count),
        'M' => locale
            .months
            .get(month, width(count), Use::InDate)
            .to_owned(),
        'L' => locale
            .months
            .get(month, width(count), Use::Alone)
            .to_owned(),
        'μ' => locale::english()
            .months
            .get(month, Width::Short, Use::InDate)
            .to_owned(),
        'Q' | 'q' if count < 3 => padded(i64::from((date.month() - 1) / 3 + 1), count),
        'Q' | 'q' if count == 5 => ((date.month() - 1) / 3 + 1).to_string(),
        'Q' | 'q' => locale.quarter(month / 3, width(count)).to_owned(),
        'w' => padded(week_of_year(date, weeks), count),
        'W' => padded(week_of_month(date, weeks), count),
        'ω' => match count {
            4 => year(week_year(date, ISO_WEEKS), 4),
            2 => padded(week_of_year(date, ISO_WEEKS), 2),
            _ => padded(day_of_week(date, ISO_WEEKS), 1),
        },
        'd' => padded(i64::from(date.day()), count),
        'D' => padded(i64::from(date.day_of_year()), count),
        'F' => padded(i64::from((date.day() - 1) / 7 + 1), count),
        'g' => padded(modified_julian_day(date), count),
        'e' | 'c' if count < 3 => padded(day_of_week(date, weeks), count),
        'E' | 'e' => locale
            .days
            .get(weekday_index(moment), width(count), Use::InDate)
            .to_owned(),
        'c' => locale
            .days
            .get(weekday_index(moment), width(count), Use::Alone)
            .to_owned(),
        'a' => locale.half(usize::from(hour >= 12)).to_owned(),
        'B' => locale
            .part_of_day(zoned.hour(), seconds % 3600 == 0 && nanoseconds == 0)
            .to_owned(),
        'h' => padded((hour + 11) % 12 + 1, count),
        'K' => padded(hour % 12, count),
        'k' => padded((hour + 23) % 24 + 1, count),
        'H' => padded(hour, count),
        'm' => padded(i64::from(zoned.minute()), count),
        's' => padded(i64::from(zoned.second()), count),
        'S' => format!("{nanoseconds:09}")[..count.min(9)].to_owned(),
        'A' => padded(seconds * 1000 + nanoseconds / 1_000_000, count),
        'n' => padded(nanoseconds, count),
        'N' => padded(seconds * 1_000_000_000 + nanoseconds, count),
        'V' => moment.zone.id.clone(),
        'z' | 'v' => zone_names::name(moment, letter, count),
        'ζ' => zone::offset_text(zoned.offset()),
        _ => offset(letter, count, zoned.offset().seconds()),
    }
}

fn modified_julian_day(date: jiff::civil::Date) -> i64 {
    let start = jiff::civil::date(1858, 11, 17);
    start
        .until(date)
        .map_or(0, |span| i64::from(span.get_days()))
}

fn offset(letter: char, count: usize, seconds: i32) -> String {
    let rest = seconds % 60 != 0;
    match (letter, count) {
        ('X', _) if seconds == 0 => "Z".to_owned(),
        ('Z', 5) if seconds == 0 => "Z".to_owned(),
        ('X' | 'x', 1) if seconds % 3600 == 0 => zone::signed(seconds, "", false)[..3].to_owned(),
        ('X' | 'x', 1 | 2) | ('Z', 1..=3) => zone::signed(seconds, "", false),
        ('X' | 'x', 3) => zone::signed(seconds, ":", false),
        ('X' | 'x', 4) => zone::signed(seconds, "", rest),
        ('X' | 'x', _) | ('Z', 5) => zone::signed(seconds, ":", rest),
        _ if seconds == 0 => "GMT".to_owned(),
        ('O', 1) => {
            let full = zone::signed(seconds, ":", rest);
            let short = full.strip_suffix(":00").unwrap_or(&full);
            let (sign, digits) = short.split_at(1);
            format!("GMT{sign}{}", digits.strip_prefix('0').unwrap_or(digits))
        }
        _ => format!("GMT{}", zone::signed(seconds, ":", rest)),
    }
}
