//! The output of a command as lines of text, in bounded memory whatever it writes.

use std::borrow::Cow;

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A line without its line break. Bytes that are not UTF-8 are replaced by `U+FFFD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where it was written.
    pub stream: Stream,
    /// Its text, at most as long as the limit.
    pub text: Cow<'a, str>,
    /// How many bytes of it were dropped beyond the limit.
    pub cut: u64,
}

/// Takes the lines of a command, in the order of their arrival.
pub trait LineSink: Send {
    /// One line. Must not block.
    fn line(&mut self, line: Line<'_>);
}

/// Cuts one stream into lines.
#[derive(Debug)]
pub struct Splitter {
    stream: Stream,
    limit: usize,
    pending: Vec<u8>,
    cut: u64,
}

impl Splitter {
    /// For a stream, keeping at most `limit` bytes of a line.
    pub fn new(stream: Stream, limit: usize) -> Self {
        Self {
            stream,
            limit: limit.max(1),
            pending: Vec::new(),
            cut: 0,
        }
    }

    /// Takes bytes as they came; complete lines go to the sink.
    pub fn push(&mut self, mut bytes: &[u8], sink: &mut dyn LineSink) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.pending.is_empty() && self.cut == 0 {
                let kept = &line[..line.len().min(self.limit)];
                emit(self.stream, kept, (line.len() - kept.len()) as u64, sink);
            } else {
                self.keep(line);
                self.flush(sink);
            }
            bytes = rest;
        }
        self.keep(bytes);
    }

    /// The stream has ended: what stands after the last line break is a line, too.
    pub fn finish(&mut self, sink: &mut dyn LineSink) {
        if !self.pending.is_empty() || self.cut > 0 {
            self.flush(sink);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.limit - self.pending.len());
        self.pending.extend_from_slice(&bytes[..kept]);
        self.cut += (bytes.len() - kept) as u64;
    }

    fn flush(&mut self, sink: &mut dyn LineSink) {
        emit(self.stream, &self.pending, self.cut, sink);
        // A line of unusual length must not hold its memory for the rest of a long run.
        self.pending.clear();
        self.pending.shrink_to(64 * 1024);
        self.cut = 0;
    }
}

fn emit(stream: Stream, line: &[u8], cut: u64, sink: &mut dyn LineSink) {
    let line = if cut == 0 {
        line.strip_suffix(b"\r").unwrap_or(line)
    } else {
        line
    };
    sink.line(Line {
        stream,
        text: String::from_utf8_lossy(line),
        cut,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(Vec<(String, u64)>);

    impl LineSink for Lines {
        fn line(&mut self, line: Line<'_>) {
            self.0.push((line.text.into_owned(), line.cut));
        }
    }

    fn split(limit: usize, chunks: &[&[u8]]) -> Vec<(String, u64)> {
        let mut lines = Lines(Vec::new());
        let mut splitter = Splitter::new(Stream::Out, limit);
        for chunk in chunks {
            splitter.push(chunk, &mut lines);
        }
        splitter.finish(&mut lines);
        lines.0
    }

    fn whole(lines: &[&str]) -> Vec<(String, u64)> {
        lines.iter().map(|line| ((*line).to_owned(), 0)).collect()
    }

    #[test]
    fn lines_are_put_together_across_chunks() {
        assert_eq!(
            split(100, &[b"a", b"b\nc", b"d\n\ne"]),
            whole(&["ab", "cd", "", "e"])
        );
    }

    #[test]
    fn a_windows_line_break_is_one_and_a_lone_return_is_none() {
        assert_eq!(
            split(100, &[b"10%\r20%\r\nend\r\n"]),
            whole(&["10%\r20%", "end"])
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(split(100, &[b"a\xffb\n"]), whole(&["a\u{fffd}b"]));
    }

    #[test]
    fn a_character_cut_by_a_chunk_is_whole() {
        assert_eq!(split(100, &[b"\xc3", b"\xa9\n"]), whole(&["é"]));
    }

    #[test]
    fn a_long_line_is_cut_and_the_cut_is_counted() {
        assert_eq!(
            split(4, &[b"abcdefg\nhi\n"]),
            [("abcd".to_owned(), 3), ("hi".to_owned(), 0)]
        );
        assert_eq!(split(4, &[b"abc", b"def", b"g"]), [("abcd".to_owned(), 3)]);
    }

    #[test]
    fn the_memory_of_a_stream_without_line_breaks_is_bounded() {
        let mut lines = Lines(Vec::new());
        let mut splitter = Splitter::new(Stream::Out, 1024);
        for _ in 0..1000 {
            splitter.push(&[b'x'; 4096], &mut lines);
        }
        assert!(splitter.pending.capacity() <= 2048);
        assert!(lines.0.is_empty());
    }
}
