//! The graph of a flow, as the API shows it.
