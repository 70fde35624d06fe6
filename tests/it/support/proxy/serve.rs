//! What happens on a connection of the proxy.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::response;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Fault, Record, RequestInfo, wire};

/// What the connections of the proxy share.
pub(super) struct Shared {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    pub(super) choose: Mutex<Arc<Choose>>,
    pub(super) seen: Mutex<Seen>,
}

pub(super) type Choose = dyn Fn(&RequestInfo) -> Fault + Send + Sync;

#[derive(Default)]
pub(super) struct Seen {
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) forwarded: u64,
    pub(super) records: Vec<Record>,
}

/// Serves until it is aborted, and its connections with it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                // A response sent in pieces must not wait for the client's acknowledgement of the first.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
            // Out of file descriptors: some connection has to end first.
            else => tokio::task::yield_now().await,
        }
    }
}

/// Serves one connection until either side or a fault closes it. An error means that the client closed it.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut connection = wire::Connection::new(stream);
    while let Ok(Some(request)) = connection.read_request().await {
        let keep_alive = request.keep_alive;
        if !shared.handle(request, &mut connection).await.unwrap_or(false) || !keep_alive {
            break;
        }
    }
    connection.close().await;
}

impl Shared {
    pub(super) fn new(upstream: String) -> Self {
        // The server may close a pooled connection just when it is reused, which would be another fault.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        let choose: Arc<Choose> = Arc::new(|_: &RequestInfo| Fault::None);
        Self { upstream, client, choose: Mutex::new(choose), seen: Mutex::default() }
    }

    /// Whether the connection may carry another request.
    async fn handle(&self, request: wire::Request, to: &mut wire::Connection) -> io::Result<bool> {
        let head = &request.head;
        let info = RequestInfo {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            body: request.body.clone(),
        };
        // Outside of the lock, because the closure may call `set`.
        let choose = self.choose.lock().unwrap().clone();
        let fault = choose(&info);
        let entry = self.note(info, &fault);

        if let Fault::Delay(pause) = fault {
            tokio::time::sleep(pause).await;
        }
        match &fault {
            Fault::DropBefore => return Ok(false),
            Fault::RawGarbage => {
                return to.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await.map(|()| false);
            }
            _ => {}
        }
        if let Some((response, body)) = synthetic(&fault) {
            return to.respond(&response, &body).await.map(|()| true);
        }

        self.update(entry, |record| record.forwarded = true);
        self.seen.lock().unwrap().forwarded += 1;
        // A server that cannot be reached looks like one that closes the connection.
        let Ok((response, body)) = self.forward(request).await else { return Ok(false) };
        self.update(entry, |record| record.status = Some(response.status.as_u16()));
        match fault {
            Fault::DropAfterCommit => return Ok(false),
            Fault::Truncate => return to.respond_half(&response, &body).await.map(|()| false),
            _ => {}
        }
        let pause = if let Fault::SlowDrip(pause) = fault { Some(pause) } else { None };
        let last = || self.update(entry, |record| record.delivered = true);
        let sent = to.respond_whole(&response, &body, pause, last).await;
        if sent.is_err() {
            self.update(entry, |record| record.delivered = false);
        }
        sent.map(|()| true)
    }

    async fn forward(
        &self,
        request: wire::Request,
    ) -> Result<(response::Parts, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let mut head = request.head;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("{}{path}", self.upstream).parse()?;
        wire::strip_framing(&mut head.headers);
        let request = http::Request::from_parts(head, Full::new(request.body));
        let (response, body) = self.client.request(request).await?.into_parts();
        Ok((response, body.collect().await?.to_bytes()))
    }

    /// Counts the fault and, if it met a token request, starts its record.
    fn note(&self, request: RequestInfo, fault: &Fault) -> Option<usize> {
        let mut seen = self.seen.lock().unwrap();
        *seen.faults.entry(fault.name()).or_default() += 1;
        request.is_token_request().then(|| {
            let fault = fault.clone();
            seen.records.push(Record { request, fault, forwarded: false, status: None, delivered: false });
            seen.records.len() - 1
        })
    }

    fn update(&self, entry: Option<usize>, change: impl FnOnce(&mut Record)) {
        if let Some(entry) = entry {
            change(&mut self.seen.lock().unwrap().records[entry]);
        }
    }
}

/// The responses that are given in place of the server's.
fn synthetic(fault: &Fault) -> Option<(response::Parts, Bytes)> {
    let response = http::Response::builder();
    let html = "<html><body><h1>nginx</h1></body></html>";
    let response = match fault {
        Fault::RateLimited { retry_after } => {
            response.status(429).header("retry-after", retry_after).body(Bytes::new())
        }
        Fault::Unavailable => response.status(503).header("content-type", "text/html").body(html.into()),
        Fault::HtmlBadGateway => response.status(502).header("content-type", "text/html").body(html.into()),
        Fault::Garbage => {
            let body = Bytes::from_static(b"\xff\xfe{\"access_token\":");
            response.status(200).header("content-type", "application/json").body(body)
        }
        _ => return None,
    };
    Some(response.expect("a `Retry-After` that is a header value").into_parts())
}
