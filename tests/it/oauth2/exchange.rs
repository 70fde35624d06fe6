//! R83: the token exchange (RFC 8693).

use reauth::oauth2::TokenExchange;
use reauth::source_fn;

use super::*;

/// An authenticator with this token alone.
fn of(token: &str) -> Authenticator {
    Authenticator::new(Credentials::new(token).unwrap())
}

fn exchange(server: &TokenServer, subject: Authenticator) -> TokenExchange {
    TokenExchange::new(endpoint(server), subject).unwrap()
}

/// A subject that has another token after each renewal: `subject-1`, `subject-2`, …
fn renewing() -> (TokenServer, Authenticator) {
    let number = std::sync::atomic::AtomicU32::new(0);
    let server = TokenServer::new(move |_| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        Reply::token(&format!("subject-{number}"))
    });
    let auth = authenticator(service(&server));
    (server, auth)
}

/// The example of section 2.3, byte by byte.
#[tokio::test(start_paused = true)]
async fn r83_f143_the_exchange_of_rfc_8693_section_2_3() {
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjllciJ9.eyJhdWQiOiJodHRwczovL2JhY2tlbmQuZXhhbXBsZS5jb20iLCJpc3MiOiJodHRwcz\
        ovL2FzLmV4YW1wbGUuY29tIiwiZXhwIjoxNDQxOTE3NTkzLCJpYXQiOjE0NDE5MTc1MzMsInN1YiI6ImJkY0BleGFtcGxlLmNvbSIsInNjb3BlIjoi\
        YXBpIn0.40y3ZgQedw6rxf59WlwHDD9jryFOr0_Wh3CGozQBihNBhnXEQgU85AI9x3KmsPottVMLPIWvmDCMy5-kdXjwhw";
    let body = serde_json::json!({
        "access_token": token,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 60,
    });
    let server = TokenServer::always(Reply::json(200, body.to_string()));
    let source = exchange(&server, of("accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"))
        .client(ClientAuth::basic("rs08", "long-secure-random-secret").unwrap())
        .resource("https://backend.example.com/api");
    let clock = TestClock::new();
    let auth = Authenticator::builder(source).clock(clock.clone()).build();
    let got = auth.credentials().await.unwrap();
    assert_eq!(got.access_token(), token);
    assert_eq!(got.expires_at(), Some(clock.wall() + std::time::Duration::from_secs(60)));
    let seen = server.only();
    assert_eq!(seen.header("authorization"), Some("Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        seen.text(),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
         &resource=https%3A%2F%2Fbackend.example.com%2Fapi\
         &subject_token=accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
    );
}

/// As in appendix A.2.1, with everything that there is.
#[tokio::test]
async fn r83_a_delegation_sends_the_actor_and_every_setting_once() {
    let server = TokenServer::always(Reply::token("at-1"));
    let source = exchange(&server, of("s.u.b"))
        .subject_token_type(TokenExchange::ID_TOKEN)
        .actor(of("a.c.t"), TokenExchange::JWT)
        .audience("one")
        .audience("two")
        .requested_token_type(TokenExchange::ACCESS_TOKEN)
        .scope("read")
        .extra_field("options", "{}")
        .unwrap()
        .client(client());
    source.login().await.unwrap();
    let kind = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", "one"),
        ("audience", "two"),
        ("scope", "read"),
        ("requested_token_type", &kind("access_token")),
        ("subject_token", "s.u.b"),
        ("subject_token_type", &kind("id_token")),
        ("actor_token", "a.c.t"),
        ("actor_token_type", &kind("jwt")),
        ("options", "{}"),
        ("client_id", "app"),
        ("client_secret", "s3cret"),
    ];
    assert_eq!(server.only().form(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let twice = exchange(&server, of("s")).audience("one").extra_field("audience", "two").unwrap();
    assert_eq!(twice.login().await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(server.requests(), 1);
}

/// Section 2.2.1.
#[tokio::test]
async fn r83_the_type_n_a_is_accepted_if_no_access_token_was_asked_for() {
    let body = r#"{"access_token":"at","issued_token_type":"urn:ietf:params:oauth:token-type:jwt","token_type":"N_A"}"#;
    let server = TokenServer::always(Reply::json(200, body));
    let source = || exchange(&server, of("s"));
    source().requested_token_type(TokenExchange::JWT).login().await.unwrap();
    for source in [source(), source().requested_token_type(TokenExchange::ACCESS_TOKEN)] {
        assert_eq!(source.login().await.unwrap_err().kind(), ErrorKind::InvalidResponse);
    }
}

#[tokio::test(start_paused = true)]
async fn r83_f143_exchanges_share_their_subject_and_its_renewals() {
    let (subjects, subject) = renewing();
    let server = TokenServer::new(|seen| Reply::token(&format!("for-{}", seen.field("audience").unwrap())));
    let exchange = |audience: &str| authenticator(exchange(&server, subject.clone()).audience(audience));
    let (one, two) = (exchange("one"), exchange("two"));
    let (first, second) = tokio::join!(one.credentials(), two.credentials());
    assert_eq!((first.unwrap().access_token(), second.unwrap().access_token()), ("for-one", "for-two"));
    assert_eq!((subjects.requests(), server.requests()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn r83_f143_a_subject_token_that_was_refused_is_renewed_and_exchanged_once_more() {
    for code in ["invalid_request", "invalid_grant", "invalid_token"] {
        let (subjects, subject) = renewing();
        let server = TokenServer::new(move |seen| match seen.field("subject_token").as_deref() {
            Some("subject-1") => Reply::error(400, code, "the subject token was revoked"),
            _ => Reply::token("at-1"),
        });
        let auth = authenticator(exchange(&server, subject));
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "{code}");
        assert_eq!((subjects.requests(), server.requests()), (2, 2), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn r83_a_refusal_that_a_newer_subject_token_does_not_help_is_reported() {
    for (reply, kind, exchanges) in [
        (Reply::error(400, "invalid_grant", "no"), ErrorKind::LoginRequired, 2),
        (Reply::error(400, "invalid_request", "no"), ErrorKind::Misconfigured, 2),
        (Reply::bare(401, ""), ErrorKind::LoginRequired, 2),
        (Reply::error(400, "invalid_target", "no such audience"), ErrorKind::Misconfigured, 1),
        (Reply::error(401, "invalid_client", "no"), ErrorKind::Misconfigured, 1),
    ] {
        let (_, subject) = renewing();
        let server = TokenServer::always(reply.clone());
        let error = exchange(&server, subject).login().await.unwrap_err();
        assert_eq!((error.kind(), server.requests()), (kind, exchanges), "{reply:?}");
    }
    // A subject that can't be renewed.
    let server = TokenServer::always(Reply::error(400, "invalid_grant", "not s.u.bject-token"));
    let error = exchange(&server, of("s.u.bject-token")).login().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LoginRequired, Some("invalid_grant")));
    assert!(!error.to_string().contains("s.u.bject"), "{error}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn r83_the_failure_of_a_subject_is_that_of_the_log_in_and_nothing_is_sent() {
    let server = TokenServer::always(Reply::token("at-1"));
    let failing = || authenticator(source_fn(|| async { Err(Error::login_required("nobody is here")) }));
    for source in [exchange(&server, failing()), exchange(&server, of("s")).actor(failing(), "x")] {
        let error = source.login().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::LoginRequired, "nobody is here".to_owned())
        );
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn r83_a_refresh_token_is_used_without_the_subject() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let auth = authenticator(exchange(&server, of("s")).client(client()));
    auth.credentials().await.unwrap();
    auth.refresh().await.unwrap();
    assert_eq!(grants(&server), ["urn:ietf:params:oauth:grant-type:token-exchange", "refresh_token"]);
    assert_eq!(server.seen()[1].field("subject_token"), None);
}
