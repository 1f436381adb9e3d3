//! The service that owns executions.
