//! A client whose last middleware is the API. It has no socket, so that a test can pause time.

use std::pin::Pin;
use std::sync::LazyLock;

use http::Extensions;
use reauth::AuthMiddleware;
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Next, Result};
use tokio::task::yield_now;

use crate::tower_layer::api::{Api, Seen};

/// A client with `auth` before the API.
pub fn client(auth: AuthMiddleware, api: Api) -> ClientWithMiddleware {
    client_of(auth, move |request| {
        let api = api.clone();
        async move {
            // The request takes a while, and so does the response.
            yield_now().await;
            let outcome = api.respond(Seen {
                uri: request.url().as_str().parse().unwrap(),
                headers: request.headers().clone(),
                body: format!("{:?}", request.body()),
            });
            yield_now().await;
            let (head, body) = outcome.map_err(reqwest_middleware::Error::middleware)?.into_parts();
            let mut response = response_to(&request, body);
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers;
            Ok(response.into())
        }
    })
}

/// A client with `auth` before a function that responds to its requests.
pub fn client_of<F>(
    auth: AuthMiddleware,
    respond: impl Fn(Request) -> F + Send + Sync + 'static,
) -> ClientWithMiddleware
where
    F: Future<Output = Result<Response>> + Send + 'static,
{
    // It is never used, and takes long to make.
    static UNUSED: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);
    let last = middleware(move |request, _, _| Box::pin(respond(request)));
    ClientBuilder::new(UNUSED.clone()).with(auth).with(last).build()
}

/// A response that says where it came from, as reqwest's responses do.
pub fn response_to<B>(request: &Request, body: B) -> http::Response<B> {
    http::Response::builder().url(request.url().clone()).body(body).unwrap()
}

pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// Tells the compiler that the closure takes any lifetime.
pub fn middleware<F>(closure: F) -> F
where
    F: for<'a> Fn(Request, &'a mut Extensions, Next<'a>) -> Pending<'a>,
{
    closure
}
