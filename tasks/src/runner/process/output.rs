//! Both streams of a command, read side by side so that neither can fill up and stop it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};

use crate::runner::{LineSink, Splitter, Stream};

/// As much as a pipe holds: one read empties it.
const CHUNK: usize = 64 * 1024;

/// Standard output and standard error of a command.
#[derive(Debug)]
pub(super) struct Output {
    out: Pipe<ChildStdout>,
    err: Pipe<ChildStderr>,
}

#[derive(Debug)]
struct Pipe<R> {
    /// None: it has ended.
    reader: Option<R>,
    buffer: Vec<u8>,
    splitter: Splitter,
}

impl Output {
    pub(super) fn new(out: ChildStdout, err: ChildStderr, longest_line: usize) -> Self {
        Self {
            out: Pipe::new(out, Stream::Out, longest_line),
            err: Pipe::new(err, Stream::Err, longest_line),
        }
    }

    /// Whether both streams have ended: nobody holds their other ends.
    pub(super) fn has_ended(&self) -> bool {
        self.out.reader.is_none() && self.err.reader.is_none()
    }

    /// Hands lines over until both streams have ended. Cancel-safe: no byte is lost.
    pub(super) async fn follow(&mut self, lines: &mut dyn LineSink) -> io::Result<()> {
        while !self.has_ended() {
            tokio::select! {
                length = self.out.read(), if self.out.reader.is_some() => self.out.take(length?, lines),
                length = self.err.read(), if self.err.reader.is_some() => self.err.take(length?, lines),
            }
        }
        Ok(())
    }

    /// Hands over what stands after the last line breaks; what is written later is not heard.
    pub(super) fn finish(mut self, lines: &mut dyn LineSink) {
        self.out.splitter.finish(lines);
        self.err.splitter.finish(lines);
    }
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(reader: R, stream: Stream, longest_line: usize) -> Self {
        Self {
            reader: Some(reader),
            buffer: vec![0; CHUNK],
            splitter: Splitter::new(stream, longest_line),
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        match &mut self.reader {
            Some(reader) => reader.read(&mut self.buffer).await,
            None => Ok(0),
        }
    }

    fn take(&mut self, length: usize, lines: &mut dyn LineSink) {
        if length == 0 {
            self.reader = None;
        }
        self.splitter.push(&self.buffer[..length], lines);
    }
}
