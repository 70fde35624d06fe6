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
        Reply::token("at-1").head_only(),
        Reply::hang(),
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
    for reply in transient() {
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
        Reply::hang(),
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

#[tokio::test(start_paused = true)]
async fn r09_a_4xx_of_any_shape_to_a_refresh_means_log_in_and_the_token_is_not_sent_again() {
    for reply in [
        Reply::bare(400, ""),
        Reply::bare(401, ""),
        Reply::bare(404, "not found"),
        Reply::html(403, HTML),
        Reply::json(400, "{"),
        Reply::error(400, "invalid_grant", "Token is not active"),
        Reply::error(400, "unauthorized_client", "no"),
    ] {
        // With a password, the client logs in at once.
        let server = TokenServer::script([
            Reply::tokens("at-1", "rt-1"),
            reply.clone(),
            Reply::tokens("at-2", "rt-2"),
        ]);
        let auth = authenticator(user(in_memory(&server)));
        auth.credentials().await.unwrap();
        assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2", "{reply:?}");
        let grants: Vec<_> = server.seen().iter().map(|seen| seen.field("grant_type").unwrap()).collect();
        assert_eq!(grants, ["password", "refresh_token", "password"], "{reply:?}");

        // Without one the user has to log in, and the dead token is never sent again.
        let server = TokenServer::always(reply.clone());
        let auth = authenticator(refresher(in_memory(&server)));
        for _ in 0..3 {
            assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired, "{reply:?}");
            advance(Timing::TERMINAL_MEMORY).await;
        }
        assert_eq!(spent(&server), ["rt-0"], "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r09_a_client_that_is_misconfigured_keeps_its_refresh_token_until_it_is_corrected() {
    let refused = Reply::error(401, "invalid_client", "Invalid client secret");
    let server = TokenServer::script([refused, Reply::tokens("at-1", "rt-1")]);
    let auth = authenticator(refresher(in_memory(&server)));
    let error = auth.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("invalid_client: Invalid client secret"), "{error}");
    advance(Timing::TERMINAL_MEMORY).await;
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(spent(&server), ["rt-0", "rt-0"]);
}

#[tokio::test(start_paused = true)]
async fn r09_a_4xx_of_any_shape_to_a_log_in_is_terminal() {
    for (reply, kind) in [
        (Reply::bare(400, ""), ErrorKind::LoginRequired),
        (Reply::bare(401, ""), ErrorKind::LoginRequired),
        (Reply::html(403, HTML), ErrorKind::LoginRequired),
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
