//! PILOT: log-in with a password, refresh, and HPC log-in, as its contract specifies them.

use std::time::Duration;

use reauth::pilot::{HpcLogin, Pilot};
use reauth::{Authenticator, CredentialSource, ErrorKind, Timing, TokenEndpoint};
use tokio::time::advance;

use crate::support::clock::TestClock;
use crate::support::server::{Reply, TokenServer};
use crate::support::source::credentials;

mod api_key;
mod device;
mod wire;

fn at(url: &str, server: &TokenServer) -> TokenEndpoint {
    TokenEndpoint::new(url).unwrap().transport(server.transport())
}

fn with_password(server: &TokenServer) -> Pilot {
    Pilot::new(at("https://pilot.test", server), "ada", "pass-w0rd").unwrap()
}

fn with_credentials(server: &TokenServer, refresh: Option<&str>) -> Pilot {
    let credentials = credentials("at-0", refresh, None);
    Pilot::from_credentials(at("https://pilot.test", server), credentials).unwrap()
}

fn authenticator(source: impl CredentialSource) -> Authenticator {
    let timing = Timing::default().without_jitter();
    Authenticator::builder(source).clock(TestClock::new()).timing(timing).build()
}

/// The path of every request so far.
fn paths(server: &TokenServer) -> Vec<String> {
    server.seen().iter().map(|seen| seen.uri.path().to_owned()).collect()
}

const LOGIN: &str = "/v1/users/auth";
const REFRESH: &str = "/v1/users/refresh";

#[tokio::test(start_paused = true)]
async fn a_password_logs_in_then_refreshes_and_logs_in_again_when_the_refresh_token_is_dead() {
    for dead in [
        // The backend's response to every failed refresh.
        Reply::pilot_error(500, "Unable to get token"),
        Reply::pilot_error(401, "Token is not active"),
        Reply::bare(400, ""),
    ] {
        let server = TokenServer::script([
            Reply::pilot("at-1", "rt-1"),
            Reply::pilot("at-2", "rt-2"),
            dead.clone(),
            Reply::pilot("at-3", "rt-3"),
        ]);
        let auth = authenticator(with_password(&server));
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
        assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
        assert_eq!(auth.refresh().await.unwrap().access_token(), "at-3", "{dead:?}");
        assert_eq!(paths(&server), [LOGIN, REFRESH, REFRESH, LOGIN]);
        let spent: Vec<_> =
            server.seen()[1..3].iter().map(|seen| seen.json()["refreshtoken"].clone()).collect();
        assert_eq!(spent, ["rt-1", "rt-2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_alone_are_used_then_refreshed_and_then_the_user_has_to_log_in() {
    let server = TokenServer::script([
        Reply::pilot("at-1", "rt-1"),
        Reply::pilot_error(500, "Unable to get token : Token is not active"),
    ]);
    let auth = authenticator(with_credentials(&server, Some("rt-0")));
    let first = auth.credentials().await.unwrap();
    assert_eq!((first.access_token(), server.requests()), ("at-0", 0));
    let second = auth.reject(&first).await.unwrap();
    assert_eq!(second.access_token(), "at-1");

    advance(Duration::from_secs(60)).await;
    let error = auth.reject(&second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("Unable to get token : Token is not active"), "{error}");
    // It stays so, and callers in the meantime send nothing.
    assert_eq!(auth.refresh().await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(paths(&server), [REFRESH, REFRESH]);
}

/// The backend says the same of a dead token and of a Keycloak that is down. Without a password, a login that the outage
/// ended could only be repeated by a person.
#[tokio::test(start_paused = true)]
async fn r09_f126_the_500_of_an_outage_does_not_end_a_login() {
    let down = Reply::pilot_error(500, "Unable to get token");
    let server = TokenServer::script([down.clone(), down, Reply::pilot("at-1", "rt-1")]);
    let auth = authenticator(with_credentials(&server, Some("rt-0")));
    let first = auth.credentials().await.unwrap();
    assert_eq!(auth.reject(&first).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    for _ in 0..120 {
        advance(Duration::from_secs(5)).await;
        if auth.reject(&first).await.is_ok() {
            break;
        }
    }
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    let spent: Vec<_> = server.seen().iter().map(|seen| seen.json()["refreshtoken"].clone()).collect();
    assert_eq!(spent, ["rt-0"; 3]);
}

#[tokio::test(start_paused = true)]
async fn r32_a_log_in_may_take_the_endpoints_timeout_and_a_refresh_longer() {
    let server = TokenServer::always(Reply::hang());
    for (timeout, expected) in [(None, TokenEndpoint::DEFAULT_TIMEOUT), (Some(2), Duration::from_secs(2))] {
        let endpoint = at("https://pilot.test", &server);
        let endpoint =
            timeout.map_or(endpoint.clone(), |seconds| endpoint.timeout(Duration::from_secs(seconds)));
        let pilot = Pilot::new(endpoint.clone(), "ada", "pass-w0rd").unwrap();
        let hpc = HpcLogin::new(endpoint, "ada", "pass-w0rd", "hpc-1").unwrap();
        for is_hpc in [true, false] {
            let start = tokio::time::Instant::now();
            let result = if is_hpc { hpc.login().await } else { pilot.login().await };
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Transient);
            let waited = start.elapsed();
            assert!(waited >= expected && waited < expected + Duration::from_millis(10), "{waited:?}");
        }
        // R14: whoever gives up a refresh does not know whether its token is spent.
        let held = credentials("at-0", Some("rt-0"), None);
        assert!(tokio::time::timeout(Duration::from_secs(3600), pilot.refresh(&held)).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_access_token_alone_is_used_until_it_is_rejected() {
    let server = TokenServer::always(Reply::pilot("at-1", "rt-1"));
    let auth = authenticator(with_credentials(&server, None));
    let first = auth.credentials().await.unwrap();
    advance(Duration::from_secs(3600)).await;
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-0");
    assert_eq!(auth.reject(&first).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(server.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn with_both_the_credentials_come_first_and_the_password_last() {
    let server =
        TokenServer::script([Reply::pilot_error(500, "Unable to get token"), Reply::pilot("at-1", "rt-1")]);
    let auth = authenticator(with_password(&server).credentials(credentials("at-0", Some("rt-0"), None)));
    let first = auth.credentials().await.unwrap();
    assert_eq!((first.access_token(), server.requests()), ("at-0", 0));
    assert_eq!(auth.reject(&first).await.unwrap().access_token(), "at-1");
    assert_eq!(paths(&server), [REFRESH, LOGIN]);
}

#[tokio::test(start_paused = true)]
async fn r09_a_refused_log_in_is_terminal_and_remembered() {
    for (reply, kind, said) in [
        (Reply::pilot_error(401, "User is disabled"), ErrorKind::LoginRequired, "User is disabled"),
        (Reply::pilot_error(404, "User not found"), ErrorKind::LoginRequired, "User not found"),
        (Reply::bare(401, ""), ErrorKind::LoginRequired, "status 401"),
        (Reply::json(422, r#"{"detail":[{"loc":["body"]}]}"#), ErrorKind::Misconfigured, "422"),
    ] {
        let server = TokenServer::always(reply.clone());
        let auth = authenticator(with_password(&server));
        for _ in 0..3 {
            let error = auth.credentials().await.unwrap_err();
            assert_eq!(error.kind(), kind, "{reply:?}");
            assert!(error.to_string().contains(said), "{error}");
        }
        assert_eq!(server.requests(), 1, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r09_an_outage_is_waited_out() {
    let html = "<html>502</html>";
    for reply in [
        Reply::pilot_error(500, "User authentication failed : timeout"),
        Reply::html(502, html),
        Reply::html(503, html),
        Reply::html(504, html),
        Reply::html(200, html),
        Reply::bare(200, ""),
        Reply::pilot("at-1", "rt-1").torn(),
        Reply::pilot_error(429, "slow down").header("retry-after", "2"),
    ] {
        let server = TokenServer::script([reply.clone(), reply.clone(), Reply::pilot("at-1", "rt-1")]);
        let auth = authenticator(with_password(&server));
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "{reply:?}");
        assert_eq!(paths(&server), [LOGIN; 3], "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r14_an_unexplained_500_to_a_refresh_is_tried_once_more_before_the_password() {
    let lost = Reply::pilot_error(500, "upstream connect error");
    let server = TokenServer::script([
        Reply::pilot("at-1", "rt-1"),
        lost,
        Reply::pilot_error(500, "Unable to get token"),
        Reply::pilot("at-2", "rt-2"),
    ]);
    let auth = authenticator(with_password(&server));
    auth.credentials().await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert_eq!(paths(&server), [LOGIN, REFRESH, REFRESH, LOGIN]);
}

/// Keycloak realms issue tokens for five minutes, sometimes for one: a fixed window of five minutes would refresh at every
/// request.
#[tokio::test(start_paused = true)]
async fn r02_a_token_of_a_minute_is_not_refreshed_at_every_request() {
    let server = TokenServer::new(|_| {
        Reply::json(
            200,
            r#"{"code":200,"result":{"access_token":"at","refresh_token":"rt","expires_in":60}}"#,
        )
    });
    let auth = authenticator(with_password(&server));
    for _ in 0..400 {
        auth.credentials().await.unwrap();
        advance(Duration::from_millis(100)).await;
    }
    assert_eq!(server.requests(), 1, "40 s of a token that lasts 60");
}

#[tokio::test(start_paused = true)]
async fn an_hpc_token_is_renewed_by_the_same_log_in() {
    let token = |access: &str| Reply::json(200, format!(r#"{{"code":200,"result":"{access}"}}"#));
    let server = TokenServer::script([token("at-1"), token("at-2")]);
    let source = HpcLogin::new(at("https://pilot.test", &server), "ada", "pass-w0rd", "hpc-1").unwrap();
    let auth = authenticator(source);
    let first = auth.credentials().await.unwrap();
    assert_eq!((first.access_token(), first.refresh_token()), ("at-1", None));
    assert_eq!(auth.reject(&first).await.unwrap().access_token(), "at-2");
    assert_eq!(paths(&server), ["/v1/hpc/auth"; 2]);
}
