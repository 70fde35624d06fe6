//! Where `send` can be called: spawned, boxed, from generic code, with closures that are not `Send`; and how large its future is.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use reauth::{AuthError, Authorizer};
use tokio::task::LocalSet;

use super::api::{ORIGIN, authenticator, authorizer, holding_first, nth};
use crate::tower_layer::api::Broken;

type Reply = Result<Response<String>, AuthError<Broken>>;

fn get() -> Request<String> {
    Request::get(format!("{ORIGIN}/x")).body(String::new()).unwrap()
}

fn auth() -> Authorizer {
    authorizer(&holding_first().then_ok(nth(2)))
}

/// A client with a method, as reqwest's has.
#[derive(Clone)]
struct Client(Arc<str>);

impl Client {
    async fn execute(&self, request: Request<String>) -> Result<Response<String>, Broken> {
        tokio::task::yield_now().await;
        let is_good = request.headers()["authorization"] == *self.0;
        Ok(Response::builder().status(if is_good { 200 } else { 401 }).body(String::new()).unwrap())
    }
}

fn client() -> Client {
    Client("Bearer at-2".into())
}

fn is_ok(reply: Reply) {
    assert_eq!(reply.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn r45_send_can_be_spawned_with_a_borrowed_client_and_an_owned_one() {
    let (auth, client) = (auth(), client());
    let borrowed = tokio::spawn({
        let (auth, client) = (auth.clone(), client.clone());
        async move { auth.send(get(), |request| client.execute(request)).await }
    });
    is_ok(borrowed.await.unwrap());
    let owned = tokio::spawn(async move {
        let send = move |request| {
            let client = client.clone();
            async move { client.execute(request).await }
        };
        auth.send(get(), send).await
    });
    is_ok(owned.await.unwrap());
}

/// What `async_trait` makes of a method.
trait Backend {
    fn fetch<'a>(&'a self) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;
}

struct Api {
    auth: Authorizer,
    client: Client,
}

impl Backend for Api {
    fn fetch<'a>(&'a self) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(async move { self.auth.send(get(), |request| self.client.execute(request)).await })
    }
}

#[tokio::test(start_paused = true)]
async fn r45_send_fits_into_a_boxed_future_that_is_send() {
    let api: Box<dyn Backend + Send + Sync> = Box::new(Api { auth: auth(), client: client() });
    is_ok(api.fetch().await);
}

/// A trait for clients, as a library has.
trait Execute {
    fn execute(
        &self,
        request: Request<String>,
    ) -> impl Future<Output = Result<Response<String>, Broken>> + Send;
}

impl Execute for Client {
    async fn execute(&self, request: Request<String>) -> Result<Response<String>, Broken> {
        Self::execute(self, request).await
    }
}

async fn fetch<C: Execute + Sync>(auth: &Authorizer, client: &C) -> Reply {
    auth.send(get(), |request| client.execute(request)).await
}

#[tokio::test(start_paused = true)]
async fn r45_send_can_be_called_from_generic_code() {
    is_ok(tokio::spawn(async move { fetch(&auth(), &client()).await }).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn r45_send_takes_closures_that_are_not_send() {
    let (auth, calls) = (auth(), Rc::new(std::cell::Cell::new(0)));
    let seen = calls.clone();
    let call = async move {
        let client = client();
        let send = |request| {
            seen.set(seen.get() + 1);
            let (client, kept) = (client.clone(), seen.clone());
            async move {
                let response = client.execute(request).await;
                drop(kept);
                response
            }
        };
        auth.send(get(), send).await
    };
    is_ok(LocalSet::new().run_until(async { tokio::task::spawn_local(call).await.unwrap() }).await);
    assert_eq!(calls.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn r45_send_takes_async_closures_that_change_what_they_hold() {
    let (auth, client, mut calls) = (auth(), client(), 0);
    let count = &mut calls;
    let send = |request| {
        *count += 1;
        client.execute(request)
    };
    is_ok(auth.send(get(), send).await);
    assert_eq!(calls, 2);
    let send = async |mut request: Request<String>| {
        request.headers_mut().insert("x-mine", "1".parse().unwrap());
        client.execute(request).await
    };
    is_ok(auth.send(get(), send).await);
    let (auth, api) = (auth.clone(), client.clone());
    let spawned = tokio::spawn(async move {
        let send = async |request| api.execute(request).await;
        auth.send(get(), send).await
    });
    is_ok(spawned.await.unwrap());
}

/// With a real reqwest client, borrowed, in a task.
#[tokio::test]
async fn r45_send_keeps_the_error_of_reqwest() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let auth = Authorizer::for_origin(&format!("http://{nobody}"), authenticator(&holding_first())).unwrap();
    let task = tokio::spawn(async move {
        let client = reqwest::Client::new();
        let request = client.get(format!("http://{nobody}")).build().unwrap();
        auth.send(request, |request| client.execute(request)).await
    });
    let Err(AuthError::Service(error)) = task.await.unwrap() else { panic!("nobody is there") };
    assert!(error.is_connect());
}

#[test]
fn r45_a_future_of_send_holds_a_request_its_copy_and_little_more() {
    fn size<F>(_: F) -> usize {
        size_of::<F>()
    }
    let auth = auth();
    let send = |_| -> Ready<Result<Response<()>, Broken>> { ready(Err(Broken("never"))) };
    let inner = size_of::<Ready<Result<Response<()>, Broken>>>();
    let http = size(auth.send(Request::new(Full::<Bytes>::default()), send)) - inner;
    assert!(http <= 512, "{http} bytes beside the future of the closure");
    // A request of reqwest, which is in its copy as a whole, is larger.
    let client = reqwest::Client::new();
    let execute = |request| client.execute(request);
    let request = || client.get(ORIGIN).build().unwrap();
    let reqwest = size(auth.send(request(), execute)) - size(client.execute(request()));
    assert!(
        reqwest <= 2 * size_of::<reqwest::Request>() + 96,
        "{reqwest} bytes beside the future of reqwest"
    );
}
