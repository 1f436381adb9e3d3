//! A small HTTP/1.1 client over kept-alive connections: the load must cost the client less than the server.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection; one request at a time.
pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address,
            stream,
            buffer: Vec::with_capacity(16 << 10),
        })
    }

    pub(super) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        self.call(head.as_bytes()).await
    }

    /// Sends a body, of this type, or none.
    pub(super) async fn post(
        &mut self,
        path: &str,
        body: Option<(&str, &str)>,
    ) -> io::Result<Answer> {
        let (kind, content) = body.unwrap_or(("text/plain", ""));
        let kind = if body.is_some() {
            format!("content-type: {kind}\r\n")
        } else {
            String::new()
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\n{kind}content-length: {}\r\n\r\n{content}",
            self.address,
            content.len()
        );
        self.call(request.as_bytes()).await
    }

    async fn call(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..head_end])
            .map_err(|_| malformed("the head is not text"))?;
        let status = (head.split(' ').nth(1).and_then(|code| code.parse().ok()))
            .ok_or_else(|| malformed("no status"))?;
        let length = header(head, "content-length").and_then(|value| value.parse::<usize>().ok());
        let chunked = header(head, "transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        let body = match (length, chunked) {
            (Some(length), _) => self.sized(head_end, length).await?,
            (None, true) => self.chunked(head_end).await?,
            (None, false) => Vec::new(),
        };
        Ok(Answer { status, body })
    }

    async fn sized(&mut self, start: usize, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < start + length {
            self.read_more().await?;
        }
        Ok(self.buffer[start..start + length].to_vec())
    }

    async fn chunked(&mut self, start: usize) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut at = start;
        loop {
            let line_end = loop {
                if let Some(end) = find(&self.buffer[at..], b"\r\n") {
                    break at + end;
                }
                self.read_more().await?;
            };
            let text = String::from_utf8_lossy(&self.buffer[at..line_end]).into_owned();
            let size = text.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(size, 16).map_err(|_| malformed("a chunk without a size"))?;
            let from = line_end + 2;
            while self.buffer.len() < from + size + 2 {
                self.read_more().await?;
            }
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&self.buffer[from..from + size]);
            at = from + size + 2;
        }
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )),
            _ => Ok(()),
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the server's answer is malformed: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn answer_of(response: &'static str) -> io::Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            // in two parts, so that the client has to put them together
            let (first, second) = response.split_at(response.len() / 2);
            stream.write_all(first.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(second.as_bytes()).await.unwrap();
        });
        let answer = Connection::open(address).await?.get("/").await;
        server.await.unwrap();
        answer
    }

    #[tokio::test]
    async fn answers_with_a_length_and_in_chunks_are_read_whole() {
        let sized = answer_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            .await
            .unwrap();
        assert_eq!((sized.status, sized.body.as_slice()), (200, &b"hello"[..]));
        let chunked = "HTTP/1.1 404 x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        let chunked = answer_of(chunked).await.unwrap();
        assert_eq!(
            (chunked.status, chunked.body.as_slice()),
            (404, &b"abc0123456789"[..])
        );
    }
}
