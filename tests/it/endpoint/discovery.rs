//! R84: endpoints that are found by the issuer of a provider (RFC 8414, OpenID Connect Discovery 1.0).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use reauth::CredentialSource;

use super::*;
use crate::support::server::Seen;

const ISSUER: &str = "https://id.test/realms/a";
const OPENID: &str = "https://id.test/realms/a/.well-known/openid-configuration";
const OAUTH: &str = "https://id.test/.well-known/oauth-authorization-server/realms/a";

/// Metadata of this issuer, with endpoints at `https://id.test/t` and `/r`.
fn metadata(issuer: &str) -> Reply {
    let body = serde_json::json!({
        "issuer": issuer,
        "token_endpoint": "https://id.test/t",
        "revocation_endpoint": "https://id.test/r",
    });
    Reply::json(200, body.to_string())
}

/// A provider whose metadata are at this URL, and nowhere else.
fn provider(at: &'static str, issuer: &'static str) -> TokenServer {
    TokenServer::new(move |seen| match seen.uri.path() {
        "/t" => Reply::tokens("at-1", "rt-1"),
        "/r" => Reply::bare(200, ""),
        _ if seen.uri == at => metadata(issuer),
        _ => Reply::html(404, "<html>nothing here</html>"),
    })
}

fn discover(server: &TokenServer, issuer: &str) -> TokenEndpoint {
    TokenEndpoint::discover(issuer).unwrap().transport(server.transport())
}

fn asked(server: &TokenServer) -> Vec<String> {
    server.seen().iter().map(|seen: &Seen| format!("{} {}", seen.method, seen.uri)).collect()
}

#[tokio::test]
async fn r84_the_metadata_are_where_openid_or_rfc_8414_has_them() {
    for (issuer, at, requests) in [
        (ISSUER, OPENID, 2),
        (ISSUER, OAUTH, 3),
        ("https://id.test", "https://id.test/.well-known/openid-configuration", 2),
        ("https://id.test/", "https://id.test/.well-known/openid-configuration", 2),
        ("https://id.test", "https://id.test/.well-known/oauth-authorization-server", 3),
        ("https://id.test/", "https://id.test/.well-known/oauth-authorization-server", 3),
    ] {
        let server = provider(at, issuer);
        assert_eq!(service(discover(&server, issuer)).login().await.unwrap().access_token(), "at-1", "{at}");
        let asked = asked(&server);
        assert_eq!(asked[asked.len() - 2..], [format!("GET {at}"), "POST https://id.test/t".to_owned()]);
        assert_eq!(asked.len(), requests, "{asked:?}");
        let first = &server.seen()[0];
        assert_eq!((first.header("accept"), first.header("authorization")), (Some("application/json"), None));
    }
}

#[tokio::test]
async fn r84_f144_metadata_of_another_issuer_do_not_count() {
    for other in ["https://id.test/realms/b", "https://id.test/realms/a/", "https://ID.test/realms/a", ""] {
        let server = provider(OPENID, other);
        let error = service(discover(&server, ISSUER)).login().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{other}");
        assert!(error.to_string().contains("issuer") && error.to_string().contains(other), "{error}");
        assert_eq!(asked(&server), [format!("GET {OPENID}")], "no secret was sent");
    }
}

#[tokio::test]
async fn r84_f144_an_endpoint_that_is_missing_or_not_https_gets_no_secret() {
    for (endpoint, said) in [
        ("null", "has no"),
        (r#""http://id.test/t""#, "not an https URL"),
        (r#""http://127.0.0.1/t""#, "not an https URL"),
        (r#""/t""#, "not an https URL"),
        (r#""https://user:pw@id.test/t""#, "not an https URL"),
        ("7", "not an https URL"),
    ] {
        let body = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":{endpoint}}}"#);
        let server = TokenServer::always(Reply::json(200, body));
        let error = service(discover(&server, ISSUER)).login().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{endpoint}");
        assert!(error.to_string().contains(&said.replace("has no", "have no")), "{error}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn r84_what_is_not_there_and_what_is_not_now_are_told_apart() {
    let hint = Reply::bare(503, "").header("retry-after", "7");
    for (reply, kind, requests) in [
        (Reply::json(404, r#"{"error":"Realm does not exist"}"#), ErrorKind::Misconfigured, 2),
        (Reply::bare(404, ""), ErrorKind::Misconfigured, 2),
        (Reply::html(404, "<html>"), ErrorKind::Transient, 2),
        (Reply::html(403, "<html>"), ErrorKind::Transient, 2),
        (Reply::bare(401, ""), ErrorKind::Misconfigured, 2),
        (Reply::bare(301, "").header("location", "https://evil.test/"), ErrorKind::Misconfigured, 1),
        (Reply::json(200, r#"{"token_endpoint":"https://id.test/t"}"#), ErrorKind::Misconfigured, 1),
        (hint.clone(), ErrorKind::Transient, 1),
        (Reply::bare(429, ""), ErrorKind::Transient, 1),
        (Reply::html(200, "<html>we are back soon</html>"), ErrorKind::Transient, 1),
        (Reply::bare(500, ""), ErrorKind::Transient, 1),
    ] {
        let server = TokenServer::always(reply.clone());
        let error = service(discover(&server, ISSUER)).login().await.unwrap_err();
        assert_eq!((error.kind(), server.requests()), (kind, requests), "{reply:?}: {error}");
    }
    let error = service(discover(&TokenServer::always(hint), ISSUER)).login().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn r84_the_metadata_are_read_once_for_all_endpoints_and_callers() {
    let server = provider(OPENID, ISSUER);
    let endpoint = discover(&server, ISSUER);
    let revocation = endpoint.discovered("revocation_endpoint").unwrap();
    let one = service(endpoint.clone()).revocation_endpoint(revocation);
    let two = user(endpoint);
    let (first, second) = tokio::join!(one.login(), two.login());
    first.unwrap();
    one.revoke(&second.unwrap()).await.unwrap();
    let mut asked = asked(&server);
    asked.sort();
    let posts = ["r", "r", "t", "t"].map(|path| format!("POST https://id.test/{path}"));
    assert_eq!(asked[0], format!("GET {OPENID}"));
    assert_eq!(asked[1..], posts);
}

#[test]
fn r84_only_an_endpoint_that_was_discovered_has_others_beside_it() {
    let error = TokenEndpoint::new(URL).unwrap().discovered("revocation_endpoint").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    for issuer in
        ["http://id.test", "id.test", "https://id.test/?a=b", "https://id.test/#a", "https://a@id.test"]
    {
        assert_eq!(TokenEndpoint::discover(issuer).unwrap_err().kind(), ErrorKind::Misconfigured, "{issuer}");
    }
    let endpoint = TokenEndpoint::discover(ISSUER).unwrap();
    assert!(format!("{endpoint:?}").contains(ISSUER));
    // PILOT puts paths behind its base URL.
    assert!(reauth::pilot::Pilot::stored(endpoint).is_err());
}

#[tokio::test(start_paused = true)]
async fn r84_f144_an_outage_of_the_metadata_ends_by_itself_and_costs_no_refresh_token() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = is_down.clone();
    let server = TokenServer::new(move |seen| match seen.uri.path() {
        "/t" => Reply::tokens("at-1", "rt-1"),
        _ if down.load(Ordering::SeqCst) => Reply::broken(std::io::ErrorKind::ConnectionReset),
        _ => metadata(ISSUER),
    });
    let auth = authenticator(refresher(discover(&server, ISSUER)));
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::Transient);
    assert!(server.requests() > 3, "what was not sent is tried again: {}", server.requests());
    is_down.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(spent(&server), ["rt-0"]);
}

#[tokio::test(start_paused = true)]
async fn r84_the_time_of_the_discovery_counts_into_the_limit_of_the_request() {
    let server = TokenServer::always(Reply::hang());
    let endpoint = discover(&server, ISSUER).timeout(Duration::from_secs(3));
    let held = credentials("at-0", Some("rt-0"), None);
    for refresh in [false, true] {
        let begun = tokio::time::Instant::now();
        let source = service(endpoint.clone());
        let outcome = if refresh { source.refresh(&held).await } else { source.login().await };
        assert_eq!((outcome.unwrap_err().kind(), begun.elapsed().as_secs()), (ErrorKind::Transient, 3));
    }
}

#[tokio::test]
async fn r84_a_provider_that_has_moved_is_looked_up_again() {
    let looked_up = Arc::new(AtomicU32::new(0));
    let count = looked_up.clone();
    let server = TokenServer::new(move |seen| match seen.uri.path() {
        "/old" => Reply::bare(404, ""),
        "/new" => Reply::token("at-1"),
        _ => {
            let place = if count.fetch_add(1, Ordering::SeqCst) == 0 { "old" } else { "new" };
            let body = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"https://id.test/{place}"}}"#);
            Reply::json(200, body)
        }
    });
    let source = service(discover(&server, ISSUER));
    source.login().await.unwrap_err();
    for _ in 0..3 {
        assert_eq!(source.login().await.unwrap().access_token(), "at-1");
    }
    assert_eq!(looked_up.load(Ordering::SeqCst), 2);
}

/// R9: a page is not the provider's.
#[tokio::test(start_paused = true)]
async fn r84_f144_the_page_of_a_proxy_during_a_deployment_is_waited_out() {
    let server = TokenServer::new({
        let pages = AtomicU32::new(0);
        move |seen| match seen.uri.path() {
            "/t" => Reply::token("at-1"),
            _ if pages.fetch_add(1, Ordering::SeqCst) < 6 => Reply::html(404, "<html>deploying</html>"),
            _ => metadata(ISSUER),
        }
    });
    let auth = authenticator(service(discover(&server, ISSUER)));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
}
