//! The tower path: layers around a service that is ready at once and answers 200 with an empty body.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use reauth::AuthLayer;
use tower::retry::{Policy, Retry};
use tower::{Layer as _, Service};
use tower_http::auth::AddAuthorizationLayer;
use tower_http::set_header::SetRequestHeaderLayer;

use super::{authenticator, header};
use crate::call::{Call, Measure, at_once};
use crate::request::{Body, ORIGIN, OneShot, Replay, Shape, Template};
use crate::token;

type Answer = Response<Full<Bytes>>;

/// What is around the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Nothing.
    None,
    /// The floor: inserts a header value built once.
    Floor,
    /// tower-http's `SetRequestHeader`.
    SetHeader,
    /// tower-http's `AddAuthorization`.
    AddAuthorization,
    /// The least that can follow a changing token: loads it from an `ArcSwap`.
    ArcSwap,
    /// `reauth::AuthLayer`.
    Reauth,
    /// The same, told to send nothing again.
    NeverReplay,
    /// `tower::retry` with a copy of each request, over `AddAuthorization`.
    Retry,
    /// What one writes first: a Tokio `RwLock`, `format!`, a boxed future.
    Naive,
}

/// Measures one layer with one kind of request.
pub fn tower<M: Measure>(layer: Layer, shape: Shape, replay: Replay, measure: M) -> M::Out {
    let template = Template::new(shape, replay);
    match replay {
        Replay::OneShot => with_body::<OneShot, M>(layer, template, measure),
        // The others copy the request, which their body has to allow.
        Replay::Yes | Replay::Marked if layer == Layer::Retry => {
            let inner = AddAuthorizationLayer::bearer(&token()).as_sensitive(true).layer(INNER);
            measure.measure(Sends::<_, Full<Bytes>>::new(Retry::new(Never, inner), template))
        }
        Replay::Yes | Replay::Marked => with_body::<Full<Bytes>, M>(layer, template, measure),
    }
}

/// Measures a layer of someone else's: `wrap` puts it around the service, which has the error that it asks for.
pub fn tower_with<E, S, M: Measure>(shape: Shape, wrap: impl FnOnce(Inner<E>) -> S, measure: M) -> M::Out
where
    S: Service<Request<Full<Bytes>>, Response = Answer, Error: std::fmt::Debug> + Clone + Send + 'static,
{
    measure.measure(Sends::<_, Full<Bytes>>::new(wrap(Inner(PhantomData)), Template::new(shape, Replay::Yes)))
}

fn with_body<B: Body, M: Measure>(layer: Layer, template: Template, measure: M) -> M::Out {
    match layer {
        Layer::None => measure.measure(Sends::<_, B>::new(INNER, template)),
        Layer::Floor => {
            measure.measure(Sends::<_, B>::new(Floor { inner: INNER, header: header() }, template))
        }
        Layer::SetHeader => {
            let layer = SetRequestHeaderLayer::overriding(AUTHORIZATION, header());
            measure.measure(Sends::<_, B>::new(layer.layer(INNER), template))
        }
        Layer::AddAuthorization => {
            let layer = AddAuthorizationLayer::bearer(&token()).as_sensitive(true);
            measure.measure(Sends::<_, B>::new(layer.layer(INNER), template))
        }
        Layer::ArcSwap => {
            let header = Arc::new(ArcSwap::from_pointee(header()));
            measure.measure(Sends::<_, B>::new(Swapped { inner: INNER, header }, template))
        }
        Layer::Reauth => measure.measure(Sends::<_, B>::new(reauth().layer(INNER), template)),
        Layer::NeverReplay => {
            measure.measure(Sends::<_, B>::new(reauth().never_replay().layer(INNER), template))
        }
        Layer::Naive => {
            let token = Arc::new(tokio::sync::RwLock::new(token()));
            measure.measure(Sends::<_, B>::new(Naive { inner: INNER, token }, template))
        }
        Layer::Retry => unreachable!("a body that can't be copied can't be sent through tower::retry"),
    }
}

fn reauth() -> AuthLayer {
    AuthLayer::for_origin(ORIGIN, authenticator()).expect("an origin")
}

struct Sends<S, B> {
    service: S,
    template: Template,
    body: PhantomData<fn() -> B>,
}

impl<S, B> Sends<S, B> {
    fn new(service: S, template: Template) -> Self {
        Self { service, template, body: PhantomData }
    }
}

impl<S: Clone, B> Clone for Sends<S, B> {
    fn clone(&self) -> Self {
        Self::new(self.service.clone(), self.template.clone())
    }
}

impl<S, B: Body> Call for Sends<S, B>
where
    S: Service<Request<B>, Response = Answer, Error: std::fmt::Debug> + Clone + Send + 'static,
{
    fn once(&mut self) {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let ready = matches!(self.service.poll_ready(&mut context), Poll::Ready(Ok(())));
        assert!(ready, "the service is ready at once");
        drop(black_box(at_once(self.service.call(self.template.http()))));
    }
}

/// Ready at once; answers 200 with an empty body. Some layers want an error of a certain type.
#[derive(Debug)]
pub struct Inner<E = Infallible>(PhantomData<fn() -> E>);

impl<E> Clone for Inner<E> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

const INNER: Inner = Inner(PhantomData);

impl<B, E> Service<Request<B>> for Inner<E> {
    type Response = Answer;
    type Error = E;
    type Future = Ready<Result<Answer, E>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::default()))
    }
}

#[derive(Clone)]
struct Floor<S> {
    inner: S,
    header: HeaderValue,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Floor<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.headers_mut().insert(AUTHORIZATION, self.header.clone());
        self.inner.call(request)
    }
}

#[derive(Clone)]
struct Swapped<S> {
    inner: S,
    header: Arc<ArcSwap<HeaderValue>>,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Swapped<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let header = HeaderValue::clone(&self.header.load());
        request.headers_mut().insert(AUTHORIZATION, header);
        self.inner.call(request)
    }
}

#[derive(Clone)]
struct Naive<S> {
    inner: S,
    token: Arc<tokio::sync::RwLock<String>>,
}

impl<S, B> Service<Request<B>> for Naive<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let spare = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, spare);
        let token = self.token.clone();
        Box::pin(async move {
            let header = format!("Bearer {}", token.read().await);
            let header = HeaderValue::try_from(header).expect("a header value");
            request.headers_mut().insert(AUTHORIZATION, header);
            ready.call(request).await
        })
    }
}

/// Copies each request and never needs the copy.
#[derive(Clone)]
struct Never;

impl<B: Clone, E> Policy<Request<B>, Answer, E> for Never {
    type Future = Ready<()>;

    fn retry(&mut self, _request: &mut Request<B>, result: &mut Result<Answer, E>) -> Option<Ready<()>> {
        let refused = result.as_ref().is_ok_and(|answer| answer.status() == http::StatusCode::UNAUTHORIZED);
        refused.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}
