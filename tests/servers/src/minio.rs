use std::time::Duration;

use tempfile::TempDir;

use crate::Missing;
use crate::process::{Process, find, free_port, mortal, wait_for_port};

const NAME: &str = "MinIO";

/// A private MinIO server. Buckets are folders of its data, so they need no call to be made.
#[derive(Debug)]
pub struct Minio {
    port: u16,
    /// The address that it listens on; empty for all.
    listen: &'static str,
    process: Option<Process>,
    folder: TempDir,
}

impl Minio {
    /// The access key.
    pub const USER: &str = "flowmill-user";
    /// The secret key.
    pub const PASSWORD: &str = "flowmill-password";

    /// Starts one that has a bucket of this name. The program is `FLOWMILL_MINIO`, or `minio` in the path or in the
    /// cache of `install.sh`.
    pub fn start(bucket: &str) -> Result<Self, Missing> {
        Self::listening(bucket, "127.0.0.1")
    }

    /// The same on all addresses of this machine.
    pub fn start_on_all(bucket: &str) -> Result<Self, Missing> {
        Self::listening(bucket, "")
    }

    fn listening(bucket: &str, listen: &'static str) -> Result<Self, Missing> {
        let failed = |reason: String| Missing {
            server: NAME,
            reason,
        };
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        std::fs::create_dir_all(folder.path().join("data").join(bucket))
            .map_err(|error| failed(error.to_string()))?;
        let mut minio = Self {
            port: free_port(),
            listen,
            process: None,
            folder,
        };
        minio.launch()?;
        Ok(minio)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with the same data.
    pub fn restart(&mut self) {
        self.process = None;
        self.launch().expect("it ran before");
    }

    fn launch(&mut self) -> Result<(), Missing> {
        let cache = std::env::var("FLOWMILL_TEST_CACHE").unwrap_or_else(|_| {
            format!(
                "{}/.cache/flowmill",
                std::env::var("HOME").unwrap_or_default()
            )
        });
        let program = find(NAME, "FLOWMILL_MINIO", "minio", &[&format!("{cache}/bin")])?;
        let failed = |reason: String| Missing {
            server: NAME,
            reason,
        };
        let log = self.folder.path().join("log");
        let mut command = mortal(program);
        command
            .args(["server", "--quiet", "--address"])
            .arg(format!("{}:{}", self.listen, self.port));
        command.arg(self.folder.path().join("data"));
        command
            .env("MINIO_ROOT_USER", Self::USER)
            .env("MINIO_ROOT_PASSWORD", Self::PASSWORD);
        command
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            .env("HOME", self.folder.path());
        let mut process =
            Process::start(command, &log).map_err(|error| failed(error.to_string()))?;
        wait_for_port(&mut process, self.port, Duration::from_secs(60), &log).map_err(failed)?;
        self.process = Some(process);
        Ok(())
    }
}
