//! The reqwest path: middlewares over one that answers in place of the network.

use std::hint::black_box;
use std::pin::Pin;

use http::header::AUTHORIZATION;
use http::{Extensions, HeaderValue, StatusCode};
use reauth::AuthMiddleware;
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Next, Result};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

use super::{authenticator, header};
use crate::call::{Call, Measure, at_once};
use crate::request::{ORIGIN, Replay, Shape, Template};

/// What is between the caller and the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middleware {
    /// One that does nothing, in the boxed future that the trait asks for.
    Noop,
    /// Inserts a header value built once.
    Floor,
    /// Inserts a header value built once, and keeps a copy of the request for a second attempt: what one writes by hand.
    ByHand,
    /// `reauth::AuthMiddleware`.
    Reauth,
    /// The same, told to send nothing again.
    NeverReplay,
    /// reqwest-retry's `RetryTransientMiddleware`, three tries.
    Retry,
    /// The same, and a constant header inside.
    RetryFloor,
}

/// Measures one middleware with one kind of request.
pub fn reqwest<M: Measure>(middleware: Middleware, shape: Shape, replay: Replay, measure: M) -> M::Out {
    let client = ClientBuilder::new(::reqwest::Client::new());
    let client = match middleware {
        Middleware::Noop => client.with(Noop),
        Middleware::Floor => client.with(Floor(header())),
        Middleware::ByHand => client.with(ByHand(header())),
        Middleware::Reauth => client.with(reauth()),
        Middleware::NeverReplay => client.with(reauth().never_replay()),
        Middleware::Retry => client.with(retry()),
        Middleware::RetryFloor => client.with(retry()).with(Floor(header())),
    };
    measure.measure(Sends { client: client.with(Answers).build(), template: Template::new(shape, replay) })
}

fn reauth() -> AuthMiddleware {
    AuthMiddleware::for_origin(ORIGIN, authenticator()).expect("an origin")
}

fn retry() -> impl reqwest_middleware::Middleware {
    RetryTransientMiddleware::new_with_policy(ExponentialBackoff::builder().build_with_max_retries(3))
}

#[derive(Clone)]
struct Sends {
    client: ClientWithMiddleware,
    template: Template,
}

impl Call for Sends {
    fn once(&mut self) {
        drop(black_box(at_once(self.template.reqwest(&self.client).send())).expect("an answer"));
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

macro_rules! middleware {
    ($name:ident, |$self:ident, $request:ident, $extensions:ident, $next:ident| $body:expr) => {
        // What `async_trait` would write.
        impl reqwest_middleware::Middleware for $name {
            fn handle<'m, 'e, 'n, 'c>(
                &'m $self,
                $request: Request,
                $extensions: &'e mut Extensions,
                $next: Next<'n>,
            ) -> Pending<'c>
            where
                'm: 'c,
                'e: 'c,
                'n: 'c,
                Self: 'c,
            {
                Box::pin(async move { $body })
            }
        }
    };
}

struct Noop;
middleware!(Noop, |self, request, extensions, next| next.run(request, extensions).await);

struct Floor(HeaderValue);
middleware!(Floor, |self, request, extensions, next| {
    let mut request = request;
    request.headers_mut().insert(AUTHORIZATION, self.0.clone());
    next.run(request, extensions).await
});

struct ByHand(HeaderValue);
middleware!(ByHand, |self, request, extensions, next| {
    let mut request = request;
    let copy = request.try_clone();
    request.headers_mut().insert(AUTHORIZATION, self.0.clone());
    let response = next.clone().run(request, extensions).await?;
    match copy {
        Some(mut copy) if response.status() == StatusCode::UNAUTHORIZED => {
            copy.headers_mut().insert(AUTHORIZATION, self.0.clone());
            next.run(copy, extensions).await
        }
        _ => Ok(response),
    }
});

/// 200, an empty body, and the URL that was asked.
struct Answers;
middleware!(Answers, |self, request, _extensions, _next| {
    let response = http::Response::builder().url(request.url().clone()).body("").expect("a response");
    drop(black_box(request));
    Ok(response.into())
});
