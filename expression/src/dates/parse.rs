//! Texts in a pattern to dates.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::fields::from_week;
use super::format::Style;
use super::locale::{self, Use, Weeks, Width};
use super::pattern::{Part, Pattern};
use super::zone::{self, Zone};
use super::zone_names;

/// What was read.
#[derive(Clone, Debug, Default)]
struct Fields {
    year: Option<i64>,
    /// Whether the year counts within an era, and which.
    era: Option<usize>,
    year_of_era: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week_year: Option<i64>,
    week: Option<i64>,
    week_day: Option<i64>,
    iso_week_year: Option<i64>,
    iso_week: Option<i64>,
    iso_week_day: Option<i64>,
    hour: Option<i64>,
    hour_of_half: Option<i64>,
    half: Option<usize>,
    minute: Option<i64>,
    second: Option<i64>,
    nanosecond: Option<i64>,
    offset: Option<Offset>,
    zone: Option<Zone>,
}

/// What a text says: a date, and perhaps a time and a zone.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) date: Date,
    pub(super) time: Option<Time>,
    pub(super) offset: Option<Offset>,
    pub(super) zone: Option<Zone>,
}

impl Pattern {
    /// Reads a text that is in this pattern from beginning to end.
    ///
    /// # Errors
    /// Where and why it is not.
    pub(super) fn read(&self, text: &str, style: Style) -> Result<Read, String> {
        let mut reader = Reader {
            text,
            at: 0,
            fields: Fields::default(),
            style,
        };
        reader
            .parts(&self.parts)
            .map_err(|at| format!("Text '{text}' could not be parsed at index {at}"))?;
        if reader.at < text.len() {
            return Err(format!(
                "Text '{text}' could not be parsed, unparsed text found at index {}",
                reader.at
            ));
        }
        reader
            .fields
            .resolve(style.weeks)
            .map_err(|reason| format!("Text '{text}' could not be parsed: {reason}"))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    fields: Fields,
    style: Style,
}

impl Reader<'_> {
    /// Reads the parts; the error is the place where the text is another.
    fn parts(&mut self, parts: &[Part]) -> Result<(), usize> {
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Text(literal) => self.literal(literal)?,
                Part::Field { letter, count } => {
                    self.field(*letter, *count, reserved(&parts[index + 1..]))?
                }
                Part::Padded { letter, count, .. } => {
                    while self.rest().starts_with(' ') {
                        self.at += 1;
                    }
                    self.field(*letter, *count, 0)?;
                }
                Part::Optional(inner) => {
                    let (at, fields) = (self.at, self.fields.clone());
                    if self.parts(inner).is_err() {
                        self.at = at;
                        self.fields = fields;
                    }
                }
                Part::Seconds => {
                    if self.rest().starts_with(':') {
                        self.at += 1;
                        self.fields.second = Some(self.digits(2, 2)?);
                        self.fraction(0, 9)?;
                    }
                }
                Part::FractionInThrees => self.fraction(0, 9)?,
                Part::BracketedZone => {
                    if let Some(rest) = self.rest().strip_prefix('[') {
                        let end = rest.find(']').ok_or(self.at)?;
                        self.fields.zone = Some(zone::parse(&rest[..end]).ok_or(self.at)?);
                        self.at += end + 2;
                    }
                }
                Part::OffsetOrGmt => self.offset('Z', 1, "GMT")?,
                Part::OptionalDayName => {
                    let names = &locale::english().days;
                    if let Some((_, length)) = names.find(self.rest(), Width::Short, Use::InDate) {
                        self.at += length;
                        self.literal(", ")?;
                    }
                }
            }
        }
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn literal(&mut self, literal: &str) -> Result<(), usize> {
        if !self.rest().starts_with(literal) {
            return Err(self.at);
        }
        self.at += literal.len();
        Ok(())
    }

    /// Reads digits, as many as there are from `least` to `most`.
    fn digits(&mut self, least: usize, most: usize) -> Result<i64, usize> {
        let count = self
            .rest()
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if count < least {
            return Err(self.at);
        }
        let value = self.rest()[..count].parse().map_err(|_| self.at)?;
        self.at += count;
        Ok(value)
    }

    /// Reads a number whose following fields need `reserved` digits of the same run.
    fn number(&mut self, count: usize, most: usize, reserved: usize) -> Result<i64, usize> {
        let negative = count != 2 && self.rest().starts_with('-');
        self.at += usize::from(negative);
        let run = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let most = most.min(run.saturating_sub(reserved)).max(count);
        let value = self.digits(count.max(1), most)?;
        Ok(if negative { -value } else { value })
    }

    fn fraction(&mut self, least: usize, most: usize) -> Result<(), usize> {
        if !self.rest().starts_with('.') {
            return if least == 0 { Ok(()) } else { Err(self.at) };
        }
        self.at += 1;
        self.plain_fraction(least, most)
    }

    fn plain_fraction(&mut self, least: usize, most: usize) -> Result<(), usize> {
        let start = self.at;
        self.digits(least, most)?;
        let digits = &self.text[start..self.at];
        self.fields.nanosecond = Some(format!("{digits:0<9}").parse().map_err(|_| start)?);
        Ok(())
    }

    fn name(&mut self, found: Option<(usize, usize)>) -> Result<usize, usize> {
        let (index, length) = found.ok_or(self.at)?;
        self.at += length;
        Ok(index)
    }

    fn field(&mut self, letter: char, count: usize, reserved: usize) -> Result<(), usize> {
        let locale = self.style.locale;
        let wide = match count {
            4 => Width::Full,
            5 => Width::Narrow,
            _ => Width::Short,
        };
        let alone = if matches!(letter, 'L' | 'c') {
            Use::Alone
        } else {
            Use::InDate
        };
        // One letter takes as many digits as there are, two or more take exactly so many.
        let most = if count == 1 { 19 } else { count };
        match letter {
            'y' | 'u' | 'Y' => {
                let year = match count {
                    2 => 2000 + self.digits(2, 2)?,
                    _ => self.year(count, reserved)?,
                };
                match letter {
                    'y' => self.fields.year_of_era = Some(year),
                    'u' => self.fields.year = Some(year),
                    _ => self.fields.week_year = Some(year),
                }
            }
            'G' => {
                let found = [1, 0]
                    .into_iter()
                    .find(|era| self.rest().starts_with(locale.era(*era, wide)));
                let era = found.ok_or(self.at)?;
                self.at += locale.era(era, wide).len();
                self.fields.era = Some(era);
            }
            'M' | 'L' if count < 3 => self.fields.month = Some(self.number(count, most, reserved)?),
            'M' | 'L' => {
                let found = locale.months.find(self.rest(), wide, alone);
                self.fields.month = Some(number_of(self.name(found)?));
            }
            'μ' => {
                let found = locale::english()
                    .months
                    .find(self.rest(), Width::Short, Use::InDate);
                self.fields.month = Some(number_of(self.name(found)?));
            }
            'd' => self.fields.day = Some(self.number(count, most, reserved)?),
            'D' => {
                self.fields.day_of_year =
                    Some(self.number(count, if count == 2 { 3 } else { most }, reserved)?)
            }
            'w' => self.fields.week = Some(self.number(count, most, reserved)?),
            'e' | 'c' if count < 3 => {
                self.fields.week_day = Some(self.number(count, most, reserved)?)
            }
            'E' | 'e' | 'c' => {
                let found = locale.days.find(self.rest(), wide, alone);
                let day = number_of(self.name(found)?);
                self.fields.iso_week_day = Some(day);
            }
            'ω' => match count {
                4 => self.fields.iso_week_year = Some(self.year(4, 0)?),
                2 => self.fields.iso_week = Some(self.digits(2, 2)?),
                _ => self.fields.iso_week_day = Some(self.digits(1, 1)?),
            },
            'a' => {
                let found = [0, 1]
                    .into_iter()
                    .find(|half| self.rest().starts_with(locale.half(*half)));
                let half = found.ok_or(self.at)?;
                self.at += locale.half(half).len();
                self.fields.half = Some(half);
            }
            'H' => self.fields.hour = Some(self.number(count, most, reserved)?),
            'k' => self.fields.hour = Some(self.number(count, most, reserved)? % 24),
            'h' => self.fields.hour_of_half = Some(self.number(count, most, reserved)? % 12),
            'K' => self.fields.hour_of_half = Some(self.number(count, most, reserved)?),
            'm' => self.fields.minute = Some(self.number(count, most, reserved)?),
            's' => self.fields.second = Some(self.number(count, most, reserved)?),
            'S' => self.plain_fraction(count, count)?,
            'n' => self.fields.nanosecond = Some(self.number(count, 19, reserved)?),
            'A' => {
                let milliseconds = self.number(count, 19, reserved)?;
                self.time_of_day(milliseconds.checked_mul(1_000_000).ok_or(self.at)?);
            }
            'N' => {
                let nanoseconds = self.number(count, 19, reserved)?;
                self.time_of_day(nanoseconds);
            }
            'V' => {
                let taken: usize = self
                    .rest()
                    .chars()
                    .take_while(|unit| unit.is_ascii_alphanumeric() || "/_+-:~".contains(*unit))
                    .map(char::len_utf8)
                    .sum();
                let found = (1..=taken)
                    .rev()
                    .find_map(|length| Some((zone::parse(&self.rest()[..length])?, length)));
                let (zone, length) = found.ok_or(self.at)?;
                self.at += length;
                self.fields.zone = Some(zone);
            }
            'z' | 'v' => {
                let (name, length) = zone_names::find(self.rest()).ok_or(self.at)?;
                self.at += length;
                self.fields.zone = zone::parse(name);
            }
            'ζ' => self.offset('X', 5, "")?,
            'X' | 'x' | 'Z' | 'O' => self.offset(
                letter,
                count,
                if count == 4 || letter == 'O' {
                    "GMT"
                } else {
                    ""
                },
            )?,
            // Quarters, weeks of months and parts of the day print, but say nothing a date needs.
            _ => return Err(self.at),
        }
        Ok(())
    }

    fn year(&mut self, count: usize, reserved: usize) -> Result<i64, usize> {
        let start = self.at;
        let sign = match self.rest().as_bytes().first() {
            Some(b'-') => Some(-1),
            Some(b'+') if count >= 4 => Some(1),
            _ => None,
        };
        self.at += usize::from(sign.is_some());
        let run = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let most = run.saturating_sub(reserved).clamp(count, 19);
        let from = self.at;
        let value = self.digits(count, most)?;
        if sign.is_none() && count >= 4 && self.at - from > count {
            return Err(start);
        }
        Ok(sign.unwrap_or(1) * value)
    }

    fn time_of_day(&mut self, nanoseconds: i64) {
        let seconds = nanoseconds.div_euclid(1_000_000_000);
        self.fields.hour = Some(seconds / 3600);
        self.fields.minute = Some(seconds / 60 % 60);
        self.fields.second = Some(seconds % 60);
        self.fields.nanosecond = Some(nanoseconds.rem_euclid(1_000_000_000));
    }

    /// Reads an offset; `prefix` is what stands before it, and alone means none.
    fn offset(&mut self, letter: char, count: usize, prefix: &str) -> Result<(), usize> {
        let start = self.at;
        if !prefix.is_empty() && self.rest().starts_with(prefix) {
            self.at += prefix.len();
            if !self.rest().starts_with(['+', '-']) {
                self.fields.offset = Some(Offset::UTC);
                return Ok(());
            }
        }
        let takes_z = letter == 'X' || (letter == 'Z' && count == 5);
        if takes_z && self.rest().starts_with(['Z', 'z']) {
            self.at += 1;
            self.fields.offset = Some(Offset::UTC);
            return Ok(());
        }
        let colon = matches!(
            (letter, count),
            ('X' | 'x', 3 | 5) | ('Z', 4 | 5) | ('O', _)
        );
        let rest = self.rest();
        if !rest.starts_with(['+', '-']) {
            return Err(start);
        }
        let pair = |at: usize| {
            rest.get(at..at + 2)
                .is_some_and(|pair| pair.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut length = if pair(1) { 3 } else { return Err(start) };
        let more = |length: usize| match colon {
            true => (rest[length..].starts_with(':') && pair(length + 1)).then_some(length + 3),
            false => pair(length).then_some(length + 2),
        };
        let minutes_may_lack = (matches!(letter, 'X' | 'x') && count == 1)
            || letter == 'O'
            || (letter == 'X' && count == 5);
        match more(length) {
            Some(longer) => length = longer,
            None if minutes_may_lack => {}
            None => return Err(start),
        }
        if count >= 4 && length > 3 {
            length = more(length).unwrap_or(length);
        }
        self.fields.offset = Some(zone::offset(&rest[..length]).ok_or(start)?);
        self.at += length;
        Ok(())
    }
}

/// The month or day of an index.
fn number_of(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(0) + 1
}

/// Digits that the fields directly behind a number need of the same run.
fn reserved(parts: &[Part]) -> usize {
    let mut sum = 0;
    for part in parts {
        match part {
            Part::Field { letter: 'S', count } => sum += count,
            Part::Field {
                letter: 'M' | 'L',
                count,
            } if *count > 2 => break,
            Part::Field {
                letter: 'd' | 'M' | 'L' | 'H' | 'k' | 'h' | 'K' | 'm' | 's' | 'w',
                count: 2,
            } => sum += 2,
            Part::Field {
                letter: 'D',
                count: 3,
            } => sum += 3,
            Part::Field {
                letter: 'y' | 'u' | 'Y',
                count: 2,
            } => sum += 2,
            _ => break,
        }
    }
    sum
}

impl Fields {
    /// Makes a date of the fields; days beyond the end of a month become its last one.
    fn resolve(self, weeks: Weeks) -> Result<Read, String> {
        let date = self.date(weeks)?.ok_or("Unable to obtain LocalDate")?;
        let (time, next_day) = self.time()?;
        let date = if next_day {
            date.tomorrow().map_err(|error| error.to_string())?
        } else {
            date
        };
        Ok(Read {
            date,
            time,
            offset: self.offset,
            zone: self.zone,
        })
    }

    fn date(&self, weeks: Weeks) -> Result<Option<Date>, String> {
        const ISO_WEEKS: Weeks = Weeks {
            first_day: 1,
            minimal_days: 4,
        };
        let year = match (self.year, self.year_of_era) {
            (Some(year), _) => Some(year),
            (None, Some(year)) if self.era == Some(0) => Some(1 - year),
            (None, year) => year,
        };
        let year_number =
            |year: i64| i16::try_from(year).map_err(|_| format!("Invalid value for Year: {year}"));
        if let (Some(year), Some(month), Some(day)) = (year, self.month, self.day) {
            check("MonthOfYear", month, 1, 12)?;
            check("DayOfMonth", day, 1, 31)?;
            let month = i8::try_from(month).unwrap_or(1);
            let first =
                Date::new(year_number(year)?, month, 1).map_err(|error| error.to_string())?;
            let day = i8::try_from(day).unwrap_or(1).min(first.days_in_month());
            return Date::new(first.year(), month, day)
                .map(Some)
                .map_err(|error| error.to_string());
        }
        if let (Some(year), Some(day)) = (year, self.day_of_year) {
            let first = Date::new(year_number(year)?, 1, 1).map_err(|error| error.to_string())?;
            check("DayOfYear", day, 1, i64::from(first.days_in_year()))?;
            let date = first
                .checked_add(jiff::Span::new().days(day - 1))
                .map_err(|error| error.to_string())?;
            return Ok(Some(date));
        }
        let invalid = || "Invalid week".to_owned();
        if let (Some(year), Some(week), Some(day)) =
            (self.iso_week_year, self.iso_week, self.iso_week_day)
        {
            check("WeekOfWeekBasedYear", week, 1, 53)?;
            check("DayOfWeek", day, 1, 7)?;
            return from_week(year, week, day, ISO_WEEKS)
                .map(Some)
                .ok_or_else(invalid);
        }
        let week_day = self.week_day.or(self
            .iso_week_day
            .map(|day| (day - weeks.first_day).rem_euclid(7) + 1));
        if let (Some(year), Some(week), Some(day)) = (self.week_year, self.week, week_day) {
            check("WeekOfWeekBasedYear", week, 1, 53)?;
            check("DayOfWeek", day, 1, 7)?;
            return from_week(year, week, day, weeks)
                .map(Some)
                .ok_or_else(invalid);
        }
        Ok(None)
    }

    /// The time, and whether it is midnight of the next day; `None` if there is none.
    fn time(&self) -> Result<(Option<Time>, bool), String> {
        let hour = match (self.hour, self.hour_of_half, self.half) {
            (Some(hour), _, _) => Some(hour),
            (None, Some(hour), Some(half)) => {
                check("HourOfAmPm", hour, 0, 11)?;
                Some(hour + if half == 1 { 12 } else { 0 })
            }
            _ => None,
        };
        let Some(hour) = hour else {
            return Ok((None, false));
        };
        let (minute, second, nanosecond) = match (self.minute, self.second, self.nanosecond) {
            (None, None, None) => (0, 0, 0),
            (Some(minute), None, None) => (minute, 0, 0),
            (Some(minute), Some(second), nanosecond) => (minute, second, nanosecond.unwrap_or(0)),
            _ => return Ok((None, false)),
        };
        check("HourOfDay", hour, 0, 24)?;
        check("MinuteOfHour", minute, 0, 59)?;
        check("SecondOfMinute", second, 0, 59)?;
        check("NanoOfSecond", nanosecond, 0, 999_999_999)?;
        if hour == 24 {
            if (minute, second, nanosecond) != (0, 0, 0) {
                return Err("Invalid value for HourOfDay (valid values 0 - 23): 24".to_owned());
            }
            return Ok((Some(Time::midnight()), true));
        }
        let small = |value: i64| i8::try_from(value).unwrap_or(0);
        let time = Time::new(
            small(hour),
            small(minute),
            small(second),
            i32::try_from(nanosecond).unwrap_or(0),
        );
        time.map(|time| (Some(time), false))
            .map_err(|error| error.to_string())
    }
}

fn check(field: &str, value: i64, least: i64, most: i64) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!(
        "Invalid value for {field} (valid values {least} - {most}): {value}"
    ))
}
