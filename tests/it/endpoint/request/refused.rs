//! R80: what a request refuses before it is sent, and what a refusal by the provider means.

use super::*;

/// A word in every value. No error may repeat it.
const MARK: &str = "zxq-marker";

fn check(error: &Error, said: &str) {
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    assert!(error.to_string().contains(said) && !shown(error).contains(MARK), "{error}");
}

#[test]
fn r80_f140_a_field_without_a_name_or_twice_is_refused() {
    let request = in_memory(&TokenServer::always(Reply::token("at"))).request().scope("a");
    let once = request.field("key", MARK).unwrap();
    for (name, said) in
        [("", "name"), ("grant_type", "TokenRequest::grant"), ("key", "twice"), ("scope", "twice")]
    {
        check(&once.clone().field(name, MARK).unwrap_err(), said);
    }
}

#[tokio::test]
async fn r80_f140_what_the_client_sends_too_is_refused_and_nothing_is_sent() {
    let server = TokenServer::always(Reply::token("at"));
    for (client, name) in [
        (client(), "client_id"),
        (client(), "client_secret"),
        (ClientAuth::none("app").unwrap(), "client_id"),
    ] {
        let request = request(&server).client(&client).field(name, MARK).unwrap();
        check(&request.send().await.unwrap_err(), "twice");
    }
    let basic = ClientAuth::basic("app", MARK).unwrap();
    let request = request(&server).client(&basic).header("Authorization", MARK).unwrap();
    check(&request.send().await.unwrap_err(), "authorization");
    assert_eq!(server.requests(), 0);
}

#[test]
fn r80_a_header_that_can_not_be_sent_or_twice_is_refused() {
    let request = || in_memory(&TokenServer::always(Reply::token("at"))).request();
    let line_break = format!("{MARK}\r\nx: y");
    for (name, value, said) in [
        ("", MARK, "name"),
        ("a b", MARK, "name"),
        ("x", line_break.as_str(), "control"),
        ("X-Once", MARK, "twice"),
        ("Content-Type", MARK, "itself"),
        ("content-length", "1", "itself"),
        ("transfer-encoding", "chunked", "itself"),
        ("host", MARK, "itself"),
    ] {
        check(&request().header("x-once", "1").unwrap().header(name, value).unwrap_err(), said);
    }
}

/// A map of headers has a limit.
#[tokio::test]
async fn r80_more_headers_than_a_request_may_have_are_refused() {
    let server = TokenServer::always(Reply::token("at"));
    let mut request = in_memory(&server).request();
    // 24,576 fit. The clone is dear, so only the last few are tried with one.
    for n in 0..24_000 {
        request = request.header(&format!("x-{n}"), MARK).unwrap();
    }
    let mut refused = None;
    for n in 24_000..40_000 {
        match request.clone().header(&format!("x-{n}"), MARK) {
            Ok(more) => request = more,
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    check(&refused.expect("the map is full"), "room");
    // Nor is there room for those that the request needs.
    check(&request.send().await.unwrap_err(), "room");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn r80_the_grant_type_decides_what_a_refusal_means() {
    let server = |code: &'static str| TokenServer::always(Reply::error(400, code, "no"));
    for (grant, code, kind, said) in [
        ("refresh_token", "invalid_grant", ErrorKind::LoginRequired, "refresh token was refused"),
        ("refresh_token", "invalid_scope", ErrorKind::LoginRequired, "does not accept the refresh"),
        ("urn:example:key", "invalid_grant", ErrorKind::LoginRequired, "refused the log-in"),
        ("urn:example:key", "invalid_scope", ErrorKind::Misconfigured, "refused the request"),
        ("urn:example:key", "authorization_pending", ErrorKind::Misconfigured, "refused the request"),
        ("client_credentials", "invalid_client", ErrorKind::Misconfigured, "refused the client"),
    ] {
        let error = request(&server(code)).grant(grant).send().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{grant} {code}: {error}");
        assert!(error.to_string().contains(said), "{grant} {code}: {error}");
    }
    // Without a reason: a person may log in again, a service may not.
    for (grant, kind) in
        [("urn:example:key", ErrorKind::LoginRequired), ("client_credentials", ErrorKind::Misconfigured)]
    {
        let error =
            request(&TokenServer::always(Reply::bare(401, ""))).grant(grant).send().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, None), "{grant}");
    }
}

#[tokio::test(start_paused = true)]
async fn r80_a_refresh_token_that_was_refused_in_a_request_of_ones_own_is_never_sent_again() {
    let server = TokenServer::always(Reply::error(400, "invalid_grant", "no"));
    let held = credentials("at-0", Some("rt-0"), None).with_expires_at(std::time::SystemTime::UNIX_EPOCH);
    let auth = Authenticator::builder(Mine(in_memory(&server))).clock(TestClock::new()).initial(held).build();
    for _ in 0..3 {
        assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired);
        tokio::time::advance(Duration::from_secs(600)).await;
    }
    assert_eq!(spent(&server), ["rt-0"]);
}

#[tokio::test]
async fn r80_r42_fields_headers_and_what_is_named_besides_are_not_repeated() {
    let said = "a field-s3cret, b header-s3cret, c other-s3cret, d Token scheme-s3cret, e short, f open";
    let server = TokenServer::always(Reply::error(400, "invalid_request", said));
    let request = request(&server)
        .grant("urn:example:key")
        .field("key", "field-s3cret")
        .unwrap()
        .header("x-key", "header-s3cret")
        .unwrap()
        .header("x-token", "Token short")
        .unwrap()
        .header("authorization", "Token scheme-s3cret")
        .unwrap()
        .redact("other-s3cret")
        .scope("open");
    assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
    let error = request.send().await.unwrap_err();
    let text = shown(&error);
    assert!(!text.contains("s3cret") && !text.contains("short"), "{text}");
    assert!(text.contains("f open") && text.matches("[redacted]").count() >= 5, "{text}");
}

#[test]
fn r80_without_a_runtime_it_is_an_error() {
    let server = TokenServer::always(Reply::token("at"));
    let future = request(&server).send();
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(error)) => check(&error, "Tokio runtime"),
        other => panic!("{other:?}"),
    }
}
