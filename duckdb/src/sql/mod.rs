//! Looks at SQL text just far enough to find where statements end, where parameters stand and where an error is. Pure.

mod parameters;
mod place;
mod scan;
mod split;

pub(crate) use parameters::name_parameters;
pub(crate) use place::{excerpt, place_of};
pub(crate) use split::{Piece, controls_transactions, split};
