//! The dependency order: what runs next, and when. Pure.
