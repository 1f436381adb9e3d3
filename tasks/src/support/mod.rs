//! What several task types share: the files of a working directory, and the patterns that name them.

pub mod glob;
pub mod input_files;
pub mod namespace_files;
pub mod output_files;
pub mod paths;
pub mod storage_uris;
