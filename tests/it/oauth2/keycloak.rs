//! Keycloak's token response and its errors, as its users report them.

use super::*;

/// The status and the body as Keycloak words them.
fn keycloak(status: u16, code: &str, description: &str) -> TokenServer {
    TokenServer::always(Reply::error(status, code, description))
}

#[tokio::test]
async fn r09_every_refusal_of_a_log_in() {
    for (status, code, description, kind) in [
        (401, "invalid_grant", "Invalid user credentials", ErrorKind::LoginRequired),
        (400, "invalid_grant", "Account disabled", ErrorKind::LoginRequired),
        (400, "invalid_grant", "Account is not fully set up", ErrorKind::LoginRequired),
        (
            401,
            "unauthorized_client",
            "Invalid client or Invalid client credentials",
            ErrorKind::Misconfigured,
        ),
        (401, "invalid_client", "Invalid client or Invalid client credentials", ErrorKind::Misconfigured),
        (400, "unauthorized_client", "Client not allowed for direct access grants", ErrorKind::Misconfigured),
        (400, "invalid_scope", "Invalid scopes: admin", ErrorKind::Misconfigured),
        (400, "unsupported_grant_type", "Unsupported grant_type", ErrorKind::Misconfigured),
    ] {
        let error = user(&keycloak(status, code, description)).login().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {code}");
        assert!(error.to_string().contains(&format!("{code}: {description}")), "{error}");
    }
}

#[tokio::test]
async fn r09_every_refusal_of_a_refresh() {
    for (status, code, description, kind) in [
        (400, "invalid_grant", "Token is not active", ErrorKind::LoginRequired),
        (400, "invalid_grant", "Session not active", ErrorKind::LoginRequired),
        (400, "invalid_grant", "Maximum allowed refresh token reuse exceeded", ErrorKind::LoginRequired),
        (400, "invalid_grant", "Stale token", ErrorKind::LoginRequired),
        (400, "invalid_grant", "Account disabled", ErrorKind::LoginRequired),
        (
            401,
            "unauthorized_client",
            "Invalid client or Invalid client credentials",
            ErrorKind::Misconfigured,
        ),
        (401, "invalid_client", "Invalid client or Invalid client credentials", ErrorKind::Misconfigured),
    ] {
        let error = user(&keycloak(status, code, description)).refresh(&held()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {code}");
        assert!(error.to_string().contains(&format!("{code}: {description}")), "{error}");
    }
}

#[tokio::test]
async fn r09_a_refusal_without_a_description_shows_its_code_or_its_status() {
    for (reply, said) in [
        (Reply::json(401, r#"{"error":"invalid_grant"}"#), "(invalid_grant)"),
        (Reply::json(401, r#"{"error_description":"nobody here"}"#), "(nobody here)"),
        (Reply::bare(401, ""), "(status 401)"),
    ] {
        let error = user(&TokenServer::always(reply)).login().await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// R9: a refused log-in is not retried until the credentials change.
#[tokio::test(start_paused = true)]
async fn r11_f30_a_bad_secret_in_a_tight_loop_costs_one_request_every_few_seconds() {
    let server = keycloak(401, "invalid_client", "Invalid client or Invalid client credentials");
    let auth = authenticator(service(&server));
    let start = tokio::time::Instant::now();
    while start.elapsed() < std::time::Duration::from_secs(60) {
        assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::Misconfigured);
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
    }
    assert!(server.requests() <= 13, "{} requests in a minute", server.requests());
}

#[tokio::test(start_paused = true)]
async fn the_whole_token_response_is_read() {
    let server = TokenServer::always(Reply::json(
        200,
        r#"{"access_token":"eyJhbGciOiJSUzI1NiJ9.e30.c2ln","expires_in":60,"refresh_expires_in":0,
            "refresh_token":"eyJhbGciOiJIUzI1NiJ9.e30.c2ln","token_type":"Bearer","not-before-policy":1602231,
            "session_state":"0f3c","scope":"email profile"}"#,
    ));
    let clock = TestClock::new();
    let auth = Authenticator::builder(user(&server)).clock(clock.clone()).build();
    let sent = clock.wall();
    let got = auth.credentials().await.unwrap();
    assert_eq!(got.refresh_token(), Some("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"));
    assert_eq!(got.expires_at(), Some(sent + std::time::Duration::from_secs(60)));
}
