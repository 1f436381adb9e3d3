use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;

use super::{blocking, failure};
use crate::error::{Error, Result};
use crate::files::ByteStream;

/// So much is read at a time, and kept in memory.
const CHUNK: u64 = 256 << 10;

/// A file being read, and how much is still wanted of it.
struct Rest {
    path: String,
    file: File,
    length: u64,
}

/// Opens a file and reads its first part: a small file costs one hop to the threads that may block.
pub(super) async fn get(
    path: &str,
    file: PathBuf,
    range: Option<Range<u64>>,
) -> Result<ByteStream> {
    let path = path.to_owned();
    let (first, rest) = blocking(move || {
        let mut file = File::open(file).map_err(|error| failure("read", &path, error))?;
        let metadata = file
            .metadata()
            .map_err(|error| failure("read", &path, error))?;
        if !metadata.is_file() {
            return Err(Error::not_found(format!("no file `{path}`")));
        }
        let range = range.unwrap_or(0..u64::MAX);
        let start = range.start.min(metadata.len());
        let end = range.end.clamp(start, metadata.len());
        if start > 0 {
            file.seek(SeekFrom::Start(start))
                .map_err(|error| failure("read", &path, error))?;
        }
        Rest {
            path,
            file,
            length: end - start,
        }
        .read()
    })
    .await?;
    let rest = stream::try_unfold(rest, |rest| async move {
        if rest.length == 0 {
            return Ok(None);
        }
        let read = blocking(move || rest.read()).await;
        read.map(Some).map_err(std::io::Error::other)
    });
    let first = (!first.is_empty()).then_some(Ok(first));
    Ok(stream::iter(first).chain(rest).boxed())
}

impl Rest {
    fn read(mut self) -> Result<(Bytes, Self)> {
        let wanted = self.length.min(CHUNK);
        let mut chunk = Vec::with_capacity(wanted as usize);
        let read = (&mut self.file).take(wanted).read_to_end(&mut chunk);
        read.map_err(|error| failure("read", &self.path, error))?;
        if (chunk.len() as u64) < wanted {
            return Err(Error::internal(format!(
                "the file `{}` became shorter while it was read",
                self.path
            )));
        }
        self.length -= wanted;
        Ok((chunk.into(), self))
    }
}
