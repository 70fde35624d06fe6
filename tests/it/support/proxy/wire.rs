//! As much of HTTP/1.1 (RFC 9112) as the proxy needs. It can stop anywhere.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header, request, response};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A request, read whole.
pub(super) struct Request {
    pub(super) head: request::Parts,
    pub(super) body: Bytes,
    pub(super) keep_alive: bool,
}

/// The client's connection.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }

    /// The next request, or `None` where the client closed between two of them.
    pub(super) async fn read_request(&mut self) -> io::Result<Option<Request>> {
        let Some(line) = self.read_line().await? else { return Ok(None) };
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(invalid("request line"));
        };
        let builder = http::Request::builder().method(method).uri(target);
        let (mut head, ()) = builder.body(()).map_err(|_| invalid("request line"))?.into_parts();
        head.headers = self.read_headers().await?;

        let is = |name, value: &str| head.headers.get(name).is_some_and(|v| v.as_bytes() == value.as_bytes());
        let keep_alive = version == "HTTP/1.1" && !is(header::CONNECTION, "close");
        if is(header::EXPECT, "100-continue") {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let length = head.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        let body = if is(header::TRANSFER_ENCODING, "chunked") {
            self.read_chunks().await?
        } else {
            self.read_bytes(length.unwrap_or(0)).await?
        };
        Ok(Some(Request { head, body: body.into(), keep_alive }))
    }

    async fn read_headers(&mut self) -> io::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        loop {
            let line = self.read_line().await?.ok_or(ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                return Ok(headers);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("header"))?;
            let name: HeaderName = name.parse().map_err(|_| invalid("header name"))?;
            headers.append(name, value.trim().parse().map_err(|_| invalid("header value"))?);
        }
    }

    /// RFC 9112 section 7.1; extensions and trailers are read and dropped.
    async fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.read_line().await?.ok_or(ErrorKind::UnexpectedEof)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("chunk size"))?;
            if size == 0 {
                self.read_headers().await?;
                return Ok(body);
            }
            body.extend(self.read_bytes(size).await?);
            self.read_line().await?;
        }
    }

    async fn read_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(Some(line))
    }

    /// A response that the proxy makes.
    pub(super) async fn respond(&mut self, head: &response::Parts, body: &[u8]) -> io::Result<()> {
        self.respond_whole(head, body, None, || {}).await
    }

    /// A response, perhaps with a pause before each byte of its body. `last` is called before the last of
    /// its bytes is sent.
    pub(super) async fn respond_whole(
        &mut self,
        head: &response::Parts,
        body: &[u8],
        pause: Option<Duration>,
        last: impl FnOnce(),
    ) -> io::Result<()> {
        let mut bytes = encode_head(head, body.len());
        if let Some(pause) = pause {
            self.send(&bytes).await?;
            let (end, start) = body.split_last().map_or((None, body), |(end, start)| (Some(*end), start));
            for byte in start {
                tokio::time::sleep(pause).await;
                self.send(&[*byte]).await?;
            }
            tokio::time::sleep(pause).await;
            bytes = Vec::from_iter(end);
        } else {
            bytes.extend(body);
        }
        last();
        self.send(&bytes).await
    }

    /// The head of a response and half of its body.
    pub(super) async fn respond_half(&mut self, head: &response::Parts, body: &[u8]) -> io::Result<()> {
        // An empty body has no half: its length says one byte, which never comes.
        let mut bytes = encode_head(head, body.len().max(1));
        bytes.extend(&body[..body.len() / 2]);
        self.send(&bytes).await
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    pub(super) async fn close(mut self) {
        let _ = self.0.shutdown().await;
    }
}

/// Removes what describes one connection or one framing (RFC 9110 section 7.6.1) and doesn't survive another.
pub(super) fn strip_framing(headers: &mut HeaderMap) {
    let names =
        [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::EXPECT];
    for name in names {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn encode_head(head: &response::Parts, length: usize) -> Vec<u8> {
    let mut headers = head.headers.clone();
    strip_framing(&mut headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
