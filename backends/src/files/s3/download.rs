use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream as Body;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use tracing::debug;

use super::Place;
use super::failure::is_beyond_end;
use crate::error::{Error, Kind, Result};
use crate::files::ByteStream;

/// A stream that broke goes on where it was, so often without a byte in between.
const RESUMPTIONS: u32 = 5;

/// The content of an object from `start` to `end` (exclusive; `None`: to its end). A connection that breaks on the way is
/// made again.
pub(super) async fn get(
    client: &Client,
    place: Arc<Place>,
    start: u64,
    end: Option<u64>,
) -> Result<ByteStream> {
    let mut download = Download {
        client: client.clone(),
        place,
        position: start,
        end,
        tag: None,
        body: None,
        breaks: 0,
    };
    if !download.open().await? {
        return Ok(stream::empty().boxed());
    }
    let rest = stream::try_unfold(download, |mut download| async move {
        let chunk = download.next().await.map_err(std::io::Error::other)?;
        Ok(chunk.map(|chunk| (chunk, download)))
    });
    Ok(rest.boxed())
}

struct Download {
    client: Client,
    place: Arc<Place>,
    position: u64,
    end: Option<u64>,
    /// Which version of the object it is.
    tag: Option<String>,
    body: Option<Body>,
    breaks: u32,
}

impl Download {
    /// Asks for what is still wanted; false when there is nothing of it.
    async fn open(&mut self) -> Result<bool> {
        let range = match (self.position, self.end) {
            (0, None) => None,
            (start, None) => Some(format!("bytes={start}-")),
            (start, Some(end)) => Some(format!("bytes={start}-{}", end.saturating_sub(1))),
        };
        let request = self
            .client
            .get_object()
            .bucket(&self.place.bucket)
            .key(&self.place.key);
        let answer = request
            .set_range(range)
            .set_if_match(self.tag.clone())
            .send()
            .await;
        let GetObjectOutput { body, e_tag, .. } = match answer {
            Err(error) if is_beyond_end(&error) => return Ok(false),
            answer => self.place.heard("read", answer)?,
        };
        self.tag = e_tag;
        self.body = Some(body);
        Ok(true)
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.body.is_none() && !self.open().await? {
                return Ok(None);
            }
            let body = self.body.as_mut().expect("it was just opened");
            match body.next().await {
                Some(Ok(chunk)) => {
                    self.position += chunk.len() as u64;
                    self.breaks = 0;
                    return Ok(Some(chunk));
                }
                None => return Ok(None),
                Some(Err(error)) if self.breaks < RESUMPTIONS => {
                    debug!(path = self.place.path, %error, "a download broke off, it is resumed");
                    self.breaks += 1;
                    self.body = None;
                }
                Some(Err(error)) => {
                    let message = format!("reading `{}` broke off", self.place.path);
                    return Err(Error::with_source(Kind::Unavailable, message, error));
                }
            }
        }
    }
}
