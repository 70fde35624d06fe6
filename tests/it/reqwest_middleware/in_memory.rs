//! A client whose last middleware is the API itself: no socket, so that a test may pause time.

use std::pin::Pin;
use std::sync::LazyLock;

use http::Extensions;
use reauth::AuthMiddleware;
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};

use crate::tower_layer::api::{Api, Seen};

/// A client with `auth` before the API.
pub fn client(auth: AuthMiddleware, api: Api) -> ClientWithMiddleware {
    // Never used, and costly to make.
    static UNUSED: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);
    ClientBuilder::new(UNUSED.clone()).with(auth).with(InMemory(api)).build()
}

struct InMemory(Api);

/// By hand, as `async_trait` is no dependency of this crate.
impl Middleware for InMemory {
    fn handle<'middleware, 'extensions, 'next, 'call>(
        &'middleware self,
        request: Request,
        _extensions: &'extensions mut Extensions,
        _next: Next<'next>,
    ) -> Pin<Box<dyn Future<Output = reqwest_middleware::Result<Response>> + Send + 'call>>
    where
        'middleware: 'call,
        'extensions: 'call,
        'next: 'call,
        Self: 'call,
    {
        Box::pin(async move {
            // The request is a while on its way, and so is the answer.
            tokio::task::yield_now().await;
            let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
            let answer = self.0.answer(Seen {
                uri: request.url().as_str().parse().unwrap(),
                headers: request.headers().clone(),
                body: String::from_utf8_lossy(body).into_owned(),
            });
            tokio::task::yield_now().await;
            let (head, body) = answer.map_err(reqwest_middleware::Error::middleware)?.into_parts();
            let mut response = http::Response::builder().url(request.url().clone()).body(body).unwrap();
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers;
            Ok(response.into())
        })
    }
}
