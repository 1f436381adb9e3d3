//! Java's ways that expressions show: number texts, formats, regular expressions, the order of hash maps.

pub(crate) mod accents;
pub(crate) mod class_name;
pub(crate) mod decimal_format;
pub(crate) mod double;
pub(crate) mod hash_order;
pub(crate) mod regex;
pub(crate) mod string_format;
pub(crate) mod utf16;
