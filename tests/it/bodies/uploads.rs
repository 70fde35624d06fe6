//! A server for uploads on loopback, HTTP/1.1 or HTTP/2. It responds with 401 to the old token as soon as it has read
//! a part of the body, and reads nothing more.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::scripted::Gate;

/// The part of an upload that was read.
#[derive(Clone, Debug)]
pub struct Upload {
    pub length: Option<u64>,
    pub content_type: Option<String>,
    pub data: Bytes,
    pub trailers: Option<HeaderMap>,
}

/// A running server, which accepts only `at-2`. It ends, with its connections, when it is dropped.
pub struct Uploads {
    pub origin: String,
    uploads: Arc<Mutex<Vec<Upload>>>,
    _tasks: JoinSet<()>,
}

impl Uploads {
    /// Reads `read` bytes of an upload with an old token, and opens the gate when one with the new token comes.
    pub async fn reading(read: usize, gate: Gate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let uploads = Arc::new(Mutex::default());
        let mut tasks = JoinSet::new();
        let seen = uploads.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, gate) = (seen.clone(), gate.clone());
                let service = hyper::service::service_fn(move |request| {
                    respond(request, read, gate.clone(), seen.clone())
                });
                connections.spawn(async move {
                    // An error here means that the client has closed the connection.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { origin, uploads, _tasks: tasks }
    }

    pub fn uploads(&self) -> Vec<Upload> {
        self.uploads.lock().unwrap().clone()
    }
}

async fn respond(
    request: Request<Incoming>,
    read: usize,
    gate: Gate,
    seen: Arc<Mutex<Vec<Upload>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let header = |name| head.headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap());
    let length = header(CONTENT_LENGTH).map(|length| length.parse().unwrap());
    let content_type = header(http::header::CONTENT_TYPE).map(str::to_owned);
    let good = header(AUTHORIZATION) == Some("Bearer at-2");
    if good {
        gate.open();
    }
    let (mut data, mut trailers) = (BytesMut::new(), None);
    while good || data.len() < read {
        let Some(frame) = body.frame().await else { break };
        // An upload that breaks off counts as not received.
        let Ok(frame) = frame else { return Ok(status(StatusCode::BAD_REQUEST)) };
        match frame.into_data() {
            Ok(piece) => data.extend_from_slice(&piece),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    seen.lock().unwrap().push(Upload { length, content_type, data: data.freeze(), trailers });
    Ok(status(if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(status.as_str().to_owned())).unwrap()
}
