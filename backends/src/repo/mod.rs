//! Typed layers over the [`Store`](crate::Store): executions and their indexes, flows and revisions, logs.
