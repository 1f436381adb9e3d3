//! From text to tree.

pub(crate) mod ast;
mod blank;
mod lexer;
mod operator;
mod parser;
pub(crate) mod raw;
mod token;

pub(crate) use self::operator::{Binary, Unary};
pub(crate) use self::parser::parse;
pub(crate) use self::raw::strip_tags;
