//! Refresh tokens for a single use: at a second use, the provider revokes the whole log-in.

use reauth::pilot::Pilot;
use reauth::{Authenticator, Timing};

use super::*;

/// R13: through many expiries, the password is sent once.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r13_many_rotations_need_one_login_and_spend_no_refresh_token_twice() {
    let idp = Idp::spawn(Knobs { access_ttl: 2, ..Knobs::default() }).await;
    let Login { id, secret } = &idp.user;
    let pilot = Pilot::new(&idp.pilot_endpoint, id, secret).unwrap();
    let both = [auth(pilot), auth(password(&idp, &idp.user))];
    let apis = both.each_ref().map(|auth| Api::new(&idp, auth));

    until("ten rotations", async || {
        for api in &apis {
            assert_eq!(api.whoami().await["sub"], idp.user.id);
        }
        idp.count("token.refresh_token.200").await >= 10
    })
    .await;

    let stats = idp.stats().await;
    assert_eq!(stats["token.password.200"], 2, "one for each of the two");
    assert_eq!(stats["token.total"], 2 + stats["token.refresh_token.200"], "none failed");
    assert!(stats["pilot.refresh.200"] >= 2);
    assert!(idp.reused_refresh_tokens().is_empty());
}

/// R15: a revoked refresh token is sent once; then the client logs in with the password.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r15_a_revoked_refresh_token_costs_one_login_where_a_password_is_held() {
    let idp = Idp::spawn(Knobs::default()).await;
    let auth = auth(password(&idp, &idp.user));
    revoke(&idp, &auth.credentials().await.unwrap()).await;

    assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);

    let stats = idp.stats().await;
    assert_eq!((stats["echo.401"], stats["token.refresh_token.400"], stats["token.password.200"]), (1, 1, 2));
}

/// R15: without a password the caller gets `LoginRequired`, and no more requests are sent.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r15_a_revoked_refresh_token_means_log_in_again_where_no_password_is_held() {
    let idp = Idp::spawn(Knobs::default()).await;
    let given = login_elsewhere(&idp, &idp.user).await;
    // The error is forgotten at once, so that only the token's state keeps it from being sent.
    let forgetful = Timing::default().terminal_memory(Duration::ZERO);
    let source = refresh_token(&idp, given.clone());
    let auth = Authenticator::builder(source).timing(forgetful).build();
    revoke(&idp, &given).await;

    assert_eq!(auth.reject(&given).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    for _ in 0..100 {
        assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(idp.count("token.refresh_token.400").await, 1, "a refused refresh token is never sent again");

    auth.set_credentials(login_elsewhere(&idp, &idp.user).await).await.unwrap();
    assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);
}

/// R15: a thief spent the refresh token that we hold. Ours is its second use: it revokes the log-in, that of the thief
/// included, and we go on as with any refused refresh token.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r15_a_refresh_token_that_a_thief_spent() {
    let idp = Idp::spawn(Knobs::default()).await;
    let with_password = auth(password(&idp, &idp.user));
    let given = login_elsewhere(&idp, &idp.user).await;
    let without = auth(refresh_token(&idp, given.clone()));

    let stolen = with_password.credentials().await.unwrap();
    let thief = spend(&idp, &stolen).await;
    let renewed = with_password.refresh().await.unwrap();
    assert_ne!(renewed.refresh_token(), thief.credentials().await.unwrap().refresh_token());
    assert_eq!(Api::new(&idp, &with_password).whoami().await["sub"], idp.user.id);
    assert_eq!(idp.count("token.password.200").await, 3, "the three logins of this test");

    let other_thief = spend(&idp, &given).await;
    assert_eq!(without.refresh().await.unwrap_err().kind(), ErrorKind::LoginRequired);

    for thief in [thief, other_thief] {
        assert_eq!(thief.refresh().await.unwrap_err().kind(), ErrorKind::LoginRequired);
    }
    assert_eq!(idp.reused_refresh_tokens().len(), 2, "each of the two that were stolen, once");
}

/// A thief that has these credentials, and has refreshed them.
async fn spend(idp: &Idp, credentials: &Credentials) -> Authenticator {
    let thief = auth(refresh_token(idp, credentials.clone()));
    thief.refresh().await.unwrap();
    thief
}
