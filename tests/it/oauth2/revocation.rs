//! Revocation by RFC 7009: what a log-out sends, and how it reads the responses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::Event;
use reauth::Timing;

use super::*;
use crate::support::clock::in_paused_time;

fn at(server: &TokenServer) -> TokenEndpoint {
    TokenEndpoint::new("https://id.test/revoke").unwrap().transport(server.transport())
}

fn fields(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The outcome of a revocation to which the server replies in this way.
async fn revoked(reply: Reply) -> Result<(), reauth::Error> {
    let server = TokenServer::always(reply);
    user(&server).revocation_endpoint(at(&server)).revoke(&held()).await
}

#[tokio::test]
async fn r17_a_revocation_sends_rfc_7009_section_2_1() {
    let server = TokenServer::always(Reply::bare(200, ""));
    let proof = [("client_id", "app"), ("client_secret", "s3cret")];
    let refresh = [("token", "rt-0"), ("token_type_hint", "refresh_token"), proof[0], proof[1]];
    let access = [("token", "at-0"), ("token_type_hint", "access_token"), proof[0], proof[1]];
    let (held, without) = (held(), credentials("at-0", None, None));

    // The scope belongs to token requests.
    let service = service(&server).scope("api").revocation_endpoint(at(&server));
    service.revoke(&held).await.unwrap();
    service.revoke(&without).await.unwrap();
    user(&server).scope("api").revocation_endpoint(at(&server)).revoke(&held).await.unwrap();
    holder(&server, held.clone()).revocation_endpoint(at(&server)).revoke(&held).await.unwrap();

    let seen = server.seen();
    let sent: Vec<_> = seen.iter().map(|seen| seen.form()).collect();
    let expected = [&refresh, &access, &access, &refresh, &access, &refresh, &access];
    assert_eq!(sent, expected.map(|expected| fields(expected)));
    for seen in seen {
        assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("POST", "https://id.test/revoke"));
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(seen.header("authorization"), None);
    }
}

#[tokio::test]
async fn r17_f125_both_tokens_are_revoked_even_if_the_first_fails_and_the_first_error_is_returned() {
    for (replies, said) in [
        ([Reply::bare(500, ""), Reply::bare(200, "")], Some("returned 500")),
        (
            [Reply::bare(200, ""), Reply::error(400, "unsupported_token_type", "no")],
            Some("unsupported_token_type"),
        ),
        ([Reply::bare(502, ""), Reply::bare(503, "")], Some("returned 502")),
        ([Reply::broken(std::io::ErrorKind::ConnectionReset), Reply::bare(200, "")], Some("connection")),
        ([Reply::bare(200, ""), Reply::bare(200, "")], None),
    ] {
        let server = TokenServer::script(replies);
        let outcome = user(&server).revocation_endpoint(at(&server)).revoke(&held()).await;
        match (outcome, said) {
            (Ok(()), None) => {}
            (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{error}"),
            (outcome, _) => panic!("{outcome:?}"),
        }
        let tokens: Vec<_> = server.seen().iter().map(|seen| seen.field("token").unwrap()).collect();
        assert_eq!(tokens, ["rt-0", "at-0"]);
    }
}

#[tokio::test]
async fn r33_extra_fields_go_to_the_revocation_too() {
    let server = TokenServer::always(Reply::bare(200, ""));
    let source = user(&server).extra_field("audience", "x").unwrap().revocation_endpoint(at(&server));
    source.revoke(&held()).await.unwrap();
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.field("audience")).collect();
    assert_eq!(sent, [Some("x".to_owned()), Some("x".to_owned())]);
}

#[tokio::test]
async fn r17_r33_the_client_authenticates_as_at_the_token_endpoint() {
    let server = TokenServer::always(Reply::bare(200, ""));
    for (client, header, form) in [
        (ClientAuth::basic("app", "s+t"), Some("Basic YXBwOnMlMkJ0"), None),
        (ClientAuth::basic_raw("app", "s+t"), Some("Basic YXBwOnMrdA=="), None),
        (ClientAuth::post("app", "s+t"), None, Some("s+t")),
        (ClientAuth::none("app"), None, None),
    ] {
        let source = ClientCredentials::new(endpoint(&server), client.unwrap()).unwrap();
        source.revocation_endpoint(at(&server)).revoke(&held()).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.header("authorization"), seen.field("client_secret").as_deref()), (header, form));
        assert_eq!(seen.field("client_id").is_some(), header.is_none());
    }
}

#[tokio::test]
async fn r17_the_transport_is_the_token_endpoint_s_unless_there_is_another() {
    let (first, second) =
        (TokenServer::always(Reply::bare(200, "")), TokenServer::always(Reply::bare(200, "")));
    let bare = TokenEndpoint::new("https://id.test/revoke").unwrap();
    user(&first).revocation_endpoint(bare.clone()).revoke(&held()).await.unwrap();
    assert_eq!((first.requests(), second.requests()), (2, 0));
    user(&first).revocation_endpoint(bare.transport(second.transport())).revoke(&held()).await.unwrap();
    assert_eq!((first.requests(), second.requests()), (2, 2));
}

#[tokio::test]
async fn r17_without_a_revocation_endpoint_nothing_is_sent() {
    let server = TokenServer::always(Reply::bare(500, ""));
    service(&server).revoke(&held()).await.unwrap();
    user(&server).revoke(&held()).await.unwrap();
    holder(&server, held()).revoke(&held()).await.unwrap();
    assert_eq!(server.requests(), 0);
}

/// RFC 7009 section 2.2: a token that is unknown or dead counts as revoked, and the body does not matter.
#[tokio::test]
async fn r17_a_success_is_a_success_whatever_its_body_says() {
    for reply in [
        Reply::bare(200, ""),
        Reply::bare(204, ""),
        Reply::html(200, "<html>"),
        Reply::error(200, "invalid_grant", "no"),
        // Not by the RFC, but some servers do it.
        Reply::error(400, "invalid_token", "Token expired or revoked"),
    ] {
        revoked(reply.clone()).await.unwrap_or_else(|error| panic!("{reply:?}: {error}"));
    }
}

#[tokio::test]
async fn r17_a_failure_says_what_to_do_about_it() {
    use ErrorKind::{Misconfigured, Transient};
    for (reply, kind, said) in [
        (Reply::bare(503, ""), Transient, "revocation endpoint returned 503"),
        (Reply::bare(429, ""), Transient, "revocation endpoint returned 429"),
        (Reply::html(502, "<html>"), Transient, "revocation endpoint returned 502"),
        (Reply::error(400, "unsupported_token_type", "no"), Misconfigured, "unsupported_token_type: no"),
        (Reply::error(401, "invalid_token", "no"), Misconfigured, "revocation endpoint refused the request"),
        (Reply::error(401, "invalid_client", "no"), Misconfigured, "revocation endpoint refused the client"),
        (Reply::bare(404, ""), Misconfigured, "revocation endpoint refused the request (status 404)"),
        (Reply::html(404, "<html>"), Transient, "revocation endpoint returned 404 with text/html"),
        (Reply::bare(307, ""), Misconfigured, "revocation endpoint returned 307: redirects"),
        (Reply::broken(std::io::ErrorKind::ConnectionReset), Transient, "connection"),
    ] {
        let error = revoked(reply.clone()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{reply:?}: {error}");
        assert!(error.to_string().contains(said), "{reply:?}: {error}");
    }
}

/// RFC 7009 section 2.2.1: the token still exists, and the server says when to try again.
#[tokio::test]
async fn r17_a_503_is_handed_on_with_its_retry_after() {
    let error = revoked(Reply::bare(503, "").header("retry-after", "7")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test(start_paused = true)]
async fn r17_a_server_that_hangs_is_given_up_at_the_endpoint_s_time_limit() {
    let server = TokenServer::always(Reply::hang());
    let limit = Duration::from_secs(3);
    let begun = tokio::time::Instant::now();
    let source = user(&server).revocation_endpoint(at(&server).timeout(limit));
    assert_eq!(source.revoke(&held()).await.unwrap_err().kind(), ErrorKind::Transient);
    assert_eq!(begun.elapsed().as_secs(), 2 * limit.as_secs(), "each of the two requests");
}

#[tokio::test]
async fn r17_r43_a_revocation_endpoint_is_https_or_loopback_unless_danger_is_said() {
    let server = TokenServer::always(Reply::bare(200, ""));
    assert_eq!(TokenEndpoint::new("http://id.test/revoke").unwrap_err().kind(), ErrorKind::Misconfigured);
    let plain = TokenEndpoint::danger_accept_plain_http("http://id.test/revoke").unwrap();
    user(&server).revocation_endpoint(plain).revoke(&held()).await.unwrap();
    assert_eq!(server.seen()[0].uri, "http://id.test/revoke");
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_is_two_requests_and_one_report_and_the_next_log_in_another() {
    let server = TokenServer::new(|seen| match seen.uri.path() {
        "/revoke" => Reply::bare(503, ""),
        _ => Reply::tokens("at-1", "rt-1"),
    });
    let reported = Arc::new(Mutex::new(Vec::new()));
    let observed = reported.clone();
    let auth = in_paused_time(user(&server).revocation_endpoint(at(&server)))
        .observer(move |event| {
            if let Event::RevocationFailed { error, .. } = event {
                observed.lock().unwrap().push(error.to_string());
            }
        })
        .build();
    auth.credentials().await.unwrap();
    auth.log_out().await.unwrap();
    assert_eq!(*reported.lock().unwrap(), ["the revocation endpoint returned 503; try again later"]);
    tokio::time::sleep(Timing::MAX_LIFETIME).await;
    auth.credentials().await.unwrap();
    let paths: Vec<_> = server.seen().iter().map(|seen| seen.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/token", "/revoke", "/revoke", "/token"]);
}

#[test]
fn r17_without_a_tokio_runtime_a_revocation_is_an_error_and_no_panic() {
    use std::task::{Context, Poll, Waker};
    let server = TokenServer::always(Reply::bare(200, ""));
    let source = user(&server).revocation_endpoint(at(&server));
    let held = held();
    let revoking = std::pin::pin!(source.revoke(&held));
    let polled = revoking.poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else { panic!("{polled:?}") };
    assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("Tokio"), "{error}");
    assert_eq!(server.requests(), 0);
}
