//! Dates: reading, patterns, locales, zones.

pub(crate) mod days;
mod fields;
mod format;
pub(crate) mod input;
pub(crate) mod iso;
pub(crate) mod locale;
mod named;
mod parse;
mod pattern;
pub(crate) mod zone;
mod zone_names;

pub(crate) use self::input::{Arguments, Moment};
pub(crate) use self::pattern::Pattern;
