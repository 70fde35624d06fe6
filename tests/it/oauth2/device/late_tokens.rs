//! Tokens that arrive in the moment in which the log-in ends, or later.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use reauth::TokenTransport;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::*;

/// What was asked for, by its path.
type Asked = Arc<Mutex<Vec<String>>>;

/// A source at a provider whose user has confirmed. It does `on_token` before it issues the tokens.
fn source<F, Fut, P>(asked: &Asked, on_token: F, prompt: P) -> DeviceCode
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
    P: Future<Output = Result<(), Error>> + Send + 'static,
{
    let asked = asked.clone();
    let service = tower::service_fn(move |request: http::Request<Full<Bytes>>| {
        let path = request.uri().path().to_owned();
        let (asked, on_token) = (asked.clone(), on_token.clone());
        async move {
            asked.lock().unwrap().push(path.clone());
            let body = match path.as_str() {
                "/device" => CODE,
                "/token" => {
                    on_token().await;
                    r#"{"access_token":"at-1","refresh_token":"rt-1"}"#
                }
                _ => "",
            };
            Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::from(body)))
        }
    });
    let endpoint = TokenEndpoint::new("https://id.test/token").unwrap();
    let endpoint = endpoint.transport(TokenTransport::new(service));
    let client = ClientAuth::none("app").unwrap();
    let prompt = Mutex::new(Some(prompt));
    let prompt = move |_| prompt.lock().unwrap().take().unwrap();
    let source = DeviceCode::new(endpoint, "https://id.test/device", client, prompt).unwrap();
    source.revocation_endpoint(TokenEndpoint::new("https://id.test/revoke").unwrap())
}

const REVOKED: [&str; 4] = ["/device", "/token", "/revoke", "/revoke"];

/// What a request brings that was under way at the log-out is revoked.
#[tokio::test(start_paused = true)]
async fn r17_f160_tokens_that_come_after_the_log_out_are_revoked() {
    let asked = Asked::default();
    let source = source(&asked, || sleep(seconds(4)), async { Ok(()) });
    let auth = authenticator(source);
    let waiting = caller(&auth).await;
    sleep(seconds(7)).await;
    assert_eq!(*asked.lock().unwrap(), REVOKED[..2]);
    auth.log_out().await.unwrap();
    assert!(waiting.await.unwrap().is_err());
    sleep(seconds(10)).await;
    assert_eq!(*asked.lock().unwrap(), REVOKED);
}

/// The response is there, and nobody has taken it when the log-in is dropped.
#[tokio::test(start_paused = true)]
async fn r17_f160_tokens_that_come_as_the_log_in_is_dropped_are_revoked() {
    let (asked, login) = (Asked::default(), Arc::<Mutex<Option<AbortHandle>>>::default());
    let handle = login.clone();
    let abort = move || {
        handle.lock().unwrap().as_ref().unwrap().abort();
        std::future::ready(())
    };
    let source = source(&asked, abort, async { Ok(()) });
    let waiting = tokio::spawn(async move { source.login().await });
    *login.lock().unwrap() = Some(waiting.abort_handle());
    assert!(waiting.await.unwrap_err().is_cancelled());
    sleep(seconds(10)).await;
    assert_eq!(*asked.lock().unwrap(), REVOKED);
}

/// The user has confirmed the code, so that the log-in is complete.
#[tokio::test(start_paused = true)]
async fn r89_f160_tokens_that_come_as_the_prompt_fails_count() {
    let (asked, failing) = (Asked::default(), Arc::new(Notify::new()));
    let prompt = {
        let failing = failing.clone();
        async move {
            failing.notified().await;
            Err(Error::login_required("cancelled by the user"))
        }
    };
    let fail = move || {
        failing.notify_one();
        std::future::ready(())
    };
    let source = source(&asked, fail, prompt);
    assert_eq!(source.login().await.unwrap().access_token(), "at-1");
    sleep(seconds(10)).await;
    assert_eq!(*asked.lock().unwrap(), REVOKED[..2]);
}
