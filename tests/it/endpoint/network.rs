//! Through real sockets: a closed port, a connection that breaks, the caller's proxy.

use std::io;

use reauth::{CredentialSource, Credentials};
use tokio::net::TcpSocket;

use super::*;
use crate::support::server::{hyper_transport, reqwest_transport};

fn held() -> Credentials {
    credentials("at-0", Some("rt-0"), None)
}

#[tokio::test]
async fn r14_a_refused_connection_is_not_taken_for_a_request_that_was_sent() {
    // The port is bound and not listened on: it stays ours, and every connection is refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    for transport in [hyper_transport(), reqwest_transport()] {
        let source = refresher(at(&format!("http://127.0.0.1:{port}/token"), transport));
        let error = source.refresh(&held()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient);
        let said = error.to_string();
        assert!(said.starts_with("the token endpoint can't be reached: tcp connect error: "), "{said}");
        assert!(said.contains("refused") && said.ends_with("; check its URL and the network"), "{said}");
        assert!(shown(&error).to_lowercase().contains("refused"), "the cause is in the chain: {error:?}");
    }
}

#[tokio::test]
async fn r14_a_connection_that_breaks_after_the_request_is_taken_for_one_that_was_sent() {
    for reply in [Reply::broken(io::ErrorKind::ConnectionReset), Reply::tokens("at-1", "rt-1").torn()] {
        let server = TokenServer::always(reply);
        let listening = server.listen().await;
        for transport in [hyper_transport(), reqwest_transport()] {
            let source = refresher(at(&listening.url("/token"), transport));
            let error = source.refresh(&held()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transient, "{error:?}");
            assert!(error.to_string().contains("broke before its response was complete"), "{error}");
        }
        assert_eq!(spent(&server), ["rt-0", "rt-0"], "each attempt was received once");
    }
}

#[tokio::test]
async fn an_attempt_is_a_post_that_asks_for_json_with_a_content_length() {
    let server = TokenServer::always(Reply::token("at"));
    let listening = server.listen().await;
    for transport in [hyper_transport(), reqwest_transport()] {
        service(at(&listening.url("/realms/x/token?tenant=7"), transport)).login().await.unwrap();
    }
    for seen in server.seen() {
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.uri.path_and_query().unwrap(), "/realms/x/token?tenant=7");
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(seen.header("accept"), Some("application/json"));
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn r32_f50_the_callers_proxy_carries_the_token_request() {
    let proxy = TokenServer::always(Reply::token("at-by-proxy"));
    let listening = proxy.listen().await;
    let builder = reqwest::Client::builder()
        .proxy(reqwest::Proxy::http(listening.url("")).unwrap())
        .user_agent("the caller's agent");
    let transport = TokenTransport::reqwest(builder).unwrap();
    let endpoint = TokenEndpoint::danger_accept_plain_http("http://id.test/token").unwrap();

    let got = service(endpoint.transport(transport)).login().await.unwrap();
    assert_eq!(got.access_token(), "at-by-proxy");
    let seen = proxy.only();
    assert_eq!(seen.uri, "http://id.test/token", "a proxy is sent the whole URL");
    assert_eq!(seen.header("user-agent"), Some("the caller's agent"));
}

#[tokio::test]
async fn r32_one_transport_serves_many_endpoints() {
    let server = TokenServer::new(|seen| Reply::token(&seen.uri.path()[1..]));
    let listening = server.listen().await;
    let transport = reqwest_transport();
    for path in ["a", "b"] {
        let source = service(at(&listening.url(&format!("/{path}")), transport.clone()));
        assert_eq!(source.login().await.unwrap().access_token(), path);
    }
}
