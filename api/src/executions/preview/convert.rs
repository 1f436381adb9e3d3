//! Ion rows as JSON lines, while they are downloaded.

use std::io::{self, BufReader};

use bytes::Bytes;
use flowmill_backends::files::ByteStream;
use flowmill_common::ion;
use futures::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::{StreamReader, SyncIoBridge};

/// How many blocks wait for the client.
const WAITING: usize = 4;
/// Lines are sent in blocks of about so many bytes.
const BLOCK: usize = 64 << 10;

/// The rows, one JSON value a line. Memory stays constant, whatever the length of the file; a client that goes away ends it.
pub(crate) fn json_lines(content: ByteStream) -> impl Stream<Item = io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let reader = SyncIoBridge::new(StreamReader::new(content));
    tokio::task::spawn_blocking(move || {
        let mut block = Vec::with_capacity(BLOCK + 4096);
        for value in ion::Reader::new(BufReader::new(reader)) {
            let written = match value {
                Ok(value) => {
                    serde_json::to_writer(&mut block, &value.into_json()).map_err(io::Error::other)
                }
                Err(error) => Err(io::Error::other(error)),
            };
            if let Err(error) = written {
                let _ = sender.blocking_send(Err(error));
                return;
            }
            block.push(b'\n');
            if block.len() >= BLOCK
                && sender
                    .blocking_send(Ok(std::mem::take(&mut block).into()))
                    .is_err()
            {
                return;
            }
        }
        if !block.is_empty() {
            let _ = sender.blocking_send(Ok(block.into()));
        }
    });
    ReceiverStream::new(receiver)
}
