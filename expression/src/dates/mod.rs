//! Dates: reading, patterns, locales, zones.

pub(crate) mod iso;
pub(crate) mod zone;
