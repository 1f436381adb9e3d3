//! Files in a bucket of an S3-compatible storage: AWS, MinIO, Garage, Ceph …

mod client;
mod config;
mod download;
mod failure;
mod upload;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::DateTime;
use futures::StreamExt;
use futures::stream;

pub use self::config::Config;
use self::failure::Failures;
use self::upload::Parts;
use super::{ByteStream, FileStat, Files, check_path, check_prefix};
use crate::error::{Error, Kind, Result};
use crate::health::Probe;
use crate::retry::until_available;

/// [`Files`] in a bucket.
pub struct S3Files {
    client: Client,
    /// Makes links for browsers, which may reach the storage by another name.
    public: Option<Client>,
    bucket: String,
    prefix: String,
    parts: Parts,
    failures: Failures,
    probe: Probe,
}

/// An object, and the path it stands for.
struct Place {
    bucket: String,
    key: String,
    path: String,
    failures: Failures,
    probe: Probe,
}

impl Place {
    /// The answer to a request in our terms; notes what it says about the storage.
    fn heard<T, E>(&self, verb: &str, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.probe
            .observe(answer.map_err(|error| self.failures.running(verb, &self.path, error)))
    }
}

impl S3Files {
    /// Connects. `Invalid` when a setting is wrong (the message names it), `Unavailable` when the storage does not answer
    /// within `start-timeout`.
    pub async fn open(config: &Config) -> Result<Self> {
        let public = match &config.public_endpoint {
            Some(endpoint) => Some(
                client::client(&Config {
                    endpoint: Some(endpoint.clone()),
                    ..config.clone()
                })
                .await?,
            ),
            None => None,
        };
        let files = Self {
            client: client::client(config).await?,
            public,
            bucket: config.bucket.clone(),
            prefix: match config.prefix.trim_end_matches('/') {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            parts: Parts {
                size: config.part_size.as_usize(),
                parallel: config.parallel_parts,
            },
            failures: Failures::new(config),
            probe: Probe::new("s3"),
        };
        until_available(config.start_timeout, || files.examine()).await?;
        Ok(files)
    }

    /// Whether the storage answers at the moment.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Whether the bucket is there and can be used.
    async fn examine(&self) -> Result<()> {
        let list = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&self.prefix)
            .max_keys(1)
            .send()
            .await;
        list.map(drop)
            .map_err(|error| self.failures.starting(error))
    }

    fn place(&self, path: &str) -> Result<Arc<Place>> {
        check_path(path)?;
        Ok(Arc::new(self.any_place(path)))
    }

    fn any_place(&self, path: &str) -> Place {
        Place {
            bucket: self.bucket.clone(),
            key: format!("{}{path}", self.prefix),
            path: path.to_owned(),
            failures: self.failures.clone(),
            probe: self.probe.clone(),
        }
    }

    fn path_of<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(self.prefix.as_str()).unwrap_or(key)
    }
}

#[async_trait]
impl Files for S3Files {
    async fn put(&self, path: &str, content: ByteStream) -> Result<u64> {
        upload::put(&self.client, self.place(path)?, self.parts, content).await
    }

    async fn get(&self, path: &str, range: Option<Range<u64>>) -> Result<ByteStream> {
        let range = range.unwrap_or(0..u64::MAX);
        if range.is_empty() {
            self.stat(path).await?;
            return Ok(stream::empty().boxed());
        }
        let end = (range.end != u64::MAX).then_some(range.end);
        download::get(&self.client, self.place(path)?, range.start, end).await
    }

    async fn stat(&self, path: &str) -> Result<FileStat> {
        let place = self.place(path)?;
        let head = self
            .client
            .head_object()
            .bucket(&place.bucket)
            .key(&place.key)
            .send()
            .await;
        let head = place.heard("read", head)?;
        Ok(FileStat {
            path: path.to_owned(),
            length: head.content_length.unwrap_or_default().unsigned_abs(),
            modified: timestamp(head.last_modified.as_ref()),
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<FileStat>> {
        check_prefix(prefix)?;
        let place = self.any_place(prefix);
        let request = self
            .client
            .list_objects_v2()
            .bucket(&place.bucket)
            .prefix(&place.key);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = place.heard("list", page)?;
            found.extend(
                page.contents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|object| {
                        let path = self.path_of(object.key.as_deref()?).to_owned();
                        // Other tools mark folders with objects of this form.
                        let folder = path.is_empty() || path.ends_with('/');
                        (!folder).then(|| FileStat {
                            path,
                            length: object.size.unwrap_or_default().unsigned_abs(),
                            modified: timestamp(object.last_modified.as_ref()),
                        })
                    }),
            );
        }
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let place = self.place(path)?;
        let deleted = self
            .client
            .delete_object()
            .bucket(&place.bucket)
            .key(&place.key)
            .send()
            .await;
        match place.heard("delete", deleted) {
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn link(&self, path: &str, name: &str, valid: Duration) -> Result<Option<String>> {
        let Some(public) = &self.public else {
            return Ok(None);
        };
        let place = self.place(path)?;
        let invalid =
            |error| Error::with_source(Kind::Invalid, "a link cannot be valid for so long", error);
        let valid = PresigningConfig::expires_in(valid).map_err(invalid)?;
        let request = public.get_object().bucket(&place.bucket).key(&place.key);
        let request = request.response_content_disposition(disposition(name));
        let link = request
            .presigned(valid)
            .await
            .map_err(|error| self.failures.running("link to", path, error))?;
        Ok(Some(link.uri().to_owned()))
    }
}

fn timestamp(time: Option<&DateTime>) -> jiff::Timestamp {
    let time =
        time.and_then(|time| jiff::Timestamp::new(time.secs(), time.subsec_nanos() as i32).ok());
    time.unwrap_or_default()
}

/// Makes a browser save the file under this name.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !"\"\\%;".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into())
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_keeps_its_name_in_old_and_new_browsers() {
        let header = disposition("böse \"datei\".csv");
        assert_eq!(
            header,
            "attachment; filename=\"b_se__datei_.csv\"; filename*=UTF-8''b%C3%B6se%20%22datei%22.csv"
        );
    }
}
