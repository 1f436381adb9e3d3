//! The vocabulary of flowmill: flows, executions, states, events, jobs; and YAML to Flow.
