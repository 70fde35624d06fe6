//! PILOT's logins, with the portal's backend between the client and the provider.

use reauth::pilot::{HpcLogin, Pilot};

use super::*;
use crate::support::proxy::Proxy;

/// R15: log in, refresh, and log in again when the refresh token is dead; on both path styles.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r15_pilot_logs_in_refreshes_and_logs_in_again() {
    let idp = Idp::spawn(Knobs::default()).await;
    for (gateway, users) in [(false, "/v1/users"), (true, "/portal/users")] {
        // The proxy changes nothing; it records the requests.
        let proxy = Proxy::start(&idp.base_url).await;
        let Login { id, secret } = &idp.odd_user;
        let pilot = Pilot::new(proxy.url(), id, secret).unwrap();
        let auth = auth(if gateway { pilot.gateway() } else { pilot });
        let api = Api::new(&idp, &auth);

        let first = auth.credentials().await.unwrap();
        assert_eq!(api.whoami().await["sub"], idp.odd_user.id);
        let second = auth.refresh().await.unwrap();
        assert_ne!(second.access_token(), first.access_token());
        assert_ne!(second.refresh_token(), first.refresh_token());
        assert_eq!(api.whoami().await["sub"], idp.odd_user.id);

        // Its access token is dead too, which the API's 401 shows.
        revoke(&idp, &second).await;
        assert_eq!(api.whoami().await["sub"], idp.odd_user.id);
        assert_ne!(auth.credentials().await.unwrap().refresh_token(), second.refresh_token());

        let asked: Vec<_> =
            proxy.records().into_iter().map(|r| (r.request.path, r.status.unwrap())).collect();
        let expected = [("auth", 200), ("refresh", 200), ("refresh", 500), ("auth", 200)];
        assert_eq!(asked, expected.map(|(verb, status)| (format!("{users}/{verb}"), status)));
    }
    assert!(idp.reused_refresh_tokens().is_empty(), "a refused token is not sent again");
}

/// R15: credentials without a password are used and refreshed; a dead refresh token is reported.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r15_pilot_with_credentials_alone_says_when_to_log_in_again() {
    let idp = Idp::spawn(Knobs::default()).await;
    let given = login_elsewhere(&idp, &idp.user).await;
    let pilot = Pilot::from_credentials(&idp.pilot_endpoint, given.clone()).unwrap();
    let auth = auth(pilot);

    assert_eq!(auth.credentials().await.unwrap().access_token(), given.access_token());
    let renewed = auth.refresh().await.unwrap();
    assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);

    revoke(&idp, &renewed).await;
    let error = auth.reject(&renewed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("Unable to get token"), "{error}");

    auth.set_credentials(login_elsewhere(&idp, &idp.user).await).await.unwrap();
    assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);
    assert_eq!(idp.count("pilot.auth.200").await, 0, "it knows no password");
}

/// R4: the lifetime of an HPC token is unknown: it is used until a 401, and then the client logs in again.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r04_an_hpc_token_is_used_until_it_is_rejected() {
    let idp = Idp::spawn(Knobs::default()).await;
    let Login { id, secret } = &idp.odd_user;
    let auth = auth(HpcLogin::new(&idp.pilot_endpoint, id, secret, "issuer").unwrap());
    let api = Api::new(&idp, &auth);

    assert_eq!(api.whoami().await["sub"], idp.odd_user.id);
    let held = auth.credentials().await.unwrap();
    assert_eq!((held.expires_at(), held.refresh_token()), (None, None));

    idp.revoke_access_tokens().await;
    assert_eq!(api.whoami().await["sub"], idp.odd_user.id);
    assert_eq!((idp.count("echo.401").await, idp.count("pilot.hpc.200").await), (1, 2));
}
