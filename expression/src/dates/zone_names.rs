//! The names of time zones, in English.

use super::input::Moment;
use super::zone;

/// The abbreviation, where it is used (a beginning of zone ids, or nothing for everywhere), and the full name.
const NAMES: &[(&str, &str, &str)] = &[
    ("UTC", "", "Coordinated Universal Time"),
    ("GMT", "", "Greenwich Mean Time"),
    ("BST", "Europe/", "British Summer Time"),
    ("IST", "Europe/", "Irish Standard Time"),
    ("IST", "Asia/Jerusalem", "Israel Standard Time"),
    ("IDT", "", "Israel Daylight Time"),
    ("IST", "", "India Standard Time"),
    ("WET", "", "Western European Standard Time"),
    ("WEST", "", "Western European Summer Time"),
    ("CET", "", "Central European Standard Time"),
    ("CEST", "", "Central European Summer Time"),
    ("EET", "", "Eastern European Standard Time"),
    ("EEST", "", "Eastern European Summer Time"),
    ("MSK", "", "Moscow Standard Time"),
    ("MSD", "", "Moscow Summer Time"),
    ("CAT", "", "Central Africa Time"),
    ("EAT", "", "East Africa Time"),
    ("WAT", "", "West Africa Standard Time"),
    ("SAST", "", "South Africa Standard Time"),
    ("CST", "Asia/Taipei", "Taiwan Standard Time"),
    ("CST", "Asia/", "China Standard Time"),
    ("CST", "PRC", "China Standard Time"),
    ("CST", "America/Havana", "Cuba Standard Time"),
    ("CDT", "America/Havana", "Cuba Daylight Time"),
    ("CST", "", "Central Standard Time"),
    ("CDT", "", "Central Daylight Time"),
    ("EST", "", "Eastern Standard Time"),
    ("EDT", "", "Eastern Daylight Time"),
    ("MST", "", "Mountain Standard Time"),
    ("MDT", "", "Mountain Daylight Time"),
    ("PST", "Asia/", "Philippine Standard Time"),
    ("PST", "", "Pacific Standard Time"),
    ("PDT", "", "Pacific Daylight Time"),
    ("AST", "", "Atlantic Standard Time"),
    ("ADT", "", "Atlantic Daylight Time"),
    ("NST", "", "Newfoundland Standard Time"),
    ("NDT", "", "Newfoundland Daylight Time"),
    ("AKST", "", "Alaska Standard Time"),
    ("AKDT", "", "Alaska Daylight Time"),
    ("HST", "", "Hawaii-Aleutian Standard Time"),
    ("HDT", "", "Hawaii-Aleutian Daylight Time"),
    ("SST", "", "American Samoa Standard Time"),
    ("ChST", "", "Chamorro Standard Time"),
    ("JST", "", "Japan Standard Time"),
    ("KST", "", "Korean Standard Time"),
    ("HKT", "", "Hong Kong Standard Time"),
    ("PKT", "", "Pakistan Standard Time"),
    ("WIB", "", "Western Indonesia Time"),
    ("WITA", "", "Central Indonesia Time"),
    ("WIT", "", "Eastern Indonesia Time"),
    ("ACST", "", "Australian Central Standard Time"),
    ("ACDT", "", "Australian Central Daylight Time"),
    ("AEST", "", "Australian Eastern Standard Time"),
    ("AEDT", "", "Australian Eastern Daylight Time"),
    ("AWST", "", "Australian Western Standard Time"),
    ("NZST", "", "New Zealand Standard Time"),
    ("NZDT", "", "New Zealand Daylight Time"),
];

/// Zones that an abbreviation stands for when it is read.
const BY_ABBREVIATION: &[(&str, &str)] = &[
    ("UTC", "UTC"),
    ("GMT", "GMT"),
    ("BST", "Europe/London"),
    ("WET", "Europe/Lisbon"),
    ("WEST", "Europe/Lisbon"),
    ("CET", "Europe/Paris"),
    ("CEST", "Europe/Paris"),
    ("EET", "Europe/Athens"),
    ("EEST", "Europe/Athens"),
    ("MSK", "Europe/Moscow"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
    ("AKDT", "America/Anchorage"),
    ("HST", "Pacific/Honolulu"),
    ("AST", "America/Halifax"),
    ("ADT", "America/Halifax"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("HKT", "Asia/Hong_Kong"),
    ("SGT", "Asia/Singapore"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("ACST", "Australia/Adelaide"),
    ("ACDT", "Australia/Adelaide"),
    ("AWST", "Australia/Perth"),
    ("NZST", "Pacific/Auckland"),
    ("NZDT", "Pacific/Auckland"),
    ("SAST", "Africa/Johannesburg"),
];

/// The name of the zone of a moment: `z` with the time of the year in it, `v` without.
pub(super) fn name(moment: &Moment, letter: char, count: usize) -> String {
    let zoned = &moment.zoned;
    if moment.zone.is_offset()
        || moment.zone.id.contains(['+', '-']) && !moment.zone.id.contains('/')
    {
        return moment.zone.id.clone();
    }
    let info = moment.zone.zone.to_offset_info(zoned.timestamp());
    let abbreviation = match moment.zone.id.as_str() {
        id @ ("UTC" | "GMT" | "UT") => id.to_owned(),
        _ => info.abbreviation().to_owned(),
    };
    let has_name = abbreviation.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !has_name {
        // Zones without abbreviation show their offset.
        return format!("GMT{}", zone::signed(zoned.offset().seconds(), ":", false));
    }
    let full = NAMES
        .iter()
        .find(|(known, place, _)| **known == *abbreviation && moment.zone.id.starts_with(place));
    let full = full.map(|(_, _, full)| *full);
    match (letter, count) {
        ('z', 4) => full.map_or(abbreviation, str::to_owned),
        ('v', 4) => full.map_or(abbreviation, generic),
        ('v', _)
            if abbreviation.len() == 3
                && matches!(abbreviation.as_bytes()[0], b'E' | b'C' | b'M' | b'P' | b'A')
                && abbreviation.ends_with("DT") =>
        {
            abbreviation.replace("DT", "T")
        }
        _ => abbreviation,
    }
}

/// Without the time of the year.
fn generic(full: &str) -> String {
    full.replace(" Standard Time", " Time")
        .replace(" Daylight Time", " Time")
        .replace(" Summer Time", " Time")
}

/// The zone whose abbreviation or full name is at the beginning of a text, and how long that is.
pub(super) fn find(text: &str) -> Option<(&'static str, usize)> {
    let full = NAMES.iter().filter_map(|(abbreviation, _, full)| {
        let zone = BY_ABBREVIATION
            .iter()
            .find(|(known, _)| known == abbreviation)?
            .1;
        text.starts_with(full).then_some((zone, full.len()))
    });
    let short = BY_ABBREVIATION.iter().filter_map(|(abbreviation, zone)| {
        text.starts_with(abbreviation)
            .then_some((*zone, abbreviation.len()))
    });
    full.chain(short).max_by_key(|(_, length)| *length)
}
