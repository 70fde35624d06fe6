//! Requests that a program sends by hand: a reqwest request and a closure that answers in place of the network.

use std::convert::Infallible;
use std::hint::black_box;

use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use reauth::Authorizer;
use reqwest::{Request, Response, ResponseBuilderExt};

use super::{authenticator, header};
use crate::call::{Call, Measure, at_once};
use crate::request::{ORIGIN, Replay, Shape, Template};

/// What the program does around its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Nothing.
    None,
    /// Inserts a header value built once.
    Floor,
    /// The same, and keeps a copy of the request for a second attempt.
    ByHand,
    /// `reauth::Authorizer::send`.
    Reauth,
    /// The same, told to send nothing again.
    NeverReplay,
}

/// Measures one of them.
pub fn send<M: Measure>(sender: Sender, shape: Shape, measure: M) -> M::Out {
    let template = Template::new(shape, Replay::Yes);
    match sender {
        Sender::None => measure.measure(Sends { template, how: Unchanged }),
        Sender::Floor => measure.measure(Sends { template, how: Floor(header()) }),
        Sender::ByHand => measure.measure(Sends { template, how: ByHand(header()) }),
        Sender::Reauth => measure.measure(Sends { template, how: reauth() }),
        Sender::NeverReplay => measure.measure(Sends { template, how: reauth().never_replay() }),
    }
}

fn reauth() -> Authorizer {
    Authorizer::for_origin(ORIGIN, authenticator()).expect("an origin")
}

/// 200, an empty body, and the URL that was asked.
async fn answer(request: Request) -> Result<Response, Infallible> {
    let response = http::Response::builder().url(request.url().clone()).body("").expect("a response");
    drop(black_box(request));
    Ok(response.into())
}

trait How: Clone {
    fn send(&self, request: Request) -> impl Future<Output = Response>;
}

#[derive(Clone)]
struct Sends<H> {
    template: Template,
    how: H,
}

impl<H: How + Send + Sync + 'static> Call for Sends<H> {
    fn once(&mut self) {
        drop(black_box(at_once(self.how.send(self.template.plain()))));
    }
}

#[derive(Clone)]
struct Unchanged;

impl How for Unchanged {
    async fn send(&self, request: Request) -> Response {
        answer(request).await.expect("an answer")
    }
}

#[derive(Clone)]
struct Floor(HeaderValue);

impl How for Floor {
    async fn send(&self, mut request: Request) -> Response {
        request.headers_mut().insert(AUTHORIZATION, self.0.clone());
        answer(request).await.expect("an answer")
    }
}

#[derive(Clone)]
struct ByHand(HeaderValue);

impl How for ByHand {
    async fn send(&self, mut request: Request) -> Response {
        let copy = request.try_clone();
        request.headers_mut().insert(AUTHORIZATION, self.0.clone());
        let response = answer(request).await.expect("an answer");
        match copy {
            Some(mut copy) if response.status() == StatusCode::UNAUTHORIZED => {
                copy.headers_mut().insert(AUTHORIZATION, self.0.clone());
                answer(copy).await.expect("an answer")
            }
            _ => response,
        }
    }
}

impl How for Authorizer {
    async fn send(&self, request: Request) -> Response {
        Authorizer::send(self, request, answer).await.expect("an answer")
    }
}
