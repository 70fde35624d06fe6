//! The token endpoint of all peers: counts, waits, and answers the same token. On loopback, and for those that take a
//! transport, in memory.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reauth_benches::stampede::ANSWER;
use tokio::net::TcpListener;

/// A token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Provider {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let provider = Self { address: listener.local_addr()?, requests: Arc::default() };
        tokio::spawn(provider.clone().serve(listener));
        Ok(provider)
    }

    /// Where it listens.
    pub(crate) fn uri(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }

    /// Counts a request and takes as long as an answer does.
    pub(crate) async fn wait(&self) {
        self.requests.fetch_add(1, Relaxed);
        tokio::time::sleep(ANSWER).await;
    }

    /// A token response.
    pub(crate) fn answer() -> String {
        let token = reauth_benches::token();
        format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600,"ext_expires_in":3600}}"#
        )
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let provider = self.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let provider = provider.clone();
                async move {
                    let _ = request.into_body().collect().await;
                    provider.wait().await;
                    let response = Response::builder().header("content-type", "application/json");
                    Ok::<_, Infallible>(
                        response.body(Full::new(Bytes::from(Self::answer()))).expect("a response"),
                    )
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }
}
