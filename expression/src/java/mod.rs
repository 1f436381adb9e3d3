//! Java's ways that expressions show: number texts, formats, regular expressions, the order of hash maps.

pub(crate) mod double;
