//! Each fault: the bytes that a client gets, and what the server saw.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn no_fault_passes_request_and_response_on() {
    let (server, proxy) = pair(Fault::None).await;
    let response = spend(&proxy).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("\r\nx-server: echo\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nPOST /token?q=1 refresh_token=r%2B1"), "{response}");
    assert_eq!((server.hits(), proxy.forwarded(), proxy.applied(&Fault::None)), (1, 1, 1));

    let [record] = &proxy.records()[..] else { panic!("one record") };
    assert!(record.forwarded && record.delivered);
    assert_eq!(record.status, Some(200));
    assert_eq!(&record.request.body[..], b"refresh_token=r%2B1");
    assert_eq!(record.request.refresh_token().as_deref(), Some("r+1"));
}

#[tokio::test]
async fn drop_before_keeps_the_request_from_the_server() {
    let (server, proxy) = pair(Fault::DropBefore).await;
    assert_eq!(spend(&proxy).await, "");
    assert_eq!((server.hits(), proxy.forwarded(), proxy.applied(&Fault::DropBefore)), (0, 0, 1));
    assert_eq!(fate(&proxy), (false, None, false));
}

#[tokio::test]
async fn drop_after_commit_keeps_the_response_from_the_client() {
    let (server, proxy) = pair(Fault::DropAfterCommit).await;
    assert_eq!(spend(&proxy).await, "");
    assert_eq!((server.hits(), proxy.forwarded(), proxy.applied(&Fault::DropAfterCommit)), (1, 1, 1));
    assert_eq!(fate(&proxy), (true, Some(200), false));
}

#[tokio::test]
async fn truncate_sends_half_of_the_body_it_announced() {
    let (server, proxy) = pair(Fault::Truncate).await;
    let response = spend(&proxy).await;
    assert!(response.contains("content-length: 35\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nPOST /token?q=1 r"), "{response}");
    assert_eq!((server.hits(), proxy.applied(&Fault::Truncate)), (1, 1));
    assert_eq!(fate(&proxy), (true, Some(200), false));
}

#[tokio::test]
async fn an_empty_body_can_be_truncated_too() {
    let (server, proxy) = pair(Fault::Truncate).await;
    let response = exchange(&proxy, "GET /empty HTTP/1.1\r\n\r\n").await;
    assert!(response.contains("content-length: 1\r\n") && response.ends_with("\r\n\r\n"), "{response}");
    assert_eq!(server.hits(), 1);
}

#[tokio::test(start_paused = true)]
async fn delay_holds_the_request_back() {
    let hour = Duration::from_secs(3600);
    let (server, proxy) = pair(Fault::Delay(hour)).await;
    let start = Instant::now();
    let response = spend(&proxy).await;
    assert!(start.elapsed() >= hour);
    assert!(response.ends_with("refresh_token=r%2B1"), "{response}");
    assert_eq!((server.hits(), proxy.applied(&Fault::Delay(Duration::ZERO))), (1, 1));
    assert_eq!(fate(&proxy), (true, Some(200), true));
}

#[tokio::test]
async fn rate_limited_responds_in_place_of_the_server() {
    let fault = Fault::RateLimited { retry_after: "7".to_owned() };
    let (server, proxy) = pair(fault.clone()).await;
    let response = spend(&proxy).await;
    assert!(
        response.starts_with("HTTP/1.1 429 ") && response.contains("\r\nretry-after: 7\r\n"),
        "{response}"
    );
    assert_eq!((server.hits(), proxy.applied(&fault)), (0, 1));
    assert_eq!(fate(&proxy), (false, None, false));
}

#[tokio::test]
async fn unavailable_responds_in_place_of_the_server() {
    let (server, proxy) = pair(Fault::Unavailable).await;
    assert!(spend(&proxy).await.starts_with("HTTP/1.1 503 "));
    assert_eq!((server.hits(), proxy.applied(&Fault::Unavailable)), (0, 1));
    assert_eq!(fate(&proxy), (false, None, false));
}

#[tokio::test]
async fn html_bad_gateway_responds_with_a_page() {
    let (server, proxy) = pair(Fault::HtmlBadGateway).await;
    let response = spend(&proxy).await;
    assert!(response.starts_with("HTTP/1.1 502 ") && response.ends_with("</html>"), "{response}");
    assert_eq!((server.hits(), proxy.applied(&Fault::HtmlBadGateway)), (0, 1));
    assert_eq!(fate(&proxy), (false, None, false));
}

#[tokio::test]
async fn garbage_is_a_success_whose_body_is_no_json() {
    let (server, proxy) = pair(Fault::Garbage).await;
    let response = spend(&proxy).await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("application/json"), "{response}");
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(serde_json::from_str::<Value>(body).is_err());
    assert_eq!((server.hits(), proxy.applied(&Fault::Garbage)), (0, 1));
    assert_eq!(fate(&proxy), (false, None, false));
}

#[tokio::test]
async fn raw_garbage_is_no_http() {
    let (server, proxy) = pair(Fault::RawGarbage).await;
    let response = spend(&proxy).await;
    assert!(!response.is_empty() && !response.starts_with("HTTP"), "{response}");
    assert_eq!((server.hits(), proxy.applied(&Fault::RawGarbage)), (0, 1));
    assert_eq!(fate(&proxy), (false, None, false));
}

#[tokio::test(start_paused = true)]
async fn slow_drip_pauses_before_each_byte_of_the_body() {
    let (server, proxy) = pair(Fault::SlowDrip(Duration::from_secs(60))).await;
    let start = Instant::now();
    let response = spend(&proxy).await;
    assert!(start.elapsed() >= Duration::from_secs(60 * 35));
    assert!(response.ends_with("\r\n\r\nPOST /token?q=1 refresh_token=r%2B1"), "{response}");
    assert_eq!((server.hits(), proxy.applied(&Fault::SlowDrip(Duration::ZERO))), (1, 1));
    assert_eq!(fate(&proxy), (true, Some(200), true));
}

#[tokio::test]
async fn the_choice_can_change_and_depend_on_the_request() {
    let (server, proxy) = pair(Fault::None).await;
    proxy.set(|request| match request.field("refreshtoken").as_deref() {
        Some("doomed") => Fault::DropBefore,
        _ => Fault::Unavailable,
    });
    let request = |token: &str| post("/v1/users/refresh", &format!(r#"{{"refreshtoken":"{token}"}}"#));
    assert_eq!(exchange(&proxy, &request("doomed")).await, "");
    assert!(exchange(&proxy, &request("other")).await.contains(" 503 "));
    proxy.set(|_| Fault::None);
    assert!(exchange(&proxy, &request("doomed")).await.contains(" 200 "));

    assert_eq!(server.hits(), 1);
    assert_eq!(proxy.counts(), BTreeMap::from([("drop_before", 1), ("none", 1), ("unavailable", 1)]));
    let spent: Vec<_> = proxy.records().iter().filter_map(|r| r.request.refresh_token()).collect();
    assert_eq!(spent, ["doomed", "other", "doomed"]);
}

#[tokio::test]
async fn only_token_requests_are_recorded() {
    let (_server, proxy) = pair(Fault::None).await;
    exchange(&proxy, &post("/api/echo", "x")).await;
    exchange(&proxy, "GET /token HTTP/1.1\r\n\r\n").await;
    for path in ["/token", "/portal/users/auth", "/v1/users/refresh"] {
        exchange(&proxy, &post(path, "x")).await;
    }
    let paths: Vec<_> = proxy.records().into_iter().map(|r| r.request.path).collect();
    assert_eq!(paths, ["/token", "/portal/users/auth", "/v1/users/refresh"]);
    assert_eq!(proxy.forwarded(), 5);
}

#[tokio::test]
async fn a_connection_is_kept_and_a_streamed_body_arrives_whole() {
    let (server, proxy) = pair(Fault::None).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let chunked = "POST /up HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=1\r\nabc\r\na\r\n0123456789\r\n0\r\nt: 1\r\n\r\n";
    let both = format!("{chunked}{}", post("/token", "last"));
    stream.write_all(both.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let responses = read(stream).await;
    assert!(responses.contains("POST /up abc0123456789HTTP/1.1 200"), "{responses}");
    assert!(responses.ends_with("POST /token last"), "{responses}");
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_real_client_sees_faults_as_faults() {
    let (server, proxy) = pair(Fault::None).await;
    let url = proxy.rewrite(&format!("{}/token", server.url));
    let client = reqwest::Client::new();
    let send = || async { client.post(&url).body("refresh_token=1").send().await?.text().await };
    assert_eq!(send().await.unwrap(), "POST /token refresh_token=1");
    // The kept connection breaks. The client must not try another one.
    for fault in [Fault::DropBefore, Fault::DropAfterCommit, Fault::Truncate, Fault::RawGarbage] {
        let before = proxy.applied(&fault);
        let chosen = fault.clone();
        proxy.set(move |_| chosen.clone());
        assert!(send().await.is_err(), "{fault:?}");
        assert_eq!(proxy.applied(&fault), before + 1, "{fault:?}");
        proxy.set(|_| Fault::None);
        assert!(send().await.is_ok(), "after {fault:?}");
    }
    drop(proxy);
    assert!(send().await.is_err(), "no connection outlives the proxy");
}

/// A server that responds with what it was asked, and the proxy in front of it.
async fn pair(fault: Fault) -> (Server, Proxy) {
    let server = Server::start().await;
    let proxy = Proxy::start(&server.url).await;
    proxy.set(move |_| fault.clone());
    (server, proxy)
}

struct Server {
    url: String,
    hits: Arc<AtomicU64>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hits = Arc::new(AtomicU64::new(0));
        let counter = hits.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = counter.clone();
                let echo = service_fn(move |request: http::Request<Incoming>| {
                    counter.fetch_add(1, Ordering::Relaxed);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let said = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body));
                        let said = if head.uri == "/empty" { String::new() } else { said };
                        let response = http::Response::builder().header("x-server", "echo");
                        Ok::<_, Infallible>(response.body(Full::new(Bytes::from(said))).unwrap())
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), echo));
            }
        });
        Self { url, hits }
    }

    fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

/// One refresh, on a connection of its own; what came back before the connection closed.
async fn spend(proxy: &Proxy) -> String {
    exchange(proxy, &post("/token?q=1", "refresh_token=r%2B1")).await
}

fn post(target: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn exchange(proxy: &Proxy, request: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    // The proxy closes a kept connection when it finds no second request on it.
    stream.shutdown().await.unwrap();
    read(stream).await
}

async fn read(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Of the one token request: whether it was forwarded, the server's status, whether that arrived.
fn fate(proxy: &Proxy) -> (bool, Option<u16>, bool) {
    let [record] = &proxy.records()[..] else { panic!("one record") };
    (record.forwarded, record.status, record.delivered)
}
