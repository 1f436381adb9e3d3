//! Formats that have names.

use super::locale::Locale;
use super::pattern::{Part, Pattern};
use crate::Error;

/// The pattern of a named format, if the name is one.
pub(super) fn find(name: &str, locale: &Locale) -> Option<Result<Pattern, Error>> {
    let pattern = match name {
        "iso" => "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
        "iso_sec" => "yyyy-MM-dd'T'HH:mm:ssXXX",
        "iso_milli" => "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "sql" => "yyyy-MM-dd HH:mm:ss.SSSSSS",
        "sql_sec" | "sql_seq" => "yyyy-MM-dd HH:mm:ss",
        "full" => locale.styles[0],
        "long" => locale.styles[1],
        "medium" => locale.styles[2],
        "short" => locale.styles[3],
        _ => return java_format(name).map(|parts| Ok(Pattern::of(parts))),
    };
    // The styles of some locales have brackets that mean themselves.
    let styled = matches!(name, "full" | "long" | "medium" | "short");
    let pattern = if styled {
        pattern.replace('[', "'['").replace(']', "']'")
    } else {
        pattern.to_owned()
    };
    Some(Pattern::parse(&pattern))
}

/// The constants of Java's `DateTimeFormatter`.
fn java_format(name: &str) -> Option<Vec<Part>> {
    let parts = match name {
        "iso_local_date" => vec![local_date()],
        "iso_date" => vec![local_date(), vec![optional_offset()]],
        "iso_local_time" => vec![local_time()],
        "iso_offset_time" => vec![local_time(), vec![offset()]],
        "iso_time" => vec![local_time(), vec![optional_offset()]],
        "iso_local_date_time" => vec![local_date_time()],
        "iso_offset_date_time" => vec![local_date_time(), vec![offset()]],
        "iso_zoned_date_time" => vec![local_date_time(), vec![offset(), Part::BracketedZone]],
        "iso_date_time" => {
            vec![
                local_date_time(),
                vec![Part::Optional(vec![offset(), Part::BracketedZone])],
            ]
        }
        "iso_instant" => {
            let time = vec![
                field('H', 2),
                text(":"),
                field('m', 2),
                text(":"),
                field('s', 2),
                Part::FractionInThrees,
            ];
            vec![local_date(), vec![text("T")], time, vec![text("Z")]]
        }
        "iso_ordinal_date" => vec![vec![
            field('u', 4),
            text("-"),
            field('D', 3),
            optional_offset(),
        ]],
        // `Y`, `w` and `e` as ISO counts them, whatever the locale.
        "iso_week_date" => {
            vec![vec![
                field('ω', 4),
                text("-W"),
                field('ω', 2),
                text("-"),
                field('ω', 1),
                optional_offset(),
            ]]
        }
        "rfc_1123_date_time" => vec![vec![
            Part::OptionalDayName,
            field('d', 1),
            text(" "),
            field('μ', 3),
            text(" "),
            field('u', 4),
            text(" "),
            field('H', 2),
            text(":"),
            field('m', 2),
            Part::Optional(vec![text(":"), field('s', 2)]),
            text(" "),
            Part::OffsetOrGmt,
        ]],
        _ => return None,
    };
    Some(parts.into_iter().flatten().collect())
}

fn field(letter: char, count: usize) -> Part {
    Part::Field { letter, count }
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn offset() -> Part {
    field('ζ', 1)
}

fn optional_offset() -> Part {
    Part::Optional(vec![offset()])
}

fn local_date() -> Vec<Part> {
    vec![
        field('u', 4),
        text("-"),
        field('M', 2),
        text("-"),
        field('d', 2),
    ]
}

fn local_time() -> Vec<Part> {
    vec![field('H', 2), text(":"), field('m', 2), Part::Seconds]
}

fn local_date_time() -> Vec<Part> {
    let mut parts = local_date();
    parts.push(text("T"));
    parts.extend(local_time());
    parts
}
