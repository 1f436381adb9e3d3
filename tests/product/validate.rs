//! `flowmill validate`.

use std::io::Write;
use std::process::Stdio;

use crate::harness::{flowmill, run_to_end, write};

const GOOD: &str = "id: good\nnamespace: test\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.log.Log\n    message: hi\n";
const BAD: &str = "id: bad\nnamespace: test\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.log.Log\n    mesage: hi\n";

#[test]
fn a_good_flow_is_status_0_and_a_bad_one_2_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (
        write(folder.path(), "good.yaml", GOOD),
        write(folder.path(), "bad.yaml", BAD),
    );
    let done = run_to_end(flowmill(["validate"]).arg(&good));
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(
        done.out.contains("flow `test.good` is valid"),
        "{}",
        done.out
    );

    let done = run_to_end(flowmill(["validate"]).arg(&good).arg(&bad));
    assert_eq!(done.code, Some(2));
    assert!(
        done.out.contains("flow `test.good` is valid"),
        "the others are checked all the same: {}",
        done.out
    );
    assert!(done.err.contains("bad.yaml:6:5: error:"), "{}", done.err);
    assert!(
        done.err.contains("`message`"),
        "the nearest name: {}",
        done.err
    );
    assert!(
        done.err.contains("6 |     mesage: hi\n  |     ^^^^^^"),
        "the line with marks: {}",
        done.err
    );
}

#[test]
fn flows_of_folders_of_several_documents_and_of_standard_input_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "sub/two.yml", &format!("{GOOD}---\n{BAD}"));
    let done = run_to_end(flowmill(["validate"]).arg(folder.path()));
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.contains("two.yml:13:5: error:"),
        "lines count from the beginning of the file: {}",
        done.err
    );

    let mut child = flowmill(["validate", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(GOOD.as_bytes())
        .unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn what_cannot_be_read_is_said() {
    let done = run_to_end(&mut flowmill(["validate", "/nowhere/flow.yaml"]));
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.contains("`/nowhere/flow.yaml` cannot be read"),
        "{}",
        done.err
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flow.yaml");
    std::fs::write(&file, b"id: x\nnamespace: \xff\n").unwrap();
    let done = run_to_end(flowmill(["validate"]).arg(&file));
    assert!(
        done.err
            .contains("is not UTF-8 text: line 2 holds the byte 0xff"),
        "{}",
        done.err
    );
}
