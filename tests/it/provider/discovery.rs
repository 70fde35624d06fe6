//! Endpoints that are found by the provider's issuer.

use super::*;

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r84_the_endpoints_of_a_real_provider_are_found_by_its_issuer() {
    let idp = Idp::spawn(Knobs::default()).await;
    let endpoint = TokenEndpoint::discover(&idp.base_url).unwrap();
    let revocation = endpoint.discovered("revocation_endpoint").unwrap();
    let source = oauth2::Password::new(endpoint, basic(&idp.pw_client), &idp.user.id, &idp.user.secret);
    let auth = auth(source.unwrap().revocation_endpoint(revocation));
    assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);
    let held = auth.refresh().await.unwrap();
    auth.log_out().await.unwrap();
    // It was revoked.
    let error = refresh_token(&idp, held.clone()).refresh(&held).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LoginRequired, Some("invalid_grant")));
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r84_f144_another_spelling_of_the_issuer_is_told_the_right_one() {
    let idp = Idp::from_env();
    let endpoint = TokenEndpoint::discover(&format!("{}/", idp.base_url)).unwrap();
    let error = endpoint.request().client(&basic(&idp.svc_client)).grant("client_credentials").send().await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains(&format!("({})", idp.base_url)), "{error}");
}
