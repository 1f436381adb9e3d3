//! What is written from the code is as the code says.

use crate::harness::{flowmill, repository, run_to_end};

#[test]
fn the_generated_files_are_fresh() {
    let done = run_to_end(flowmill(["docs", "--check", "--root"]).arg(repository()));
    assert_eq!(done.code, Some(0), "{}", done.err);
}
