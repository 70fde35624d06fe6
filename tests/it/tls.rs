//! Once over real TLS: token endpoint and API on https, with a certificate that only this test trusts.

use std::net::SocketAddr;
use std::sync::Arc;

use reauth::vathos::ClientGrant;
use reauth::{
    AuthMiddleware, Authenticator, CredentialSource, Error, ErrorKind, TokenEndpoint, TokenTransport,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::support::server::{
    Listening, Reply, Seen, TokenServer, hyper_transport, hyper_transport_with_tls,
};

/// A self-signed certificate of `localhost`, and who proves to have it.
fn identity() -> (reqwest::Certificate, TlsAcceptor) {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(identity.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .unwrap();
    let certificate = reqwest::Certificate::from_der(identity.cert.der()).unwrap();
    (certificate, TlsAcceptor::from(Arc::new(config)))
}

/// The token endpoint issues `at-1`, and `at-2` for its refresh token. The API accepts only `at-2`.
fn respond(seen: &Seen) -> Reply {
    match (seen.uri.path(), seen.header("authorization")) {
        ("/token", None) => match seen.field("grant_type").as_deref() {
            Some("password") => Reply::tokens("at-1", "rt-1"),
            Some("refresh_token") if seen.field("refresh_token").as_deref() == Some("rt-1") => {
                Reply::tokens("at-2", "rt-2")
            }
            _ => Reply::error(400, "invalid_grant", "no"),
        },
        ("/data", Some("Bearer at-2")) => Reply::bare(200, "the data"),
        ("/data", Some("Bearer at-1")) => {
            Reply::bare(401, "").header("www-authenticate", r#"Bearer error="invalid_token""#)
        }
        _ => Reply::bare(404, ""),
    }
}

fn url(listening: &Listening, path: &str) -> String {
    format!("https://localhost:{}{path}", listening.port())
}

/// reqwest that trusts these roots, and finds `localhost` whatever the machine's resolver says.
fn builder(roots: Vec<reqwest::Certificate>) -> reqwest::ClientBuilder {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    reqwest::Client::builder().no_proxy().resolve("localhost", local).tls_certs_only(roots)
}

fn person(listening: &Listening, roots: Vec<reqwest::Certificate>) -> ClientGrant {
    let transport = TokenTransport::reqwest(builder(roots)).unwrap();
    let endpoint = TokenEndpoint::new(&url(listening, "/token")).unwrap().transport(transport);
    ClientGrant::new(endpoint, "app", "s3cret", "ada", "pass-w0rd").unwrap()
}

#[tokio::test]
async fn f20_a_log_in_a_401_a_refresh_and_a_200_over_tls() {
    let (certificate, acceptor) = identity();
    let server = TokenServer::new(respond);
    let listening = server.listen_tls(acceptor).await;

    let auth = Authenticator::new(person(&listening, vec![certificate.clone()]));
    let middleware = AuthMiddleware::for_origin(&url(&listening, ""), auth).unwrap();
    let http = builder(vec![certificate]).build().unwrap();
    let client = reqwest_middleware::ClientBuilder::new(http).with(middleware).build();
    let response = client.get(url(&listening, "/data")).send().await.unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "the data");
    let paths: Vec<_> = server.seen().iter().map(|seen| seen.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/token", "/data", "/token", "/data"]);
}

/// F50: what the caller trusts is what the token request trusts, and no more.
#[tokio::test]
async fn r32_f50_the_token_request_trusts_whom_the_caller_trusts() {
    let (certificate, acceptor) = identity();
    let (other, _) = identity();
    let server = TokenServer::new(respond);
    let listening = server.listen_tls(acceptor).await;

    let trusting = person(&listening, vec![certificate]);
    assert_eq!(trusting.login().await.unwrap().access_token(), "at-1");
    assert_eq!(server.requests(), 1);

    let error: Error = person(&listening, vec![other]).login().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "F130: it can't mend itself");
    let said = error.to_string();
    assert!(said.contains("invalid peer certificate: BadSignature") && said.contains("roots"), "{said}");
    assert_eq!(server.requests(), 1, "no secret went to a server that is not trusted");
}

async fn log_in(url: &str, transport: TokenTransport) -> Error {
    let endpoint = TokenEndpoint::new(url).unwrap().transport(transport);
    let source = ClientGrant::new(endpoint, "app", "s3cret", "ada", "pass-w0rd").unwrap();
    source.login().await.unwrap_err()
}

#[tokio::test]
async fn r36_f130_what_can_not_mend_itself_over_hyper_fails_at_once_and_says_the_remedy() {
    let (_, acceptor) = identity();
    let server = TokenServer::new(respond);
    let listening = server.listen_tls(acceptor).await;
    let https = format!("https://127.0.0.1:{}/token", listening.port());
    let http = listening.url("/token");
    for (error, cause, remedy) in [
        (log_in(&https, hyper_transport()).await, "scheme is not http", "TLS"),
        (log_in(&https, hyper_transport_with_tls()).await, "UnknownIssuer", "roots"),
        (log_in(&http, hyper_transport_with_tls()).await, "unsupported scheme http", "another URL"),
    ] {
        let said = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error:?}");
        assert!(said.contains(cause) && said.contains(remedy), "{said}");
        assert!(!said.contains("127.0.0.1"), "no URL: {said}");
    }
    assert_eq!(server.requests(), 0);
}
