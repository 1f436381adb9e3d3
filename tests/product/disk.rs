//! A full disk: the server says so, keeps what it has, and goes on once there is room.

use std::path::Path;

use nix::mount::{MsFlags, mount, umount};
use reqwest::Method;
use tempfile::TempDir;

use crate::harness::api::state;
use crate::harness::{Server, ServerOptions, skip};

/// A small file system of its own.
pub(crate) struct Mount(TempDir);

impl Mount {
    /// One in memory, with these options; none where this process may not mount.
    pub(crate) fn tmpfs(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (read_only, options) = match options.strip_suffix(",ro") {
            Some(rest) => (MsFlags::MS_RDONLY, rest),
            None => (MsFlags::empty(), options),
        };
        mount(
            Some("tmpfs"),
            folder.path(),
            Some("tmpfs"),
            read_only,
            Some(options),
        )
        .ok()?;
        Some(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = umount(self.0.path());
    }
}

const FLOW: &str = "id: small\nnamespace: test\ninputs:\n  - id: text\n    type: STRING\n    defaults: x\ntasks:\n  - id: a\n    \
                    type: io.kestra.plugin.core.debug.Return\n    format: \"{{ inputs.text }}\"\n";

#[test]
fn a_full_disk_is_said_and_survived() {
    let Some(disk) = Mount::tmpfs("size=48m") else {
        return skip(
            "full disk",
            "this process may not mount a tmpfs (root is needed)",
        );
    };
    let data = disk.path().join("data");
    let mut server = Server::with(ServerOptions {
        data_directory: Some(data),
        ..ServerOptions::default()
    });
    server.api.save(FLOW);
    let before = server.api.run("test/small", &[]);
    assert_eq!(state(&before), "SUCCESS");

    let filler = disk.path().join("filler");
    fill(&filler);
    // until a commit finds no room: what fits into what the store already has is still taken
    let large = "y".repeat(200_000);
    let mut refused = None;
    for _ in 0..200 {
        let body = format!(
            "--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{large}\r\n--B--\r\n"
        );
        let body = Some(("multipart/form-data; boundary=B", body.into_bytes()));
        let answer = server
            .api
            .try_call(Method::POST, "/api/v1/executions/test/small", body)
            .expect("the server answers");
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a full disk is noticed");
    assert_eq!(refused.status, 503, "{}", refused.text());
    let said = server.expect_log("does not work").to_lowercase();
    assert!(
        said.contains("full") || said.contains("room") || said.contains("space"),
        "{said}"
    );
    let health = server.api.get("/health");
    assert_eq!(health.status, 503, "{}", health.text());
    let kept = server.api.execution(before["id"].as_str().unwrap());
    assert_eq!(
        kept["taskRunList"], before["taskRunList"],
        "what was kept can still be read"
    );

    std::fs::remove_file(&filler).unwrap();
    server.expect_log("works again");
    let after = server.api.run("test/small", &[]);
    assert_eq!(state(&after), "SUCCESS");
    assert_eq!(server.api.get("/health").status, 200);
    // what was begun while there was no room has ended as well
    let all = server.api.get("/api/v1/executions/search?size=1000").json();
    for execution in all["results"].as_array().unwrap() {
        assert_eq!(
            state(&server.api.wait(execution["id"].as_str().unwrap())),
            "SUCCESS"
        );
    }
    assert!(server.terminate().success());
}

fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![0; size];
        while file.write_all(&block).is_ok() {}
    }
}
