//! Scripts as a worker runs them: real processes, real containers, files and logs in memory.

mod basics;
mod files;
mod hostile;
mod overhead;
mod python;
mod world;
