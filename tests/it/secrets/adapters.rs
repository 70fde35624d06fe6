//! What the adapters hand on and print: requests, responses, errors. Over a socket, also what the HTTP stacks log.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reauth::{AuthLayer, RenewalError};
use tower::{Layer, ServiceExt};

use super::*;
use crate::support::server::{hyper_transport, reqwest_transport};

/// An API that takes no token; and the token endpoint below `/token`.
fn api(tokens: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> TokenServer {
    TokenServer::new(move |seen| match seen.uri.path() {
        "/data" => Reply::bare(401, "").header("www-authenticate", "Bearer error=\"invalid_token\""),
        _ => tokens(seen),
    })
}

fn refused(_: &Seen) -> Reply {
    Reply::error(400, "invalid_grant", "no")
}

#[tokio::test]
async fn r22_r40_the_header_is_sensitive_wherever_a_request_is_printed() {
    let printed = Printed::default();
    let inner = printed.clone();
    let auth = Authenticator::new(held());
    let service = AuthLayer::for_origin("https://api.test", auth).unwrap().layer(tower::service_fn(
        move |request: Request<String>| {
            assert_eq!(request.headers()["authorization"], "Bearer canary-at-0");
            inner.debug(&request);
            async { Ok::<_, std::convert::Infallible>(Response::new(())) }
        },
    ));
    printed.debug(&service);
    service.oneshot(Request::get("https://api.test/").body(String::new()).unwrap()).await.unwrap();
    assert!(printed.contains("Sensitive"));
    printed.check();
}

#[tokio::test]
async fn r40_f48_nothing_is_printed_or_logged_over_hyper() {
    let printed = Printed::default();
    #[cfg(feature = "tracing")]
    let _capture = capture::start(&printed);
    for tokens in [good, refused] {
        let server = api(tokens);
        let listening = server.listen().await;
        let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let run = async |name: &str, auth: Authenticator| {
            let layer = AuthLayer::for_origin(&listening.url(""), auth.clone()).unwrap();
            let request = Request::get(listening.url("/data")).body(Full::default()).unwrap();
            match layer.layer(hyper.clone()).oneshot(request).await {
                Ok(response) => {
                    assert_eq!(response.status(), 401, "{name}");
                    if let Some(reason) = response.extensions().get::<RenewalError>() {
                        printed.debug(reason);
                        printed.error(reason);
                    }
                    printed.debug(response.headers());
                }
                Err(error) => {
                    printed.error(&error);
                    display(&printed, &error);
                    printed.chain(error.into_boxed().as_ref());
                }
            }
        };
        with_every_source(&hyper_transport(), &listening.url(""), run, &printed).await;
        assert!(server.requests() > 10);
    }
    assert!(printed.contains("RenewalError") && printed.contains("no credentials for the request"));
    #[cfg(feature = "tracing")]
    assert!(printed.contains("hyper_util") && printed.contains("reauth refresh:"), "the stack logs as well");
    printed.check();
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn r40_f48_nothing_is_printed_or_logged_over_reqwest() {
    let printed = Printed::default();
    #[cfg(feature = "tracing")]
    let _capture = capture::start(&printed);
    for tokens in [good, refused] {
        let server = api(tokens);
        let listening = server.listen().await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let run = async |name: &str, auth: Authenticator| {
            let middleware = reauth::AuthMiddleware::for_origin(&listening.url(""), auth).unwrap();
            let client = reqwest_middleware::ClientBuilder::new(http.clone()).with(middleware).build();
            match client.get(listening.url("/data")).send().await {
                Ok(response) => {
                    assert_eq!(response.status(), 401, "{name}");
                    if let Some(reason) = response.extensions().get::<RenewalError>() {
                        printed.debug(reason);
                        printed.error(reason);
                    }
                    printed.debug(&response);
                }
                Err(error) => {
                    printed.error(&error);
                    display(&printed, &error);
                }
            }
        };
        with_every_source(&reqwest_transport(), &listening.url(""), run, &printed).await;
        assert!(server.requests() > 10);
    }
    assert!(printed.contains("RenewalError") && printed.contains("was refused"));
    #[cfg(feature = "tracing")]
    assert!(printed.contains("hyper_util"), "the stack logs as well");
    printed.check();
}

/// The errors of both stacks are in the chain: a refused and a broken connection.
#[tokio::test]
async fn r40_f48_nothing_is_in_the_chain_of_a_network_error() {
    let printed = Printed::default();
    #[cfg(feature = "tracing")]
    let _capture = capture::start(&printed);
    let server = TokenServer::always(Reply::broken(std::io::ErrorKind::ConnectionReset));
    let listening = server.listen().await;
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed_url = format!("http://{}/token?key=canary", closed.local_addr().unwrap());
    for transport in [hyper_transport(), reqwest_transport()] {
        for url in [listening.url("/token?key=canary"), closed_url.clone()] {
            let endpoint = TokenEndpoint::new(&url).unwrap().transport(transport.clone());
            let post = ClientAuth::post("app", CLIENT_SECRET).unwrap();
            let source = reauth::oauth2::Password::new(endpoint, post, "ada", PASSWORD).unwrap();
            printed.outcome(&source.login().await);
            printed.outcome(&source.refresh(&held()).await);
        }
    }
    assert!(printed.contains("can't be reached") && printed.contains("broke before"));
    printed.check();
}
