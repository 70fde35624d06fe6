//! The memory that a request takes: the future of the middleware, in its box.

use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use http::Extensions;
use reauth::{AuthMiddleware, Authenticator, Credentials};
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};

/// Measures the future of the middleware inside.
struct Sized(AuthMiddleware, Arc<AtomicUsize>);

impl Middleware for Sized {
    fn handle<'m, 'e, 'n, 'c>(
        &'m self,
        request: Request,
        extensions: &'e mut Extensions,
        next: Next<'n>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'c>>
    where
        'm: 'c,
        'e: 'c,
        'n: 'c,
        Self: 'c,
    {
        let future = self.0.handle(request, extensions, next);
        self.1.store(size_of_val(&*future), Relaxed);
        future
    }
}

#[tokio::test]
async fn a_future_of_the_middleware_holds_a_request_and_its_copy_and_little_more() {
    // Half a kilobyte beside the inner future, and a little for other compilers.
    const MOST: usize = 512 + size_of::<Pin<Box<dyn Future<Output = ()>>>>() + 48;
    let size = Arc::default();
    let auth = Authenticator::new(Credentials::new("at-1").unwrap());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    let layer = AuthMiddleware::for_origin(&url, auth).unwrap();
    let client = ClientBuilder::new(Client::new()).with(Sized(layer, Arc::clone(&size))).build();
    client.post(url).body("x").send().await.unwrap_err();
    let size = size.load(Relaxed);
    assert!((1..=MOST).contains(&size), "{size} of {MOST} bytes");
}
