//! R85: members of a response that a JSON Pointer finds (RFC 6901).

use reauth::TokenResponse;

use super::*;

async fn read(body: &str, change: impl Fn(TokenRequest) -> TokenRequest) -> Result<TokenResponse, Error> {
    let server = TokenServer::always(Reply::json(200, body.to_owned()));
    change(request(&server)).send().await
}

fn nested(request: TokenRequest) -> TokenRequest {
    request.bearer_field("/data/token").refresh_token_field("/data/refresh").expires_in_field("/data/ttl")
}

/// What is held of a response with this as `data`.
async fn held(data: &str) -> Result<Credentials, Error> {
    read(&format!(r#"{{"data":{data}}}"#), nested).await.map(TokenResponse::into_credentials)
}

/// The time at which credentials expire that were got at the beginning.
async fn expiry(credentials: Credentials) -> Option<Duration> {
    let clock = TestClock::new();
    let source = source_fn(move || std::future::ready(Ok(credentials.clone())));
    let auth = Authenticator::builder(source).clock(clock.clone()).build();
    let expires_at = auth.credentials().await.unwrap().expires_at()?;
    Some(expires_at.duration_since(clock.wall()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn r85_tokens_and_a_lifetime_may_be_nested() {
    let got = held(r#"{"token":"at-1","refresh":"rt\u002d1","ttl":"90"}"#).await.unwrap();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", Some("rt-1")));
    assert_eq!(expiry(got).await, Some(Duration::from_secs(90)));
}

/// The members of RFC 6749 are about its access token, where another member is the bearer token.
#[tokio::test(start_paused = true)]
async fn r85_the_lifetime_of_another_bearer_is_that_of_the_member_that_is_named_for_it() {
    let body =
        r#"{"token":"at-1","token_type":"JWT","expires_in":90,"refresh_token":"rt-1","refresh":"rt-2"}"#;
    let got = read(body, |request| request.bearer_field("token")).await.unwrap().into_credentials();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", Some("rt-1")));
    assert_eq!(expiry(got).await, None);
    let named = |request: TokenRequest| request.bearer_field("token").expires_in_field("expires_in");
    let got = read(body, |request| named(request).refresh_token_field("refresh")).await.unwrap();
    assert_eq!(got.credentials().refresh_token(), Some("rt-2"));
    assert_eq!(expiry(got.into_credentials()).await, Some(Duration::from_secs(90)));
    // Without another bearer, too.
    let body = r#"{"access_token":"at-1","expires_in":90,"ttl":30}"#;
    let got = read(body, |request| request.expires_in_field("ttl")).await.unwrap().into_credentials();
    assert_eq!(expiry(got).await, Some(Duration::from_secs(30)));
}

/// The examples of RFC 6901 section 5, and arrays.
#[tokio::test]
async fn r85_a_pointer_is_read_as_rfc_6901_says() {
    let body = r#"{"access_token":"at","foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"m~n":8,"~1":9," ":7,"i\\j":5,
        "/x":"literal","x":"one","list":[{"token":"two"}],"twice":{"a":"first","a":"last"},"deep":{"none":null}}"#;
    let response = read(body, |request| request).await.unwrap();
    let field = |name| response.field(name).map(|value| value.to_string());
    for (pointer, expected) in [
        ("/foo", r#"["bar","baz"]"#),
        ("/foo/0", "bar"),
        ("/foo/1", "baz"),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/m~0n", "8"),
        ("/~01", "9"),
        ("/ ", "7"),
        ("/i\\j", "5"),
        ("/x", "one"),
        ("/~1x", "literal"),
        ("/list/0/token", "two"),
        ("/twice/a", "last"),
    ] {
        assert_eq!(field(pointer).as_deref(), Some(expected), "{pointer}");
    }
    for nothing in [
        "//",
        "/foo/2",
        "/foo/-",
        "/foo/00",
        "/foo/+1",
        "/foo/ 1",
        "/foo/18446744073709551616",
        "/foo/0/a",
        "/list/token",
        "/absent/x",
        "/deep/none",
        "/deep/none/x",
        "/m~n",
        "/m~",
        "/a/b",
        "foo/0",
    ] {
        assert_eq!(field(nothing), None, "{nothing}");
    }
}

#[tokio::test]
async fn r85_r34_a_bearer_that_is_no_token_is_no_success_and_is_not_shown() {
    for data in [
        "{}",
        "null",
        "[]",
        r#""zxq-marker""#,
        r#"{"token":null}"#,
        r#"{"token":true}"#,
        r#"{"token":493817}"#,
        r#"{"token":""}"#,
        r#"{"token":{"zxq-marker":"zxq-marker"}}"#,
        r#"{"token":["zxq-marker"]}"#,
        r#"{"token":"zxq-marker\u0000"}"#,
        r#"{"token":"zxq-marker\r\nx: y"}"#,
        r#"{"token":"zxq marker"}"#,
        r#"{"token":"\ud800zxq-marker"}"#,
    ] {
        let error = held(data).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{data}");
        assert!(error.to_string().contains("/data/token"), "{data}: {error}");
        assert!(!shown(&error).contains("zxq") && !shown(&error).contains("493817"), "{data}: {error}");
    }
}

#[tokio::test]
async fn r85_a_refresh_token_that_is_none_is_left_out_and_one_that_is_broken_is_an_error() {
    for refresh in ["null", "7", r#""""#, "{}", r#"["rt"]"#] {
        let got = held(&format!(r#"{{"token":"at-1","refresh":{refresh}}}"#)).await.unwrap();
        assert_eq!((got.access_token(), got.refresh_token()), ("at-1", None), "{refresh}");
    }
    let error = held(r#"{"token":"at-1","refresh":"zxq\n"}"#).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(!shown(&error).contains("zxq"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn r85_r04_a_nested_lifetime_is_bounded_or_unknown() {
    let ten_years = reauth::Timing::MAX_LIFETIME;
    for (ttl, expected) in [
        ("1e300", Some(ten_years)),
        ("99999999999999999999999999", Some(ten_years)),
        (r#""99999999999999999999999999""#, Some(ten_years)),
        ("1e999999", Some(ten_years)),
        ("0", None),
        ("-1", None),
        (r#""inf""#, None),
        (r#""soon""#, None),
        ("null", None),
        ("{}", None),
        ("[60]", None),
    ] {
        let got = held(&format!(r#"{{"token":"at-1","ttl":{ttl}}}"#)).await.unwrap();
        assert_eq!(expiry(got).await, expected, "{ttl}");
    }
}

/// An escape that RFC 6901 does not have. Nothing was sent, so no refresh token is spent.
#[tokio::test]
async fn r85_a_pointer_that_is_none_is_misconfigured_before_anything_is_sent() {
    let server = TokenServer::always(Reply::token("at-1"));
    for pointer in ["/a~2", "/a~", "/~/b"] {
        for request in [
            request(&server).bearer_field(pointer),
            request(&server).refresh_token_field(pointer),
            request(&server).expires_in_field(pointer),
            request(&server).keep_field(pointer),
        ] {
            let error = request.send().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{pointer}");
            assert!(error.to_string().contains(pointer), "{error}");
        }
    }
    assert_eq!(server.requests(), 0);
    // A name that is no pointer may have any character.
    let error = request(&server).bearer_field("a~2").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
}

/// The sources take pointers, too: Slack nests the token of the user.
#[tokio::test]
async fn r85_a_source_finds_a_nested_bearer() {
    let body = r#"{"access_token":"bot","authed_user":{"id":"U1","access_token":"user"}}"#;
    let server = TokenServer::always(Reply::json(200, body));
    let source = service(in_memory(&server)).bearer_field("/authed_user/access_token");
    let got = source.keep_field("/authed_user/id").login().await.unwrap();
    assert_eq!((got.access_token(), got.field("/authed_user/id")), ("user", Some("U1")));
}

/// What is beside it at the top is about another token.
#[tokio::test(start_paused = true)]
async fn r85_a_source_finds_the_refresh_token_and_the_lifetime_of_a_nested_bearer() {
    let user = r#"{"access_token":"user","refresh_token":"rt-user","expires_in":60}"#;
    let body =
        format!(r#"{{"access_token":"bot","refresh_token":"rt-bot","expires_in":7,"authed_user":{user}}}"#);
    let server = TokenServer::always(Reply::json(200, body));
    let source = service(in_memory(&server)).bearer_field("/authed_user/access_token");
    let source = source.refresh_token_field("/authed_user/refresh_token");
    assert_eq!(source.clone().login().await.unwrap().expires_at(), None);
    let source = source.expires_in_field("/authed_user/expires_in");
    let clock = TestClock::new();
    let auth = Authenticator::builder(source).clock(clock.clone()).build();
    for got in [auth.credentials().await.unwrap(), auth.refresh().await.unwrap()] {
        assert_eq!((got.access_token(), got.refresh_token()), ("user", Some("rt-user")));
        assert_eq!(got.expires_at(), Some(clock.wall() + Duration::from_secs(60)));
    }
}
