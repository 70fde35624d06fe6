//! A token endpoint that is called through the client that needs the token: requests must not hang.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use reauth::{
    AuthError, AuthLayer, AuthMiddleware, Authenticator, ClientAuth, CredentialSource, Credentials, Error,
    ErrorKind, TokenEndpoint, TokenTransport, oauth2,
};
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use super::api::{Broken, ORIGIN};
use crate::support::clock::in_paused_time;

const TOKEN_URL: &str = "https://api.example.com/token";

type Body = Full<Bytes>;
type Guarded = BoxCloneSyncService<Request<Body>, Response<Body>, AuthError<Broken>>;

/// A service that is set later, because the token client has to exist before the layer around it.
#[derive(Clone, Default)]
struct Late {
    service: Arc<OnceLock<Guarded>>,
    mine: Option<Guarded>,
}

impl Service<Request<Body>> for Late {
    type Response = Response<Body>;
    type Error = AuthError<Broken>;
    type Future = <Guarded as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let service = &self.service;
        ready!(self.mine.get_or_insert_with(|| service.get().unwrap().clone()).poll_ready(context))?;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.mine.as_mut().unwrap().call(request)
    }
}

/// An origin with a token endpoint, and an API that accepts its tokens.
fn server() -> BoxCloneSyncService<Request<Body>, Response<Body>, Broken> {
    let issued = Arc::new(AtomicU32::new(0));
    BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
        let issued = issued.clone();
        async move {
            tokio::task::yield_now().await;
            if request.uri().path() == "/token" {
                let n = issued.fetch_add(1, Ordering::SeqCst) + 1;
                let json = format!(r#"{{"access_token":"good-{n}","token_type":"Bearer","expires_in":300}}"#);
                return Ok(Response::new(Full::from(json)));
            }
            let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let good = token.is_some_and(|token| token.starts_with("Bearer good-"));
            let code = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            Ok(Response::builder().status(code).body(Body::default()).unwrap())
        }
    }))
}

/// A client for the API and for its token requests, with one request at a time.
fn one_client_for_all<S: CredentialSource>(
    client_auth: ClientAuth,
    source: impl FnOnce(oauth2::ClientCredentials) -> S,
) -> Guarded {
    let late = Late::default();
    let endpoint = TokenEndpoint::new(TOKEN_URL).unwrap().transport(TokenTransport::new(late.clone()));
    let grant = oauth2::ClientCredentials::new(endpoint, client_auth).unwrap();
    let auth = in_paused_time(source(grant)).build();
    let limited = ServiceBuilder::new().concurrency_limit(1).service(server());
    let guarded = AuthLayer::for_origin(ORIGIN, auth).unwrap().layer(limited);
    let guarded = BoxCloneSyncService::new(guarded);
    late.service.set(guarded.clone()).ok().unwrap();
    guarded
}

fn in_form() -> ClientAuth {
    ClientAuth::post("id", "secret").unwrap()
}

fn in_header() -> ClientAuth {
    ClientAuth::basic("id", "secret").unwrap()
}

async fn call(client: &Guarded) -> Result<StatusCode, AuthError<Broken>> {
    let request = Request::get(format!("{ORIGIN}/x")).body(Body::default()).unwrap();
    let call = client.clone().oneshot(request);
    Ok(tokio::time::timeout(Duration::from_secs(90), call).await.expect("it hangs")?.status())
}

#[tokio::test(start_paused = true)]
async fn f16_a_token_request_that_waits_for_itself_is_a_clear_error_at_once() {
    // The layer applies to the token request as well, which asks for a token.
    let client = one_client_for_all(in_form(), |grant| grant);
    for _ in 0..2 {
        let begun = Instant::now();
        let result = call(&client).await;
        let Err(AuthError::Credentials(error)) = result else { panic!("{result:?}") };
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("asks its own authenticator"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn f128_a_caller_that_waits_for_its_token_leaves_the_only_slot_to_the_token_request() {
    let client = one_client_for_all(in_header(), |grant| grant);
    let begun = Instant::now();
    let (a, b) = tokio::join!(call(&client), call(&client));
    assert_eq!((a.unwrap(), b.unwrap()), (StatusCode::OK, StatusCode::OK));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn f128_a_renewal_after_a_401_finds_the_only_slot_free() {
    let client = one_client_for_all(in_header(), Warm);
    let begun = Instant::now();
    assert_eq!(call(&client).await.unwrap(), StatusCode::OK);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Starts with a token that the API rejects.
struct Warm(oauth2::ClientCredentials);

impl CredentialSource for Warm {
    async fn login(&self) -> Result<Credentials, Error> {
        self.0.login().await
    }

    fn initial(&self) -> Option<Credentials> {
        Credentials::new("at-0").ok()
    }
}

#[tokio::test(start_paused = true)]
async fn r32_a_separate_token_client_needs_no_slot_of_the_guarded_one() {
    let endpoint = TokenEndpoint::new(TOKEN_URL).unwrap().transport(TokenTransport::new(server()));
    let auth = in_paused_time(oauth2::ClientCredentials::new(endpoint, in_form()).unwrap()).build();
    let limited = ServiceBuilder::new().concurrency_limit(1).service(server());
    let guarded = AuthLayer::for_origin(ORIGIN, auth).unwrap().layer(limited);
    let client = BoxCloneSyncService::new(guarded);
    let (a, b) = tokio::join!(call(&client), call(&client));
    assert_eq!((a.unwrap(), b.unwrap()), (StatusCode::OK, StatusCode::OK));
}

/// The middleware is in the client of its own token endpoint.
#[tokio::test]
async fn f15_a_token_client_with_its_own_middleware_is_misconfigured_at_once() {
    let client: Arc<OnceLock<reqwest_middleware::ClientWithMiddleware>> = Arc::default();
    let late = client.clone();
    let transport = TokenTransport::new(service_fn(move |request: Request<Body>| {
        let client = late.get().unwrap().clone();
        async move {
            let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap)).unwrap();
            client.execute(request).await.map(http::Response::<reqwest::Body>::from)
        }
    }));
    let endpoint = TokenEndpoint::new("http://127.0.0.1:1/token").unwrap().transport(transport);
    let auth = Authenticator::new(oauth2::ClientCredentials::new(endpoint, in_form()).unwrap());
    let middleware = AuthMiddleware::for_origin("http://127.0.0.1:1", auth.clone()).unwrap();
    let built = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
    client.set(built).unwrap();
    let error = auth.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("asks its own authenticator"), "{error}");
}
