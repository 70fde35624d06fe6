//! Refused log-ins: the error that the caller gets, and how few requests a caller in a tight loop causes.

use reauth::pilot::Pilot;
use reauth::vathos::ServiceAccount;
use reauth::{Timing, oauth2};

use super::*;

const PILOT: [&str; 3] = ["pilot.auth.401", "pilot.auth.404", "pilot.auth.422"];

/// F30, R11.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn f30_a_wrong_client_is_misconfigured_and_does_not_flood_the_provider() {
    let idp = Idp::spawn(Knobs::default()).await;
    let wrong = |client: &Login| Login { id: client.id.clone(), secret: "wrong".to_owned() };
    let Login { id, secret } = &idp.user;

    for client in [basic(&wrong(&idp.svc_client)), post(&wrong(&idp.svc_client))] {
        let source = oauth2::ClientCredentials::new(endpoint(&idp), client).unwrap();
        refused(&idp, source, ErrorKind::Misconfigured, "refused the client", &["token.total"]).await;
    }
    let source = oauth2::Password::new(endpoint(&idp), basic(&wrong(&idp.pw_client)), id, secret).unwrap();
    refused(&idp, source, ErrorKind::Misconfigured, "refused the client", &["token.total"]).await;
    let source = ServiceAccount::new(&idp.token_url, &idp.svc_client.id, "wrong").unwrap();
    refused(&idp, source, ErrorKind::Misconfigured, "refused the client", &["token.total"]).await;

    // A client that is not allowed to use the grant, and a scope that does not exist.
    let source = oauth2::Password::new(endpoint(&idp), basic(&idp.svc_client), id, secret).unwrap();
    refused(&idp, source, ErrorKind::Misconfigured, "not allowed for this client", &["token.total"]).await;
    let source = password(&idp, &idp.user).scope("no-such-scope");
    refused(&idp, source, ErrorKind::Misconfigured, "invalid_scope", &["token.total"]).await;
}

/// R9: the provider refuses the client, not the refresh token. That is still good once the client is corrected.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r09_a_wrong_client_does_not_cost_the_refresh_token() {
    let idp = Idp::spawn(Knobs::default()).await;
    let given = login_elsewhere(&idp, &idp.user).await;
    let client = ClientAuth::basic(&idp.pw_client.id, "wrong").unwrap();
    let wrong = auth(oauth2::RefreshToken::new(endpoint(&idp), client, given.clone()).unwrap());

    assert_eq!(wrong.refresh().await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(Api::new(&idp, &wrong).whoami().await["sub"], idp.user.id, "R8: what is in hand is good");
    auth(refresh_token(&idp, given)).refresh().await.unwrap();
}

/// F30, R9, R11.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn f30_a_refused_user_has_to_log_in_and_does_not_flood_the_provider() {
    let idp = Idp::spawn(Knobs::default()).await;
    let login = |id: &str, secret: &str| Login { id: id.to_owned(), secret: secret.to_owned() };
    let known = login(&idp.user.id, "wrong");
    let unknown = login("nobody", &idp.user.secret);
    let disabled = login(&idp.disabled_user, "any");

    for user in [&known, &unknown, &disabled] {
        refused(&idp, password(&idp, user), ErrorKind::LoginRequired, "invalid_grant", &["token.total"])
            .await;
    }
    for (user, said) in [(&known, "401"), (&unknown, "not found"), (&disabled, "User is disabled")] {
        let pilot = Pilot::new(&idp.pilot_endpoint, &user.id, &user.secret).unwrap();
        refused(&idp, pilot, ErrorKind::LoginRequired, said, &PILOT).await;
    }
}

/// R28: the error that the caller of an adapter gets. Nothing is sent without a token.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r28_a_refused_login_is_found_by_downcast_and_no_request_leaves() {
    let idp = Idp::spawn(Knobs::default()).await;
    let auth = auth(password(&idp, &Login { id: idp.user.id.clone(), secret: "wrong".to_owned() }));
    let api = Api::new(&idp, &auth);

    let error = api.http.get(&api.url).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(inner) = error else { panic!("{error:?}") };
    assert_eq!(inner.downcast_ref::<reauth::Error>().unwrap().kind(), ErrorKind::LoginRequired);
    assert!(idp.stats().await.keys().all(|counter| !counter.starts_with("echo")));
}

/// Checks the kind and the message of the error, the same every time, and the cost of a tight loop: one request, and one
/// more whenever the error is no longer remembered.
async fn refused(idp: &Idp, source: impl CredentialSource, kind: ErrorKind, said: &str, counters: &[&str]) {
    idp.reset().await;
    let auth = auth(source);
    let began = Instant::now();
    for _ in 0..50 {
        let error = auth.credentials().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        // Several times the back-off that follows a failure that is not terminal, in all.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let allowed = 1 + began.elapsed().as_secs() / Timing::TERMINAL_MEMORY.as_secs();
    let stats = idp.stats().await;
    let requests: u64 = counters.iter().filter_map(|counter| stats.get(*counter)).sum();
    assert!((1..=allowed).contains(&requests), "{requests} requests, {allowed} allowed: {stats:?}");
}
