//! A client whose last middleware is the API itself: no socket, so that a test may pause time.

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
            // The request is a while on its way, and so is the answer.
            yield_now().await;
            let answer = api.answer(Seen {
                uri: request.url().as_str().parse().unwrap(),
                headers: request.headers().clone(),
                body: format!("{:?}", request.body()),
            });
            yield_now().await;
            let (head, body) = answer.map_err(reqwest_middleware::Error::middleware)?.into_parts();
            let mut response = answer_to(&request, body);
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers;
            Ok(response.into())
        }
    })
}

/// A client with `auth` before whatever answers the requests.
pub fn client_of<F>(
    auth: AuthMiddleware,
    answer: impl Fn(Request) -> F + Send + Sync + 'static,
) -> ClientWithMiddleware
where
    F: Future<Output = Result<Response>> + Send + 'static,
{
    // Never used, and costly to make.
    static UNUSED: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);
    let last = middleware(move |request, _, _| Box::pin(answer(request)));
    ClientBuilder::new(UNUSED.clone()).with(auth).with(last).build()
}

/// An answer that says where it came from, as reqwest's own do.
pub fn answer_to<B>(request: &Request, body: B) -> http::Response<B> {
    http::Response::builder().url(request.url().clone()).body(body).unwrap()
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// Tells the compiler that the closure takes any lifetime.
fn middleware<F>(closure: F) -> F
where
    F: for<'a> Fn(Request, &'a mut Extensions, Next<'a>) -> Pending<'a>,
{
    closure
}
