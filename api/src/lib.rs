//! REST, SSE: Kestra's wire shapes.
