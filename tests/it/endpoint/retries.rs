//! R9, R10, R14: what a failure at the token endpoint means for the callers that wait, in paused time.

use std::io;
use std::time::Duration;

use reauth::Timing;
use tokio::time::{Instant, advance};

use super::*;

const HTML: &str = "<html>the gateway is down</html>";

/// Replies that say nothing about the credentials: the next attempt may succeed.
fn transient() -> Vec<Reply> {
    vec![
        Reply::bare(200, ""),
        Reply::bare(204, ""),
        Reply::html(200, HTML),
        Reply::html(502, HTML),
        Reply::json(200, r#"{"access_token":"at-1","#),
        Reply::token("at-1").torn(),
        Reply::bare(408, ""),
        Reply::bare(429, ""),
        Reply::error(429, "invalid_grant", "slow down"),
        Reply::bare(500, ""),
        Reply::error(503, "invalid_client", "down"),
        Reply::broken(io::ErrorKind::ConnectionReset),
        Reply::broken(io::ErrorKind::ConnectionRefused),
    ]
}

#[tokio::test(start_paused = true)]
async fn r10_f27_f28_a_log_in_is_tried_again_after_every_transient_failure() {
    // A log-in has a time limit.
    for reply in transient().into_iter().chain([Reply::token("at-1").head_only(), Reply::hang()]) {
        let server = TokenServer::script([reply.clone(), reply.clone(), Reply::token("at-1")]);
        let got = authenticator(service(in_memory(&server))).credentials().await;
        assert_eq!(got.expect("the third attempt").access_token(), "at-1", "{reply:?}");
        assert_eq!(server.requests(), 3, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r14_a_refresh_is_tried_once_more_and_the_refresh_token_kept_after_every_transient_failure() {
    for reply in transient() {
        let server = TokenServer::script([reply.clone(), Reply::tokens("at-1", "rt-1")]);
        let got = authenticator(refresher(in_memory(&server))).credentials().await;
        assert_eq!(got.expect("the second attempt").refresh_token(), Some("rt-1"), "{reply:?}");
        assert_eq!(spent(&server), ["rt-0", "rt-0"], "{reply:?}");
    }
}

/// How often one flight sends the refresh token, to a server that replies in this way five times and then succeeds.
async fn sent_in_one_flight(reply: Reply) -> usize {
    let mut replies = vec![reply; 5];
    replies.push(Reply::tokens("at-1", "rt-1"));
    let server = TokenServer::script(replies);
    let auth = authenticator(refresher(in_memory(&server)));
    let outcome = auth.credentials().await;
    assert_eq!(outcome.is_ok(), server.requests() == 6, "{outcome:?}");
    assert!(spent(&server).iter().all(|token| token == "rt-0"));
    server.requests()
}

#[tokio::test(start_paused = true)]
async fn r14_what_the_server_did_not_process_is_sent_again_without_a_limit() {
    for reply in [
        Reply::broken(io::ErrorKind::ConnectionRefused),
        Reply::html(404, HTML),
        Reply::bare(404, ""),
        Reply::bare(403, "go away"),
        Reply::json(405, "{}"),
        Reply::json(400, vec![b' '; reauth::TokenEndpoint::MAX_RESPONSE + 1]),
        Reply::bare(408, ""),
        Reply::bare(429, ""),
        Reply::bare(503, ""),
        Reply::html(503, HTML).torn(),
    ] {
        assert_eq!(sent_in_one_flight(reply.clone()).await, 6, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r14_what_it_may_have_processed_is_sent_twice() {
    for reply in [
        Reply::broken(io::ErrorKind::ConnectionReset),
        Reply::broken(io::ErrorKind::BrokenPipe),
        Reply::broken(io::ErrorKind::TimedOut),
        Reply::bare(200, ""),
        Reply::html(200, HTML),
        Reply::token("at-1").torn(),
        Reply::bare(500, ""),
        Reply::html(502, HTML),
        Reply::bare(504, ""),
    ] {
        assert_eq!(sent_in_one_flight(reply.clone()).await, 2, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r10_f29_a_429_waits_as_long_as_it_says_and_logs_nobody_out() {
    let limited = Reply::bare(429, "").header("retry-after", "7");
    for source_is_user in [true, false] {
        let server = TokenServer::script([limited.clone(), limited.clone(), Reply::tokens("at-1", "rt-1")]);
        let auth = match source_is_user {
            true => authenticator(user(in_memory(&server))),
            false => authenticator(refresher(in_memory(&server))),
        };
        let start = Instant::now();
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
        assert_eq!(server.requests(), 3);
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(14) && waited < Duration::from_secs(15), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r10_f29_a_wait_past_the_deadline_is_an_error_that_says_how_long() {
    let server = TokenServer::always(Reply::bare(429, "").header("retry-after", "3600"));
    let auth = authenticator(refresher(in_memory(&server)));
    let error = auth.credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Transient, Some(Duration::from_secs(3600))));
    // A caller in the meantime gets the error at once.
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::Transient);
    assert_eq!(server.requests(), 1);
}

/// Logs in, refreshes to this reply, and logs in again.
async fn assert_logs_in_again(reply: &Reply) {
    let server =
        TokenServer::script([Reply::tokens("at-1", "rt-1"), reply.clone(), Reply::tokens("at-2", "rt-2")]);
    let auth = authenticator(user(in_memory(&server)));
    auth.credentials().await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2", "{reply:?}");
    let grants: Vec<_> = server.seen().iter().map(|seen| seen.field("grant_type").unwrap()).collect();
    assert_eq!(grants, ["password", "refresh_token", "password"], "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn r09_an_error_about_the_grant_means_log_in_and_the_token_is_not_sent_again() {
    for reply in [
        Reply::error(400, "invalid_grant", "Token is not active"),
        Reply::error(404, "invalid_grant", "no"),
        Reply::error(200, "bad_refresh_token", "no"),
        Reply::json(400, "\u{feff}{\"error\":\"invalid_grant\"}"),
    ] {
        assert_logs_in_again(&reply).await;
        let server = TokenServer::always(reply.clone());
        let auth = authenticator(refresher(in_memory(&server)));
        for _ in 0..3 {
            assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired, "{reply:?}");
            advance(Duration::from_secs(600)).await;
        }
        assert_eq!(spent(&server), ["rt-0"], "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r09_f126_a_refusal_without_a_reason_means_log_in_and_the_token_is_sent_again_later() {
    for reply in [
        Reply::bare(400, ""),
        Reply::bare(401, ""),
        Reply::json(403, r#"{"message":"no"}"#),
        Reply::error(400, "invalid_scope", "no"),
    ] {
        assert_logs_in_again(&reply).await;
        let server = TokenServer::script([reply.clone(), reply.clone(), Reply::tokens("at-1", "rt-1")]);
        let auth = authenticator(refresher(in_memory(&server)));
        for _ in 0..2 {
            assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired, "{reply:?}");
            advance(Duration::from_secs(600)).await;
        }
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "{reply:?}");
        assert_eq!(spent(&server), ["rt-0"; 3], "{reply:?}");
    }
}

/// A proxy's page during a deployment ended the login for good, with one request.
#[tokio::test(start_paused = true)]
async fn r09_f115_a_page_in_place_of_the_provider_costs_no_login() {
    for status in (400..500).filter(|status| !matches!(status, 408 | 429)) {
        let long = vec![b'x'; reauth::TokenEndpoint::MAX_RESPONSE + 1];
        let mut replies = vec![Reply::html(status, HTML), Reply::bare(status, "go away")];
        if status % 25 == 0 {
            replies.push(Reply::bare(status, long));
        }
        for reply in replies {
            let server = TokenServer::script([reply.clone(), reply, Reply::tokens("at-1", "rt-1")]);
            let auth = authenticator(refresher(in_memory(&server)));
            assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "{status}");
            assert_eq!(spent(&server), ["rt-0"; 3], "{status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r09_a_response_that_is_read_nowhere_fails_at_once() {
    for reply in [
        Reply::bare(200, "access_token=at-1&token_type=bearer"),
        Reply::json(200, r#"{"access_token":"at-1"}x"#),
        Reply::bare(200, "OK"),
    ] {
        let server = TokenServer::always(reply.clone());
        for auth in [authenticator(refresher(in_memory(&server))), authenticator(user(in_memory(&server)))] {
            assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::InvalidResponse, "{reply:?}");
        }
        assert_eq!(server.requests(), 2, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r10_a_refusal_with_a_retry_after_is_left_alone_for_so_long() {
    let server = TokenServer::script([
        Reply::bare(401, "").header("retry-after", "60"),
        Reply::tokens("at-1", "rt-1"),
    ]);
    let auth = authenticator(user(in_memory(&server)));
    let error = auth.credentials().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    advance(Duration::from_secs(59)).await;
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired);
    advance(Duration::from_secs(1)).await;
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r09_a_client_that_is_misconfigured_keeps_its_refresh_token_until_it_is_corrected() {
    for code in ["invalid_client", "unauthorized_client"] {
        let refused = Reply::error(401, code, "Invalid client secret");
        let server = TokenServer::script([refused, Reply::tokens("at-1", "rt-1")]);
        let auth = authenticator(refresher(in_memory(&server)));
        let error = auth.credentials().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(&format!("{code}: Invalid client secret")), "{error}");
        advance(Timing::TERMINAL_MEMORY).await;
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
        assert_eq!(spent(&server), ["rt-0", "rt-0"]);
    }
}

#[tokio::test(start_paused = true)]
async fn r09_a_refused_log_in_is_terminal() {
    for (reply, kind) in [
        (Reply::bare(400, ""), ErrorKind::LoginRequired),
        (Reply::bare(401, ""), ErrorKind::LoginRequired),
        (Reply::error(401, "invalid_grant", "Invalid user credentials"), ErrorKind::LoginRequired),
        (Reply::bare(404, ""), ErrorKind::Misconfigured),
        (Reply::error(400, "invalid_scope", "no"), ErrorKind::Misconfigured),
        (Reply::error(401, "invalid_client", "no"), ErrorKind::Misconfigured),
    ] {
        let server = TokenServer::always(reply.clone());
        let auth = authenticator(user(in_memory(&server)));
        for _ in 0..3 {
            assert_eq!(auth.credentials().await.unwrap_err().kind(), kind, "{reply:?}");
        }
        assert_eq!(server.requests(), 1, "no retry, and it is remembered: {reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r09_a_service_that_is_refused_without_a_reason_is_misconfigured() {
    for reply in [Reply::bare(400, ""), Reply::bare(401, ""), Reply::json(403, r#"{"message":"no"}"#)] {
        let server = TokenServer::always(reply.clone());
        let auth = authenticator(service(in_memory(&server)));
        for _ in 0..3 {
            let error = auth.credentials().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{reply:?}");
            assert!(error.to_string().contains("ClientAuth::basic"), "{error}");
        }
        assert_eq!(server.requests(), 1, "{reply:?}");
    }
}
