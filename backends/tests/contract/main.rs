//! The contracts of the three seams, as lists of named cases that every implementation runs, and what is special to one.

mod files;
mod queue;
mod store;
mod suite;
