//! Private servers for tests: RabbitMQ, Redis (also as a cluster), MinIO, and an S3 within the test's own process.
//!
//! Each runs on free ports with its data in a temporary folder, and is killed when its value is dropped or when the test
//! process dies. A server that is not installed is [`Missing`]: tests say so and go on, unless `REQUIRE_BACKENDS=1` is
//! set, as `make test` does. `install.sh` beside this crate installs what can be installed.

mod minio;
mod network;
mod process;
mod rabbitmq;
mod redis;
mod s3;

use std::io::Write;

pub use self::minio::Minio;
pub use self::network::Network;
pub use self::rabbitmq::RabbitMq;
pub use self::redis::{Redis, RedisCluster};
pub use self::s3::S3InProcess;

/// A server that cannot be started, and why.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Its name.
    pub server: &'static str,
    /// What was tried and failed.
    pub reason: String,
}

/// The server, or `None` when it is not installed; that is said loudly, and is a failure when `REQUIRE_BACKENDS` is set.
pub fn or_skip<T>(server: Result<T, Missing>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(Missing { server, reason }) => {
            let required = std::env::var_os("REQUIRE_BACKENDS")
                .is_some_and(|value| value != "0" && !value.is_empty());
            assert!(
                !required,
                "{server} is required by REQUIRE_BACKENDS, but: {reason}"
            );
            // Past the test runner, which keeps what a passing test prints to itself.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: tests against {server} do not run: {reason}"
            );
            None
        }
    }
}
