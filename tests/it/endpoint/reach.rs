//! How far a request came, with real clients: hyper-util's and reqwest make the same attempts (R38).
//!
//! A request that certainly was not processed is repeated until the flight ends. One that may have been processed is
//! repeated once. So a third attempt shows which of the two the client took it for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reqwest::dns::{Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tower::service_fn;

use super::*;
use crate::support::server::hyper_transport_with_tls;

type Attempts = mpsc::UnboundedReceiver<()>;

/// Fails if the flight ends before the third attempt.
async fn assert_tried_again(url: &str, transport: TokenTransport, attempts: &mut Attempts) {
    let endpoint = TokenEndpoint::danger_accept_plain_http(url).or_else(|_| TokenEndpoint::new(url)).unwrap();
    let auth = Authenticator::new(refresher(endpoint.transport(transport)));
    let third = async {
        for _ in 0..3 {
            attempts.recv().await.unwrap();
        }
    };
    tokio::select! {
        () = third => {}
        result = auth.credentials() => panic!("{url}: the flight ended: {result:?}"),
    }
}

/// Finds no name.
struct NoNames(mpsc::UnboundedSender<()>);

impl Resolve for NoNames {
    fn resolve(&self, _: Name) -> Resolving {
        let _ = self.0.send(());
        Box::pin(std::future::ready(Err(io::Error::other("no such name").into())))
    }
}

#[tokio::test]
async fn r38_f127_a_name_that_is_not_found_is_tried_again() {
    let (sender, mut attempts) = mpsc::unbounded_channel();
    let resolver = Arc::new(NoNames(sender.clone()));
    let reqwest =
        TokenTransport::reqwest(reqwest::Client::builder().no_proxy().dns_resolver(resolver)).unwrap();
    assert_tried_again("http://id.test/token", reqwest, &mut attempts).await;

    let (sender, mut attempts) = mpsc::unbounded_channel();
    let resolver = service_fn(move |_| {
        let _ = sender.send(());
        std::future::ready(Err::<std::vec::IntoIter<SocketAddr>, _>(io::Error::other("no such name")))
    });
    let connector = HttpConnector::new_with_resolver(resolver);
    let hyper = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector);
    assert_tried_again("http://id.test/token", TokenTransport::new(hyper), &mut attempts).await;
}

/// A server that does this with each connection, and reports it.
async fn server<F>(serve: fn(TcpStream, mpsc::UnboundedSender<()>) -> F) -> (u16, Attempts)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, attempts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, sender.clone()));
        }
    });
    (port, attempts)
}

/// Does not speak TLS.
async fn no_tls(mut stream: TcpStream, attempts: mpsc::UnboundedSender<()>) -> io::Result<()> {
    let _ = attempts.send(());
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await
}

#[tokio::test]
async fn r38_f127_a_tls_handshake_that_fails_is_tried_again() {
    let (port, mut attempts) = server(no_tls).await;
    let url = format!("https://127.0.0.1:{port}/token");
    let reqwest = TokenTransport::reqwest(reqwest::Client::builder().no_proxy()).unwrap();
    assert_tried_again(&url, reqwest, &mut attempts).await;

    let (port, mut attempts) = server(no_tls).await;
    let url = format!("https://127.0.0.1:{port}/token");
    assert_tried_again(&url, hyper_transport_with_tls(), &mut attempts).await;
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, 0]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Responds to each request over HTTP/2 with one frame.
async fn respond_with(
    mut stream: TcpStream,
    attempts: mpsc::UnboundedSender<()>,
    response: fn(u32) -> Vec<u8>,
) -> io::Result<()> {
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&frame(SETTINGS, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let mut payload = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
        stream.read_exact(&mut payload).await?;
        if head[3] == HEADERS {
            let _ = attempts.send(());
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            stream.write_all(&response(id)).await?;
        }
    }
}

async fn refuse_streams(stream: TcpStream, attempts: mpsc::UnboundedSender<()>) -> io::Result<()> {
    // RST_STREAM with REFUSED_STREAM.
    respond_with(stream, attempts, |id| frame(3, id, &7_u32.to_be_bytes())).await
}

async fn go_away(stream: TcpStream, attempts: mpsc::UnboundedSender<()>) -> io::Result<()> {
    // GOAWAY without an error: no stream was processed.
    respond_with(stream, attempts, |_| frame(7, 0, &[0; 8])).await
}

#[tokio::test]
async fn r38_f127_a_stream_that_is_refused_is_tried_again() {
    for transport in http2() {
        let (port, mut attempts) = server(refuse_streams).await;
        assert_tried_again(&format!("http://127.0.0.1:{port}/token"), transport, &mut attempts).await;
    }
}

#[tokio::test]
async fn r38_f127_a_stream_above_the_last_one_of_a_goaway_is_tried_again() {
    for transport in http2() {
        let (port, mut attempts) = server(go_away).await;
        assert_tried_again(&format!("http://127.0.0.1:{port}/token"), transport, &mut attempts).await;
    }
}

fn http2() -> [TokenTransport; 2] {
    let hyper = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let reqwest = reqwest::Client::builder().no_proxy().http2_prior_knowledge();
    [TokenTransport::new(hyper), TokenTransport::reqwest(reqwest).unwrap()]
}
