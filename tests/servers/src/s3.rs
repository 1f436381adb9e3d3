use std::net::Ipv4Addr;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An S3 server within this process, on files in a temporary folder: ready in milliseconds.
#[derive(Debug)]
pub struct S3InProcess {
    port: u16,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl S3InProcess {
    /// The access key.
    pub const USER: &str = "flowmill-user";
    /// The secret key.
    pub const PASSWORD: &str = "flowmill-password";

    /// Starts one that has a bucket of this name.
    pub async fn start(bucket: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(bucket)).expect("a folder for the bucket");
        let mut builder =
            S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a file system"));
        builder.set_auth(SimpleAuth::from_single(Self::USER, Self::PASSWORD));
        let service = builder.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self {
            port,
            task,
            _folder: folder,
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for S3InProcess {
    fn drop(&mut self) {
        self.task.abort();
    }
}
