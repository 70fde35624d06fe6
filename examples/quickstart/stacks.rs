//! Three HTTP stacks that share one authenticator. Copy from here.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reauth::layer::Auth;
use reauth::{AuthError, AuthLayer, AuthMiddleware, Authenticator};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::net::TcpStream;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceBuilder, ServiceExt};

use crate::common::BoxError;

type Body = Full<Bytes>;

/// One way to call the API.
#[derive(Clone)]
pub(crate) enum Stack {
    Reqwest(ClientWithMiddleware),
    HyperUtil(Box<Auth<Client<HttpConnector, Body>>>),
    Tower(BoxCloneSyncService<Request<Body>, Response<Incoming>, BoxError>),
}

impl Stack {
    /// reqwest: a middleware.
    pub(crate) fn reqwest(origin: &str, auth: Authenticator) -> Result<Self, BoxError> {
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(AuthMiddleware::for_origin(origin, auth)?)
            .build();
        Ok(Self::Reqwest(client))
    }

    /// hyper-util: a layer around its client.
    pub(crate) fn hyper_util(origin: &str, auth: Authenticator) -> Result<Self, BoxError> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self::HyperUtil(Box::new(AuthLayer::for_origin(origin, auth)?.layer(client))))
    }

    /// tower: the same layer in a stack, around any service that takes a request and returns a response.
    pub(crate) fn tower(origin: &str, auth: Authenticator) -> Result<Self, BoxError> {
        let service = ServiceBuilder::new()
            .timeout(Duration::from_secs(30))
            .concurrency_limit(2)
            .map_err(AuthError::into_boxed)
            .layer(AuthLayer::for_origin(origin, auth)?)
            .service_fn(send_on_a_new_connection);
        Ok(Self::Tower(BoxCloneSyncService::new(service)))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Reqwest(_) => "reqwest",
            Self::HyperUtil(_) => "hyper-util",
            Self::Tower(_) => "tower",
        }
    }

    /// Sends a request, as in a program that does not handle tokens.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<StatusCode, BoxError> {
        Ok(match self {
            Self::Reqwest(client) => client.execute(request.try_into()?).await?.status(),
            Self::HyperUtil(service) => {
                service.as_ref().clone().oneshot(request.map(Full::new)).await?.status()
            }
            Self::Tower(service) => service.clone().oneshot(request.map(Full::new)).await?.status(),
        })
    }
}

/// The simplest HTTP client: one connection for each request.
async fn send_on_a_new_connection(mut request: Request<Body>) -> Result<Response<Incoming>, BoxError> {
    let authority = request.uri().authority().ok_or("the request's URI is not absolute")?.to_string();
    let stream = TcpStream::connect(&authority).await?;
    request.headers_mut().insert(HOST, HeaderValue::try_from(authority)?);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
