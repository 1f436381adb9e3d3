//! Locales: names of months and days, weeks, styles and number symbols.

mod data;

use crate::Error;

/// What is written differently in different places.
#[derive(Debug)]
pub(crate) struct Locale {
    /// `fr`, or `fr_CA` where the country differs.
    pub(crate) tag: &'static str,
    pub(crate) months: Names,
    pub(crate) days: Names,
    /// Before and after noon.
    halves: &'static str,
    /// Parts of the day, each with the hour at which it begins.
    parts_of_day: &'static str,
    /// Short, full and narrow names of the two eras.
    eras: &'static str,
    /// Short and full names of the quarters.
    quarters: &'static str,
    /// Patterns of dates with times: full, long, medium, short.
    pub(crate) styles: [&'static str; 4],
    pub(crate) symbols: Symbols,
}

/// Names, joined by `|`.
#[derive(Debug)]
pub(crate) struct Names {
    full: &'static str,
    short: &'static str,
    narrow: &'static str,
    /// Full names outside of a date, where they differ.
    full_alone: &'static str,
    /// Short names outside of a date, where they differ.
    short_alone: &'static str,
}

/// How numbers are written.
#[derive(Debug)]
pub(crate) struct Symbols {
    pub(crate) point: &'static str,
    pub(crate) group: &'static str,
    pub(crate) minus: &'static str,
}

/// How long a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Full,
    Short,
    Narrow,
}

/// Whether a name stands within a date or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    InDate,
    Alone,
}

/// How weeks are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weeks {
    /// The first day of a week; 1 is Monday.
    pub(crate) first_day: i64,
    /// Days of a year that its first week must have.
    pub(crate) minimal_days: i64,
}

impl Names {
    /// The name with this index.
    pub(crate) fn get(&self, index: usize, width: Width, usage: Use) -> &'static str {
        self.list(width, usage)
            .split('|')
            .nth(index)
            .unwrap_or_default()
    }

    /// The index and length of the longest name at the beginning of a text.
    pub(crate) fn find(&self, text: &str, width: Width, usage: Use) -> Option<(usize, usize)> {
        let names = self.list(width, usage).split('|').enumerate();
        let found = names.filter(|(_, name)| text.starts_with(name));
        found
            .map(|(index, name)| (index, name.len()))
            .max_by_key(|(_, length)| *length)
    }

    fn list(&self, width: Width, usage: Use) -> &'static str {
        match (width, usage) {
            (Width::Full, Use::Alone) if !self.full_alone.is_empty() => self.full_alone,
            (Width::Short, Use::Alone) if !self.short_alone.is_empty() => self.short_alone,
            (Width::Full, _) => self.full,
            (Width::Short, _) => self.short,
            (Width::Narrow, _) => self.narrow,
        }
    }
}

impl Locale {
    /// `AM` and `PM`.
    pub(crate) fn half(&self, index: usize) -> &'static str {
        self.halves.split('|').nth(index).unwrap_or_default()
    }

    /// `in the afternoon`
    pub(crate) fn part_of_day(&self, hour: i8, exact: bool) -> &'static str {
        let at = |hour: i8| {
            let parts = self
                .parts_of_day
                .split('|')
                .filter_map(|part| part.split_once(':'));
            let mut begun =
                parts.filter(|(start, _)| start.parse::<i8>().is_ok_and(|start| start <= hour));
            begun.next_back().map_or("", |(_, name)| name)
        };
        // Midnight and noon are points in time; just after them it is what it is an hour later.
        let is_point = matches!(hour, 0 | 12) && at(hour) != at(hour + 1);
        if is_point && !exact {
            at(hour + 1)
        } else {
            at(hour)
        }
    }

    /// The name of an era; 0 is before Christ.
    pub(crate) fn era(&self, index: usize, width: Width) -> &'static str {
        let start = match width {
            Width::Short => 0,
            Width::Full => 2,
            Width::Narrow => 4,
        };
        self.eras.split('|').nth(start + index).unwrap_or_default()
    }

    /// The name of a quarter, from 0.
    pub(crate) fn quarter(&self, index: usize, width: Width) -> &'static str {
        let start = if width == Width::Full { 4 } else { 0 };
        self.quarters
            .split('|')
            .nth(start + index)
            .unwrap_or_default()
    }
}

/// English.
pub(crate) fn english() -> &'static Locale {
    &data::LOCALES[0]
}

/// What Java falls back to for languages it has no names of.
fn root() -> &'static Locale {
    data::LOCALES
        .iter()
        .find(|locale| locale.tag == "root")
        .unwrap_or_else(english)
}

/// The locale of a name such as `fr`, `fr_CA` or `fr-FR`: the nearest there is; `None` if there is none.
pub(crate) fn find(name: &str) -> Option<&'static Locale> {
    let name = name.replace('-', "_");
    let mut parts = name.split('_');
    let language = match parts.next().unwrap_or_default() {
        "no" | "nn" => "nb",
        language => language,
    };
    let country = parts.next().unwrap_or_default();
    let by_tag = |tag: &str| data::LOCALES.iter().find(|locale| locale.tag == tag);
    by_tag(&format!("{language}_{country}")).or_else(|| by_tag(language))
}

/// The locale of a `locale` argument: English where the language is not known.
///
/// # Errors
/// A name that does not have the form of one.
pub(crate) fn parse(name: &str) -> Result<&'static Locale, Error> {
    let mut parts = name.splitn(3, ['_', '-']);
    let language = parts.next().unwrap_or_default();
    let country = parts.next().unwrap_or_default();
    let is_language = language.is_empty()
        || (matches!(language.len(), 2 | 3)
            && language.bytes().all(|byte| byte.is_ascii_lowercase()));
    let is_country = country.is_empty()
        || (country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))
        || (country.len() == 3 && country.bytes().all(|byte| byte.is_ascii_digit()));
    let only_country = country.is_empty()
        && language.len() == 2
        && language.bytes().all(|byte| byte.is_ascii_uppercase());
    if !(only_country || is_language && is_country) {
        return Err(Error::evaluation(format!("Invalid locale format: {name}")));
    }
    Ok(find(name).unwrap_or_else(root))
}

/// The sign and the code of the currency where a name such as `en_US` points to.
pub(crate) fn currency(name: &str) -> (&'static str, &'static str) {
    const EURO: &str = "IE FR DE AT ES IT PT NL BE FI GR LU SK SI EE LV LT MT CY HR BG";
    const OTHERS: &[(&str, &str, &str)] = &[
        ("US", "$", "USD"),
        ("GB", "£", "GBP"),
        ("CH", "CHF", "CHF"),
        ("CA", "$", "CAD"),
        ("AU", "$", "AUD"),
        ("NZ", "$", "NZD"),
        ("IN", "₹", "INR"),
        ("JP", "￥", "JPY"),
        ("CN", "¥", "CNY"),
        ("KR", "₩", "KRW"),
        ("BR", "R$", "BRL"),
        ("MX", "$", "MXN"),
        ("PL", "zł", "PLN"),
        ("SE", "kr", "SEK"),
        ("NO", "kr", "NOK"),
        ("DK", "kr.", "DKK"),
        ("CZ", "Kč", "CZK"),
        ("HU", "Ft", "HUF"),
        ("RO", "RON", "RON"),
        ("RU", "₽", "RUB"),
        ("TR", "₺", "TRY"),
        ("UA", "₴", "UAH"),
        ("ZA", "R", "ZAR"),
        ("IL", "₪", "ILS"),
        ("TW", "$", "TWD"),
        ("HK", "HK$", "HKD"),
        ("SG", "$", "SGD"),
    ];
    let country = name.split(['_', '-']).nth(1).unwrap_or_default();
    if !country.is_empty() && EURO.split(' ').any(|known| known == country) {
        return ("€", "EUR");
    }
    OTHERS
        .iter()
        .find(|(known, _, _)| *known == country)
        .map_or(("¤", "XXX"), |(_, sign, code)| (*sign, *code))
}

/// How weeks are counted where a name such as `fr_FR` points to; without country as in the United States.
pub(crate) fn weeks(name: &str) -> Weeks {
    const MONDAY_4: &str = "AD AT AX BE BG CH CZ DE DK EE ES FI FJ FO FR GB GF GG GI GP GR HU IE IM IS IT JE LI LT LU MC MQ \
                            NL NO PL RE RU SE SJ SK SM VA";
    const SATURDAY: &str = "AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY";
    const SUNDAY: &str = "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX MZ NI NP \
                          PA PE PH PK PR PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW";
    let country = name.split(['_', '-']).nth(1).unwrap_or_default();
    let is_in = |list: &str| list.split_ascii_whitespace().any(|known| known == country);
    let (first_day, minimal_days) = match country {
        "" => (7, 1),
        "MV" => (5, 1),
        "PT" => (7, 4),
        _ if is_in(MONDAY_4) => (1, 4),
        _ if is_in(SATURDAY) => (6, 1),
        _ if is_in(SUNDAY) => (7, 1),
        _ => (1, 1),
    };
    Weeks {
        first_day,
        minimal_days,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_locale_has_twelve_months_and_seven_days() {
        for locale in data::LOCALES {
            for width in [Width::Full, Width::Short, Width::Narrow] {
                for usage in [Use::InDate, Use::Alone] {
                    assert_eq!(
                        locale.months.list(width, usage).split('|').count(),
                        12,
                        "{}",
                        locale.tag
                    );
                    assert_eq!(
                        locale.days.list(width, usage).split('|').count(),
                        7,
                        "{}",
                        locale.tag
                    );
                }
            }
            assert!(
                !locale.era(1, Width::Narrow).is_empty()
                    && !locale.quarter(3, Width::Full).is_empty()
            );
            assert!(!locale.part_of_day(0, true).is_empty());
        }
    }

    #[test]
    fn the_nearest_locale_is_taken() {
        assert_eq!(find("fr-FR").map(|locale| locale.tag), Some("fr"));
        assert_eq!(find("fr_CA").map(|locale| locale.tag), Some("fr_CA"));
        assert!(parse("french").is_err());
        assert_eq!(parse("xx").unwrap().tag, "root");
    }
}
