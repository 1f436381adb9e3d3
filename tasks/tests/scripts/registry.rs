//! A registry with one empty image, which wants a password and fails at first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Registry {
    address: String,
    task: tokio::task::JoinHandle<()>,
}

struct Content {
    authorization: String,
    /// How many more requests for the manifest fail.
    failures: AtomicUsize,
    manifest: Vec<u8>,
    blobs: Vec<(String, Vec<u8>)>,
}

impl Registry {
    /// Answers on a free port of this machine until it is dropped.
    pub(crate) async fn start(user: &str, password: &str, failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let content = Arc::new(Content::new(user, password, failures));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let content = content.clone();
                tokio::spawn(async move { content.serve(stream).await });
            }
        });
        Self { address, task }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

impl Content {
    fn new(user: &str, password: &str, failures: usize) -> Self {
        let layer = tar::Builder::new(Vec::new()).into_inner().unwrap();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": digest(&config)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "size": layer.len(), "digest": digest(&layer)}],
        });
        Self {
            authorization: format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
            failures: AtomicUsize::new(failures),
            manifest: manifest.to_string().into_bytes(),
            blobs: vec![(digest(&config), config), (digest(&layer), layer)],
        }
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let mut request = String::new();
            if stream.read_line(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
            let mut authorization = String::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                match line.trim_end().split_once(": ") {
                    Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                        authorization = value.to_owned()
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            let mut words = request.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let (status, kind, body) = self.answer(path, &authorization);
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDocker-Content-Digest: {}\r\n\
                 WWW-Authenticate: Basic realm=\"x\"\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\r\n",
                body.len(),
                digest(&body)
            );
            let body = if method == "HEAD" { &[][..] } else { &body };
            if stream
                .write_all(&[head.as_bytes(), body].concat())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    fn answer(&self, path: &str, authorization: &str) -> (u16, &'static str, Vec<u8>) {
        const JSON: &str = "application/json";
        if authorization != self.authorization {
            return (
                401,
                JSON,
                br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#
                    .to_vec(),
            );
        }
        if path.contains("/manifests/") {
            let fails = self
                .failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
            if fails {
                return (
                    503,
                    JSON,
                    br#"{"errors":[{"code":"UNAVAILABLE","message":"come again"}]}"#.to_vec(),
                );
            }
            return (
                200,
                "application/vnd.docker.distribution.manifest.v2+json",
                self.manifest.clone(),
            );
        }
        match self
            .blobs
            .iter()
            .find(|(digest, _)| path.ends_with(digest.as_str()))
        {
            Some((_, blob)) => (200, "application/octet-stream", blob.clone()),
            None => (200, JSON, b"{}".to_vec()),
        }
    }
}
