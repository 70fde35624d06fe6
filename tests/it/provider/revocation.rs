//! A log-out that revokes the tokens at the provider (RFC 7009).

use super::*;

fn revocation(idp: &Idp) -> TokenEndpoint {
    TokenEndpoint::new(&idp.revoke_url).unwrap()
}

/// The status of a request with this token.
async fn status(idp: &Idp, token: &str) -> u16 {
    let call = reqwest::Client::new().get(&idp.echo_url).bearer_auth(token);
    call.send().await.unwrap().status().as_u16()
}

/// R17: neither token works any more, not even a copy of it, whichever way the client proves its identity.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r17_after_a_log_out_neither_token_works_any_more() {
    let idp = Idp::spawn(Knobs::default()).await;
    let Login { id, secret } = &idp.user;
    for client in [basic(&idp.pw_client), post(&idp.pw_client)] {
        let source = oauth2::Password::new(endpoint(&idp), client, id, secret).unwrap();
        let auth = auth(source.revocation_endpoint(revocation(&idp)));
        // After a rotation, the token that is held last is revoked.
        auth.credentials().await.unwrap();
        let held = auth.refresh().await.unwrap();
        assert_eq!(status(&idp, held.access_token()).await, 200);

        auth.log_out().await.unwrap();

        let thief = super::auth(refresh_token(&idp, held.clone()));
        assert_eq!(thief.refresh().await.unwrap_err().kind(), ErrorKind::LoginRequired);
        assert_eq!(status(&idp, held.access_token()).await, 401);
        // The same user's next log-in is another one.
        assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);
        auth.refresh().await.unwrap();
    }
}

/// R17: without a refresh token, the access token is revoked.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r17_after_a_log_out_a_service_s_access_token_does_not_work_any_more() {
    let idp = Idp::from_env();
    for client in [&idp.svc_client, &idp.odd_client] {
        let source = oauth2::ClientCredentials::new(endpoint(&idp), basic(client)).unwrap();
        let auth = auth(source.revocation_endpoint(revocation(&idp)));
        let held = auth.credentials().await.unwrap();
        auth.log_out().await.unwrap();
        assert_eq!(status(&idp, held.access_token()).await, 401);
        assert_ne!(auth.credentials().await.unwrap().access_token(), held.access_token());
    }
}

/// R17: without a revocation endpoint, only this client forgets the tokens.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r17_without_a_revocation_endpoint_the_login_lives_on_at_the_provider() {
    let idp = Idp::spawn(Knobs::default()).await;
    let auth = auth(password(&idp, &idp.user));
    let held = auth.credentials().await.unwrap();
    auth.log_out().await.unwrap();
    assert_eq!(status(&idp, held.access_token()).await, 200);
    super::auth(refresh_token(&idp, held)).refresh().await.unwrap();
}

/// R17: if the provider refuses the client, that is an event, and the log-out here succeeds.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r17_a_revocation_that_the_provider_refuses_is_an_event() {
    let idp = Idp::spawn(Knobs::default()).await;
    let given = login_elsewhere(&idp, &idp.user).await;
    let client = ClientAuth::basic(&idp.pw_client.id, "wrong").unwrap();
    let source = oauth2::RefreshToken::new(endpoint(&idp), client, given.clone()).unwrap();
    let (failed, mut failures) = tokio::sync::mpsc::unbounded_channel();
    let auth = Authenticator::builder(source.revocation_endpoint(revocation(&idp)))
        .observer(move |event| {
            if let reauth::Event::RevocationFailed { error, .. } = event {
                failed.send(error.clone()).unwrap();
            }
        })
        .build();
    auth.log_out().await.unwrap();
    let error = failures.try_recv().unwrap();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("the revocation endpoint refused the client"), "{error}");
    super::auth(refresh_token(&idp, given)).refresh().await.unwrap();
}
