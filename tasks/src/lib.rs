//! The catalogue of task types.
