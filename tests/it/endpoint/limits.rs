//! R32: a response is limited in size and in time, however it arrives.

use std::time::Duration;

use reauth::{CredentialSource, TokenEndpoint};
use tokio::time::Instant;

use super::*;
use crate::support::server::{hyper_transport, reqwest_transport};

/// A token response of this many bytes.
fn padded(status: u16, length: usize) -> Reply {
    let token = r#"{"access_token":"at","token_type":"Bearer"}"#;
    Reply::json(status, format!("{token}{}", " ".repeat(length - token.len())))
}

/// The same server over every transport.
async fn over_every_transport(reply: Reply, check: impl AsyncFn(&str, ClientCredentials)) {
    let server = TokenServer::always(reply);
    let listening = server.listen().await;
    check("in memory", service(in_memory(&server))).await;
    check("hyper", service(at(&listening.url("/token"), hyper_transport()))).await;
    check("reqwest", service(at(&listening.url("/token"), reqwest_transport()))).await;
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn r32_a_response_of_the_largest_size_is_read_whole_or_in_pieces() {
    for reply in [
        padded(200, TokenEndpoint::MAX_RESPONSE),
        padded(200, TokenEndpoint::MAX_RESPONSE).chunked(),
        Reply::token("at").chunked(),
    ] {
        over_every_transport(reply, async |name, source| {
            assert_eq!(source.login().await.expect(name).access_token(), "at");
        })
        .await;
    }
}

#[tokio::test]
async fn r32_a_larger_one_is_refused_with_and_without_a_length_in_front() {
    for reply in
        [padded(200, TokenEndpoint::MAX_RESPONSE + 1), padded(200, TokenEndpoint::MAX_RESPONSE + 1).chunked()]
    {
        over_every_transport(reply, async |name, source| {
            let error = source.login().await.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{name}: {error:?}");
            assert!(error.to_string().contains("1 MiB"), "{name}: {error}");
        })
        .await;
    }
}

#[tokio::test]
async fn r09_a_failure_is_read_by_its_status_however_large_or_torn_its_page() {
    for reply in [
        padded(502, TokenEndpoint::MAX_RESPONSE + 1),
        padded(502, TokenEndpoint::MAX_RESPONSE + 1).chunked(),
        padded(502, 64).torn(),
    ] {
        over_every_transport(reply, async |name, source| {
            let error = source.login().await.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Transient, "{name}: {error:?}");
            assert!(error.to_string().contains("502"), "{name}: {error}");
        })
        .await;
    }
    // The provider does not write that much.
    over_every_transport(padded(403, TokenEndpoint::MAX_RESPONSE + 1), async |name, source| {
        let error = source.login().await.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Transient, "{name}: {error:?}");
        assert!(error.to_string().contains("403 with application/json"), "{name}: {error}");
    })
    .await;
}

#[tokio::test]
async fn r09_a_torn_response_is_transient() {
    for status in [200, 400] {
        over_every_transport(padded(status, 64).torn(), async |name, source| {
            let error = source.login().await.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Transient, "{name}: {error:?}");
            assert!(error.to_string().contains("broke before its response was complete"), "{name}: {error}");
        })
        .await;
    }
}

/// The time that one attempt takes, in paused time, if the server replies in this way.
async fn patience(reply: Reply, timeout: Option<Duration>) -> Duration {
    let server = TokenServer::always(reply);
    let endpoint = match timeout {
        Some(timeout) => in_memory(&server).timeout(timeout),
        None => in_memory(&server),
    };
    let start = Instant::now();
    let error = service(endpoint).login().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("did not respond in time"), "{error}");
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn r32_a_server_that_never_responds_is_given_the_endpoints_timeout() {
    for reply in [Reply::hang(), Reply::token("at").head_only()] {
        for (timeout, expected) in
            [(None, TokenEndpoint::DEFAULT_TIMEOUT), (Some(Duration::from_secs(3)), Duration::from_secs(3))]
        {
            let waited = patience(reply.clone(), timeout).await;
            assert!(waited >= expected && waited < expected + Duration::from_millis(10), "{waited:?}");
        }
    }
}

/// Who gives up does not know whether the refresh token is spent.
#[tokio::test(start_paused = true)]
async fn r14_f124_a_refresh_is_not_ended_by_the_endpoints_timeout() {
    for reply in [Reply::hang(), Reply::token("at").head_only()] {
        let server = TokenServer::always(reply);
        let source = refresher(in_memory(&server).timeout(Duration::from_secs(3)));
        let held = credentials("at-0", Some("rt-0"), None);
        let day = Duration::from_secs(86_400);
        assert!(tokio::time::timeout(day, source.refresh(&held)).await.is_err(), "it still waits");
        assert_eq!(spent(&server), ["rt-0"]);
    }
}

/// Two revocations fit into the time that a log-out gives them.
#[tokio::test(start_paused = true)]
async fn r17_a_revocation_is_given_the_endpoints_timeout_or_four_seconds() {
    let server = TokenServer::always(Reply::hang());
    let held = credentials("at-0", None, None);
    for (timeout, expected) in [(None, 4), (Some(Duration::from_secs(7)), 7)] {
        let endpoint = in_memory(&server);
        let endpoint = timeout.map_or(endpoint.clone(), |timeout| endpoint.timeout(timeout));
        let start = Instant::now();
        let source = service(in_memory(&server)).revocation_endpoint(endpoint);
        assert_eq!(source.revoke(&held).await.unwrap_err().kind(), ErrorKind::Transient);
        assert_eq!(start.elapsed().as_secs(), expected);
    }
    assert!(2 * TokenEndpoint::DEFAULT_REVOCATION_TIMEOUT < TokenEndpoint::DEFAULT_TIMEOUT);
}

/// If the transport never becomes ready, the server has not seen the refresh token: it may be sent again.
#[tokio::test(start_paused = true)]
async fn r14_a_transport_that_is_never_ready_has_spent_nothing() {
    let (service, mut handle) = tower_test::mock::pair::<
        http::Request<http_body_util::Full<bytes::Bytes>>,
        http::Response<http_body_util::Full<bytes::Bytes>>,
    >();
    handle.send_error("no connection");
    let transport = TokenTransport::new(service);
    let error =
        refresher(at(URL, transport)).refresh(&credentials("at-0", Some("rt-0"), None)).await.unwrap_err();
    assert!(error.to_string().contains("can't be reached"), "{error}");
}
