use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::task::JoinSet;
use tracing::warn;

use super::Place;
use crate::error::{Error, Kind, Result};
use crate::files::ByteStream;

/// S3 takes 10,000 parts. They grow in steps, so that the largest object it allows (5 TiB) fits.
const GROW_EVERY: i32 = 1000;

/// How an upload is cut.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) size: usize,
    pub(super) parallel: usize,
}

/// Stores a stream: in one request if it is small, else part by part. An upload that fails or is given up is removed.
pub(super) async fn put(
    client: &Client,
    place: Arc<Place>,
    parts: Parts,
    content: ByteStream,
) -> Result<u64> {
    let mut content = Cut {
        content,
        rest: BytesMut::new(),
        exhausted: false,
    };
    let first = content.part(parts.size, &place.path).await?;
    if content.is_done() {
        return single(client, &place, first).await;
    }
    let mut upload = Upload::begin(client, place).await?;
    let length = upload.send(content, first, parts).await?;
    upload.complete().await?;
    Ok(length)
}

async fn single(client: &Client, place: &Place, content: Bytes) -> Result<u64> {
    let length = content.len() as u64;
    let put = client
        .put_object()
        .bucket(&place.bucket)
        .key(&place.key)
        .body(Body::from(content))
        .send()
        .await;
    place.heard("write", put)?;
    Ok(length)
}

/// A stream that is read in parts of a wanted size.
struct Cut {
    content: ByteStream,
    rest: BytesMut,
    exhausted: bool,
}

impl Cut {
    /// The next part; smaller than wanted only at the end.
    async fn part(&mut self, size: usize, path: &str) -> Result<Bytes> {
        while self.rest.len() < size && !self.exhausted {
            match self.content.next().await {
                Some(Ok(bytes)) => self.rest.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(broken(path, error)),
                None => self.exhausted = true,
            }
        }
        Ok(self.rest.split_to(size.min(self.rest.len())).freeze())
    }

    fn is_done(&self) -> bool {
        self.exhausted && self.rest.is_empty()
    }
}

/// The stream to be stored failed: as if whoever sends it were unavailable, unless it says more itself.
fn broken(path: &str, error: std::io::Error) -> Error {
    let kind = match error
        .get_ref()
        .and_then(|source| source.downcast_ref::<Error>())
    {
        Some(source) => source.kind(),
        None => Kind::Unavailable,
    };
    Error::with_source(kind, format!("the content of `{path}` broke off"), error)
}

/// An upload in parts. Dropped before it is complete, it is removed from the storage.
struct Upload {
    client: Client,
    place: Arc<Place>,
    /// `None` once it is complete.
    id: Option<String>,
    sent: Vec<CompletedPart>,
    flying: JoinSet<Result<CompletedPart>>,
}

impl Upload {
    async fn begin(client: &Client, place: Arc<Place>) -> Result<Self> {
        let begun = client
            .create_multipart_upload()
            .bucket(&place.bucket)
            .key(&place.key)
            .send()
            .await;
        let id = place
            .heard("write", begun)?
            .upload_id
            .ok_or_else(|| Error::internal("s3 began an upload without an id"))?;
        Ok(Self {
            client: client.clone(),
            place,
            id: Some(id),
            sent: Vec::new(),
            flying: JoinSet::new(),
        })
    }

    async fn send(&mut self, mut content: Cut, first: Bytes, parts: Parts) -> Result<u64> {
        let (mut part, mut number, mut length) = (first, 1, 0);
        while !part.is_empty() {
            length += part.len() as u64;
            if self.flying.len() >= parts.parallel.max(1) {
                self.land().await?;
            }
            self.launch(number, part);
            let size = parts.size << (number / GROW_EVERY);
            part = content.part(size, &self.place.path).await?;
            number += 1;
        }
        while !self.flying.is_empty() {
            self.land().await?;
        }
        Ok(length)
    }

    fn launch(&mut self, number: i32, content: Bytes) {
        let place = self.place.clone();
        let request = self
            .client
            .upload_part()
            .bucket(&place.bucket)
            .key(&place.key)
            .part_number(number);
        let request = request
            .set_upload_id(self.id.clone())
            .body(Body::from(content));
        self.flying.spawn(async move {
            let sent = place.heard("write", request.send().await)?;
            Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .build())
        });
    }

    async fn land(&mut self) -> Result<()> {
        if let Some(landed) = self.flying.join_next().await {
            let landed = landed
                .map_err(|error| Error::with_source(Kind::Internal, "an upload died", error))?;
            self.sent.push(landed?);
        }
        Ok(())
    }

    async fn complete(mut self) -> Result<()> {
        self.sent.sort_by_key(|part| part.part_number);
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(std::mem::take(&mut self.sent)))
            .build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.place.bucket)
            .key(&self.place.key);
        let completed = request
            .set_upload_id(self.id.clone())
            .multipart_upload(parts)
            .send()
            .await;
        self.place.heard("write", completed)?;
        self.id = None;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let (client, place, mut flying) = (
            self.client.clone(),
            self.place.clone(),
            std::mem::take(&mut self.flying),
        );
        tokio::spawn(async move {
            // A part that arrives after the removal would stay.
            flying.shutdown().await;
            let abort = client
                .abort_multipart_upload()
                .bucket(&place.bucket)
                .key(&place.key)
                .upload_id(id)
                .send()
                .await;
            if let Err(error) = abort {
                let error = place
                    .failures
                    .running("remove the begun", &place.path, error);
                warn!(%error, "parts of an upload stay in the bucket until its lifecycle rule removes them");
            }
        });
    }
}
