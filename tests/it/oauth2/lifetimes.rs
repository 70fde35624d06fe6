//! R4, end to end: the lifetime that a server states decides when the next token is requested.

use std::time::Duration;

use tokio::time::advance;

use super::*;

fn lasting(access: &str, expires_in: &str) -> Reply {
    Reply::json(200, format!(r#"{{"access_token":"{access}","expires_in":{expires_in}}}"#))
}

#[tokio::test(start_paused = true)]
async fn r04_f32_f35_a_strange_lifetime_is_neither_a_loop_nor_an_endless_token() {
    for expires_in in
        ["-1", "0", "1e20", "1e400", "\"NaN\"", "\"\"", "null", "[]", "{}", "true", "-1e400", "\"-300\""]
    {
        let server = TokenServer::always(lasting("at-1", expires_in));
        let auth = authenticator(service(&server));
        for _ in 0..100 {
            assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "{expires_in}");
            advance(Duration::from_secs(60)).await;
        }
        assert_eq!(server.requests(), 1, "{expires_in}");
        // Unknown or huge, it is used until it is rejected.
        let got = auth.credentials().await.unwrap();
        assert!(auth.reject(&got).await.is_err(), "the same token again is not a successor");
        assert_eq!(server.requests(), 2, "{expires_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn r04_f34_a_lifetime_may_be_a_numeric_string_or_a_float() {
    for expires_in in ["300", "\"300\"", "299.9", "\"299.9\""] {
        let server = TokenServer::script([lasting("at-1", expires_in), lasting("at-2", "300")]);
        let auth = authenticator(service(&server));
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
        advance(Duration::from_secs(200)).await;
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "{expires_in}");
        assert_eq!(server.requests(), 1, "{expires_in}");
        advance(Duration::from_secs(101)).await;
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-2", "{expires_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn r04_f36_a_refresh_without_expires_in_does_not_keep_the_old_expiry() {
    let server = TokenServer::script([
        Reply::json(200, r#"{"access_token":"at-1","refresh_token":"rt-1","expires_in":60}"#),
        Reply::json(200, r#"{"access_token":"at-2"}"#),
    ]);
    let auth = authenticator(user(&server));
    assert!(auth.credentials().await.unwrap().expires_at().is_some());
    advance(Duration::from_secs(60)).await;
    let got = auth.credentials().await.unwrap();
    assert_eq!((got.access_token(), got.expires_at()), ("at-2", None));
    for _ in 0..10 {
        advance(Duration::from_secs(60)).await;
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-2");
    }
    assert_eq!(server.requests(), 2, "the second token lasts until it is rejected");
}

#[tokio::test(start_paused = true)]
async fn r04_without_expires_in_the_tokens_own_exp_decides() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = URL_SAFE_NO_PAD.encode(r#"{"iat":1999999200,"exp":1999999500}"#);
    let server = TokenServer::always(Reply::json(200, format!(r#"{{"access_token":"e30.{payload}.c2ln"}}"#)));
    let clock = TestClock::new();
    let auth = Authenticator::builder(service(&server)).clock(clock.clone()).build();
    let sent = clock.wall();
    // The server's clock is thirteen minutes behind: what counts is the difference of its two times.
    assert_eq!(auth.credentials().await.unwrap().expires_at(), Some(sent + Duration::from_secs(300)));
}

#[tokio::test(start_paused = true)]
async fn r04_a_token_that_was_issued_long_ago_lasts_until_its_exp() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = URL_SAFE_NO_PAD.encode(r#"{"iat":1999997000,"exp":2000000600}"#);
    let server = TokenServer::always(Reply::json(200, format!(r#"{{"access_token":"e30.{payload}.c2ln"}}"#)));
    let clock = TestClock::new();
    let auth = Authenticator::builder(service(&server)).clock(clock.clone()).build();
    let sent = clock.wall();
    assert_eq!(auth.credentials().await.unwrap().expires_at(), Some(sent + Duration::from_secs(600)));
}
