//! A web server for flows to fetch from.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Serves what a function answers, each request on a connection of its own. Ends with the test's process.
pub(crate) struct WebServer {
    address: SocketAddr,
}

/// What is answered.
pub(crate) enum Reply {
    /// A status, a content type and a body.
    Body(u16, &'static str, Vec<u8>),
    /// Nothing: the connection stays open until the client gives up.
    Silence,
}

impl WebServer {
    /// A server whose answers depend on the path.
    pub(crate) fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = answer.clone();
                std::thread::spawn(move || serve(stream, &*answer));
            }
        });
        Self { address }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// What the seeds fetch: a list of products, and a page.
pub(crate) fn products() -> WebServer {
    let products = std::fs::read(super::in_tests("fixtures/products.json")).unwrap();
    WebServer::start(move |path| match path {
        "/products" => Reply::Body(200, "application/json", products.clone()),
        "/" => Reply::Body(
            200,
            "text/html",
            b"<html><body><h1>A page</h1></body></html>".to_vec(),
        ),
        _ => Reply::Body(404, "text/plain", b"nothing here".to_vec()),
    })
}

fn serve(stream: TcpStream, answer: &(impl Fn(&str) -> Reply + ?Sized)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).is_err() {
        return;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let path = first
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .split('?')
        .next()
        .unwrap_or("/");
    match answer(path) {
        Reply::Body(status, kind, body) => {
            let mut stream = stream;
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        }
        Reply::Silence => {
            let _ = reader.read(&mut [0]);
        }
    }
}
