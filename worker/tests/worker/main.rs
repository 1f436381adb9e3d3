//! The worker over the embedded backends: jobs in, events and logs out.

mod bench;
mod jobs;
mod limits;
mod rig;
mod working_directory;
