//! The functions, one file per theme.

mod context;
mod core;
mod crypto;
mod date;
mod holiday;
mod parse;
mod random;
mod render;
mod service;

use crate::table::Function;

/// All functions, by theme.
pub(crate) const GROUPS: [(&str, &[Function]); 8] = [
    ("Numbers and blocks", core::FUNCTIONS),
    ("Reading JSON, YAML and Ion", parse::FUNCTIONS),
    ("Rendering", render::FUNCTIONS),
    ("The execution", context::FUNCTIONS),
    ("Dates", date::FUNCTIONS),
    ("Chance", random::FUNCTIONS),
    ("Encryption", crypto::FUNCTIONS),
    ("Secrets, keys, files and requests", service::FUNCTIONS),
];
