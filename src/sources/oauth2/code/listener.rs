//! Waits on a port of this machine for the browser that comes back.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};

use super::answer::{Answer, Expected};
use crate::error::Error;
use crate::sources::oauth2::asking::Asking;

/// The most connections at a time. A browser opens a few.
const MAX_CONNECTIONS: usize = 32;
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 32 << 10;
/// The time in which a head has to come, and in which a page is sent at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the browser gets for the last page.
const GRACE: Duration = Duration::from_secs(1);
/// The wait after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

type Code = Result<SecretString, Error>;

/// The port, and the connections to it. Both end when this is dropped.
pub(super) struct Listener {
    /// `None` when it is not needed any more.
    socket: Option<TcpListener>,
    port: u16,
    connections: JoinSet<()>,
    visits: Arc<Visits>,
    code: oneshot::Receiver<Code>,
}

/// What the connections share.
struct Visits {
    path: String,
    expected: Expected,
    inner: Mutex<Inner>,
}

struct Inner {
    /// `None` when the log-in has its response.
    answer: Option<oneshot::Sender<Code>>,
    /// A browser came with the response to another log-in.
    was_other: bool,
}

impl Listener {
    pub(super) async fn bind(port: u16, path: String, expected: Expected) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::misconfigured(format!(
                "port {port} of 127.0.0.1 can't be listened on; end what uses it, or set another one with \
                 `AuthorizationCode::port`"
            ))
            .with_source(error)
        };
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        let (answer, code) = oneshot::channel();
        let inner = Mutex::new(Inner { answer: Some(answer), was_other: false });
        let visits = Arc::new(Visits { path, expected, inner });
        Ok(Self { socket: Some(socket), port, connections: JoinSet::new(), visits, code })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the response to this log-in, while the user is shown the URL.
    pub(super) async fn wait(&mut self, mut asking: Asking) -> Code {
        let mut pause = pin!(None::<Sleep>);
        poll_fn(|context| {
            // A code that is there counts, even if the prompt fails in the same moment.
            if let Poll::Ready(code) = Pin::new(&mut self.code).poll(context) {
                self.socket = None;
                return Poll::Ready(code.unwrap_or_else(|_| Err(self.nobody_came())));
            }
            if let Some(error) = asking.failed(context) {
                return Poll::Ready(Err(error));
            }
            loop {
                while let Poll::Ready(Some(_)) = self.connections.poll_join_next(context) {}
                if let Some(over) = pause.as_mut().as_pin_mut() {
                    if over.poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    pause.set(None);
                }
                let Some(socket) = &self.socket else { return Poll::Pending };
                match socket.poll_accept(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok((stream, _))) if self.connections.len() < MAX_CONNECTIONS => {
                        self.connections.spawn(serve(stream, self.visits.clone()));
                    }
                    Poll::Ready(Ok(_)) => {}
                    // Such as too many open files.
                    Poll::Ready(Err(_)) => pause.set(Some(sleep(PAUSE))),
                }
            }
        })
        .await
    }

    /// Lets the browser have its last page.
    pub(super) async fn finish(mut self) {
        self.socket = None;
        let _ = timeout(GRACE, async { while self.connections.join_next().await.is_some() {} }).await;
        self.connections.shutdown().await;
    }

    /// The error when the time is over.
    pub(super) fn nobody_came(&self) -> Error {
        let inner = self.visits.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Error::login_required(match inner.was_other {
            true => {
                "the user did not complete the log-in in time, but a browser came with the `state` of another one; log in \
                 again, in a new tab"
            }
            false => "the user did not complete the log-in in time; log in again",
        })
    }
}

async fn serve(stream: TcpStream, visits: Arc<Visits>) {
    let service = service_fn(move |request| {
        let page = visits.visit(&request);
        async move { Ok::<_, Infallible>(page) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false).max_buf_size(MAX_HEAD);
    // An error is a browser that goes away.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

impl Visits {
    fn visit<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if request.uri().path() != self.path {
            return page(StatusCode::NOT_FOUND, "There is nothing here.");
        }
        if request.method() != Method::GET {
            let mut page = page(StatusCode::METHOD_NOT_ALLOWED, "This page can only be read.");
            page.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return page;
        }
        let answer = self.expected.read(request.uri().query().unwrap_or_default());
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Answer::Other => {
                inner.was_other = true;
                page(
                    StatusCode::BAD_REQUEST,
                    "This is not the response to the log-in that the program waits for. Close this tab, and go on in the newest one.",
                )
            }
            Answer::Ours(code) => {
                let text = match &code {
                    Ok(_) => "The log-in is complete. You can close this tab and go back to the program.",
                    Err(_) => "The log-in has failed. Go back to the program, which says why.",
                };
                match inner.answer.take() {
                    Some(answer) => drop(answer.send(code)),
                    None => {
                        return page(
                            StatusCode::OK,
                            "The program has the response already. You can close this tab.",
                        );
                    }
                }
                page(StatusCode::OK, text)
            }
        }
    }
}

/// Plain text, with nothing of the request in it.
fn page(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut page = Response::new(Full::from(text));
    *page.status_mut() = status;
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

#[cfg(test)]
mod tests;
