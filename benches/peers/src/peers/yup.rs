//! yup-oauth2's authorized user, over pipes in memory: ten thousand callers open as many connections, and a machine's
//! limit of open files would be measured instead.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::{Connect, Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::DuplexStream;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::authorized_user::AuthorizedUserSecret;
use yup_oauth2::{AuthorizedUserAuthenticator, CustomHyperClientBuilder};

use super::{Client, Peer, SCOPE};
use crate::api::Api;
use crate::provider::Provider;

/// Its authenticator.
pub struct Yup<C: Connect + Clone + Send + Sync + 'static>(Authenticator<C>);

/// One without a token. Its token endpoint is a constant, so the connector leads to ours.
pub async fn yup(provider: &Provider) -> Yup<impl Connect + Clone + Send + Sync + 'static> {
    let provider = provider.clone();
    let connector = tower::service_fn(move |_: http::Uri| {
        let (here, there) = tokio::io::duplex(16 * 1024);
        tokio::spawn(provider.clone().serve(TokioIo::new(there)));
        std::future::ready(Result::Ok(Pipe(TokioIo::new(here))))
    });
    let client = HyperClient::builder(TokioExecutor::new()).build(connector);
    let secret = AuthorizedUserSecret {
        client_id: "id".into(),
        client_secret: "secret".into(),
        refresh_token: "rt".into(),
        key_type: "authorized_user".into(),
    };
    let builder = AuthorizedUserAuthenticator::with_client(secret, CustomHyperClientBuilder::from(client));
    Yup(builder.build().await.expect("an authenticator"))
}

impl<C: Connect + Clone + Send + Sync + 'static> Yup<C> {
    /// In front of the API, as its documentation would have it: after a 401, `force_refreshed_token`.
    pub fn client(self, api: &Api) -> impl Client {
        Forces(self, api.clone())
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Peer for Yup<C> {
    async fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> bool {
        self.0.token(&[SCOPE]).await.is_ok_and(|token| token.token().is_some_and(look))
    }
}

struct Forces<C: Connect + Clone + Send + Sync + 'static>(Yup<C>, Api);

impl<C: Connect + Clone + Send + Sync + 'static> Client for Forces<C> {
    async fn send(&self, caller: usize) -> bool {
        let Self(Yup(authenticator), api) = self;
        let Ok(token) = authenticator.token(&[SCOPE]).await else { return false };
        if api.takes(caller, token.token().unwrap_or_default()).await {
            return true;
        }
        let Ok(token) = authenticator.force_refreshed_token(&[SCOPE]).await else { return false };
        api.takes(caller, token.token().unwrap_or_default()).await
    }
}

/// A pipe, as hyper's client wants its connections.
struct Pipe(TokioIo<DuplexStream>);

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
