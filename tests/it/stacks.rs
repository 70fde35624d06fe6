//! The stacks that people build, each with a real client and a real server, over HTTP/1.1 and HTTP/2 if the stack has
//! both: what each of them has to do, and what is special about it.
//!
//! Tests in which a request has to stop at a certain point are in `contract/stacks.rs`, in memory and with paused
//! time.

mod hyper_client;
mod redirects;
mod reqwest;
mod tonic;
mod tower;

use std::fmt::Debug;

use ::tower::Service;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reauth::{AuthLayer, Authenticator};
use tokio::task::JoinSet;

use crate::reqwest_middleware::server::{Arrived, Server};
use crate::support::source::Script;
use crate::tower_layer::api::{authenticator, holding_first, nth, send};

const BOTH: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

type Body = Full<Bytes>;

fn hyper_client<B>(version: Version) -> Client<HttpConnector, B>
where
    B: http_body::Body<Data: Send> + Send,
{
    Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http()
}

fn reqwest_client(version: Version) -> ::reqwest::Client {
    // Redirects that reqwest follows itself are tested in `reqwest_middleware/redirects.rs`.
    let client = ::reqwest::Client::builder().no_proxy().redirect(::reqwest::redirect::Policy::none());
    match version {
        Version::HTTP_2 => client.http2_prior_knowledge(),
        _ => client.http1_only(),
    }
    .build()
    .unwrap()
}

/// A server that accepts `at-2`, and an authenticator that holds `at-1` and can be renewed once.
struct World {
    version: Version,
    server: Server,
    script: Script,
    auth: Authenticator,
}

impl World {
    async fn new(version: Version) -> Self {
        Self::with(version, Server::taking("at-2").await)
    }

    fn with(version: Version, server: Server) -> Self {
        let script = holding_first().then_ok(nth(2));
        let auth = authenticator(&script);
        Self { version, server, script, auth }
    }

    fn layer(&self) -> AuthLayer {
        AuthLayer::for_origin(self.server.origin(), self.auth.clone()).unwrap()
    }

    fn hyper(&self) -> Client<HttpConnector, Body> {
        hyper_client(self.version)
    }

    /// A POST of `body` to `/{body}`.
    fn post(&self, body: &str) -> Request<Body> {
        let body = body.to_owned();
        Request::post(self.server.url(&format!("/{body}"))).body(Full::from(body)).unwrap()
    }

    /// What arrived at one path.
    fn arrived_at(&self, path: &str) -> Vec<Arrived> {
        self.server.arrived().into_iter().filter(|arrived| arrived.path == path).collect()
    }

    /// What every stack has to do: of ten requests at once, each gets a 401 or waits for the renewal. There is one
    /// renewal for all of them. Each arrives whole and succeeds. A later request needs no renewal.
    async fn assert_renews<F>(&self, call: impl Fn(Request<Body>) -> F)
    where
        F: Future<Output = (StatusCode, Bytes)> + Send + 'static,
    {
        let mut calls = JoinSet::new();
        for n in 0..10 {
            calls.spawn(call(self.post(&n.to_string())));
        }
        let good = (StatusCode::OK, Bytes::from("at-2"));
        assert_eq!(calls.join_all().await, vec![good.clone(); 10], "{:?}", self.version);
        for n in 0..10 {
            let arrived = self.arrived_at(&format!("/{n}"));
            let tokens: Vec<_> = arrived.iter().map(|arrived| arrived.token().unwrap()).collect();
            assert!(matches!(tokens[..], ["at-1", "at-2"] | ["at-2"]), "{n}: {tokens:?}");
            for arrived in arrived {
                assert_eq!((arrived.version, arrived.body), (self.version, Bytes::from(n.to_string())));
            }
        }
        assert!(self.server.tokens().contains(&"at-1".to_owned()), "no request got a 401");

        assert_eq!(call(self.post("later")).await, good);
        assert_eq!(self.arrived_at("/later").len(), 1);
        assert_eq!(self.script.requests(), 1, "one renewal for all");
    }

    async fn assert_renews_through<S, R>(&self, service: &S)
    where
        S: Service<Request<Body>, Response = Response<R>, Error: Debug + Send>,
        S: Clone + Send + 'static,
        S::Future: Send,
        R: http_body::Body<Data: Send, Error: Debug> + Send + 'static,
    {
        self.assert_renews(|request| {
            let response = send(service, request);
            async move { read(response.await.unwrap()).await }
        })
        .await;
    }
}

async fn read<R: http_body::Body<Error: Debug>>(response: Response<R>) -> (StatusCode, Bytes) {
    let (head, body) = response.into_parts();
    (head.status, body.collect().await.unwrap().to_bytes())
}
