//! The stateless service that runs tasks.
