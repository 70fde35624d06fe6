//! R80: a log-in with a body of JSON.

use serde_json::json;

use super::*;

/// A word in every value. No error may repeat it.
const MARK: &str = "zxq-marker";

#[tokio::test]
async fn r80_a_body_of_json_is_sent_as_it_is() {
    let server = TokenServer::always(Reply::token("at-1"));
    let body =
        json!({ "username": "ada", "password": "pass \"w0rd\" ü", "device": { "id": 7, "tags": ["a"] } });
    let request = request(&server).grant("password").header("x-api", "2").unwrap().json(&body).unwrap();
    // A client that is no part of the body.
    let basic = ClientAuth::basic("app", "s3cret").unwrap();
    request.client(&basic).send().await.unwrap();
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("POST", URL));
    assert_eq!(seen.text(), body.to_string(), "without the grant type");
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!((seen.header("accept"), seen.header("x-api")), (Some("application/json"), Some("2")));
    assert_eq!(seen.header("authorization"), Some("Basic YXBwOnMzY3JldA=="));
}

#[tokio::test]
async fn r80_the_last_body_of_json_counts_and_it_may_be_a_struct() {
    #[derive(serde::Serialize)]
    struct LogIn<'a> {
        user: &'a str,
        pin: Option<u32>,
    }
    let server = TokenServer::always(Reply::token("at-1"));
    let first = request(&server).json("first").unwrap();
    first.json(&LogIn { user: "ada", pin: None }).unwrap().send().await.unwrap();
    assert_eq!(server.only().text(), r#"{"user":"ada","pin":null}"#);
}

#[tokio::test]
async fn r80_what_has_no_place_beside_json_is_refused_and_nothing_is_sent() {
    let server = TokenServer::always(Reply::token("at-1"));
    let json = || request(&server).json(&json!({ "password": MARK })).unwrap();
    let assertion = ClientAuth::assertion("app", async || Ok("e.y.j".to_owned())).unwrap();
    for (request, said) in [
        (json().field("key", MARK).unwrap(), "field"),
        (json().scope("read"), "field"),
        (json().client(&client()), "ClientAuth::basic"),
        (json().client(&ClientAuth::none("app").unwrap()), "ClientAuth::basic"),
        (json().client(&assertion), "ClientAuth::basic"),
        (json().get(), "GET"),
        (json().get().field("key", MARK).unwrap(), "GET"),
    ] {
        assert!(!format!("{request:?}").contains(MARK), "{request:?}");
        let error = request.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(said) && !shown(&error).contains(MARK), "{said}: {error}");
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn r80_what_cant_be_json_is_refused_and_not_shown() {
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(MARK))
        }
    }
    let error = in_memory(&TokenServer::always(Reply::token("at"))).request().json(&Broken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("JSON") && !shown(&error).contains(MARK), "{error}");
}

/// Every text and number is a secret, however deep, and as the text that it stands for.
#[tokio::test]
async fn r80_r42_no_value_of_a_json_body_is_repeated() {
    let said = "a user-s3cret, b deep-s3cret, c li\"st-s3cret, d 493817, e -7.25, f {\\\"p\\\":\\\"deep-s3cret\\\"}, \
                g open, h true";
    let server = TokenServer::always(Reply::error(400, "invalid_grant", said));
    let body = json!({
        "user": "user-s3cret",
        "a": { "b": { "password": "deep-s3cret" }, "list": [true, null, ["li\"st-s3cret"]] },
        "pin": 493817,
        "float": -7.25,
    });
    let request = request(&server).grant("password").json(&body).unwrap();
    assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
    let error = request.send().await.unwrap_err();
    let text = shown(&error);
    for secret in ["s3cret", "493817", "7.25"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(error.to_string().contains("g open, h true"), "{error}");
}

/// A member that comes twice is sent twice.
#[tokio::test]
async fn r80_r42_neither_value_of_a_member_that_comes_twice_is_repeated() {
    struct Twice;
    impl serde::Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([("key", "first-s3cret"), ("key", "second-s3cret")])
        }
    }
    let server = TokenServer::always(Reply::error(400, "invalid_grant", "first-s3cret, second-s3cret, open"));
    let error = request(&server).json(&Twice).unwrap().send().await.unwrap_err();
    assert_eq!(server.only().text(), r#"{"key":"first-s3cret","key":"second-s3cret"}"#);
    assert!(!shown(&error).contains("s3cret") && error.to_string().contains("open"), "{error}");
}

/// The grant says so, or the body itself.
#[tokio::test]
async fn r80_what_a_refusal_of_json_means_follows_from_the_grant() {
    let silent = || TokenServer::always(Reply::json(401, r#"{"message":"no"}"#));
    let send = async |grant: Option<&'static str>, body: serde_json::Value| {
        let request = request(&silent()).json(&body).unwrap();
        let request = match grant {
            Some(grant) => request.grant(grant),
            None => request,
        };
        request.send().await.unwrap_err()
    };
    for (grant, body, kind, said) in [
        (None, json!({ "password": "p" }), ErrorKind::Misconfigured, "refused the client"),
        (Some("password"), json!({ "password": "p" }), ErrorKind::LoginRequired, "refused the log-in"),
        (None, json!({ "grant_type": "password" }), ErrorKind::LoginRequired, "refused the log-in"),
        (None, json!({ "grant_type": 7 }), ErrorKind::Misconfigured, "refused the client"),
        (None, json!(["refresh_token"]), ErrorKind::Misconfigured, "refused the client"),
        (Some("refresh_token"), json!({ "refresh": "r" }), ErrorKind::LoginRequired, "refused the refresh"),
        (None, json!({ "grant_type": "refresh_token" }), ErrorKind::LoginRequired, "refused the refresh"),
        (
            Some("refresh_token"),
            json!({ "grant_type": "g" }),
            ErrorKind::LoginRequired,
            "refused the refresh",
        ),
    ] {
        let error = send(grant, body.clone()).await;
        assert_eq!(error.kind(), kind, "{grant:?} {body}: {error}");
        assert!(error.to_string().contains(said), "{grant:?} {body}: {error}");
    }
}

/// A service that is not OAuth says `error` in words of its own: Spring Boot has `Unauthorized`.
#[tokio::test]
async fn r80_r09_f169_a_log_in_with_json_is_refused_also_in_words_of_the_service() {
    let send = async |grant, status, body: &'static str| {
        let server = TokenServer::always(Reply::json(status, body));
        let body = json!({ "username": "ada", "password": "pass-w0rd" });
        request(&server).grant(grant).json(&body).unwrap().send().await.unwrap_err()
    };
    for body in [
        r#"{"status":401,"error":"Unauthorized","path":"/login"}"#,
        r#"{"error":"wrong password: pass-w0rd"}"#,
        r#"{"error":"bad_credentials"}"#,
    ] {
        for status in [200, 400, 401, 403] {
            let error = send("password", status, body).await;
            assert_eq!(error.kind(), ErrorKind::LoginRequired, "{status} {body}: {error}");
            assert!(error.to_string().contains("refused the log-in"), "{error}");
            assert!(!shown(&error).contains("w0rd"), "{error}");
        }
        assert_eq!(send("password", 404, body).await.kind(), ErrorKind::Misconfigured, "{body}");
        assert_eq!(send("client_credentials", 401, body).await.kind(), ErrorKind::Misconfigured, "{body}");
        assert_eq!(send("refresh_token", 401, body).await.kind(), ErrorKind::LoginRequired, "{body}");
    }
    // The codes of RFC 6749 say what they say.
    for (code, kind) in [
        (r#"{"error":"invalid_grant"}"#, ErrorKind::LoginRequired),
        (r#"{"error":"invalid_client"}"#, ErrorKind::Misconfigured),
        (r#"{"error":"invalid_request"}"#, ErrorKind::Misconfigured),
        (r#"{"error":"invalid_scope"}"#, ErrorKind::Misconfigured),
        (r#"{"error":"unsupported_grant_type"}"#, ErrorKind::Misconfigured),
        (r#"{"error":"temporarily_unavailable"}"#, ErrorKind::Transient),
    ] {
        assert_eq!(send("password", 400, code).await.kind(), kind, "{code}");
    }
}

/// A service that numbers its errors says that there is none.
#[tokio::test]
async fn r80_r34_f170_an_error_that_is_false_or_zero_is_none() {
    for none in ["false", "0", "null", "\"\""] {
        let body = format!(r#"{{"error":{none},"data":{{"token":"at-1"}}}}"#);
        let server = TokenServer::always(Reply::json(200, body));
        let request = request(&server).json(&json!({ "pin": 7 })).unwrap().bearer_field("/data/token");
        let response = request.send().await.unwrap_or_else(|error| panic!("{none}: {error}"));
        assert_eq!(response.credentials().access_token(), "at-1");
    }
}

#[tokio::test(start_paused = true)]
async fn r80_json_that_carries_a_refresh_token_has_no_limit_and_any_other_has() {
    let server = TokenServer::always(Reply::hang());
    let endpoint = in_memory(&server).timeout(Duration::from_secs(3));
    let json = |grant: &str| endpoint.request().json(&json!({ "grant_type": grant })).unwrap();
    let error = json("password").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    let day = Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, json("refresh_token").send()).await.is_err(), "it still waits");
}

/// A device: it logs in with JSON, and nests what it responds.
#[tokio::test(start_paused = true)]
async fn r80_r85_a_device_that_speaks_json_is_a_source() {
    let body = r#"{"ok":true,"data":{"token":"at-1","ttl":60,"user":{"id":7}}}"#;
    let server = TokenServer::new(move |seen| match seen.json()["password"].as_str() {
        Some("pass-w0rd") => Reply::json(200, body),
        _ => Reply::json(403, r#"{"ok":false}"#),
    });
    let log_in = |password: &str| {
        let body = json!({ "username": "ada", "password": password });
        let request = request(&server).grant("password").json(&body).unwrap();
        let request = request.bearer_field("/data/token").expires_in_field("/data/ttl");
        let request = request.keep_field("/data/user/id");
        authenticator(source_fn(move || {
            let request = request.clone();
            async move { Ok(request.send().await?.into_credentials()) }
        }))
    };
    let auth = log_in("pass-w0rd");
    let got = auth.credentials().await.unwrap();
    assert_eq!((got.access_token(), got.field("/data/user/id")), ("at-1", Some("7")));
    tokio::time::advance(Duration::from_secs(61)).await;
    auth.credentials().await.unwrap();
    assert_eq!(server.requests(), 2, "its lifetime was a minute");
    assert_eq!(log_in("wrong").credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired);
}
