//! What else the provider sends.

use super::*;

/// The provider sends an ID token with a refresh, and the scope with every response.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r85_f145_a_real_providers_id_token_and_scope_are_kept() {
    let idp = Idp::from_env();
    let source = || password(&idp, &idp.user).scope("openid api").keep_field("id_token").keep_field("scope");
    let auth = auth(source());
    assert_eq!(auth.credentials().await.unwrap().field("scope"), Some("openid api"));
    let got = auth.refresh().await.unwrap();
    assert_eq!(got.field("scope"), Some("openid api"));
    assert_eq!(got.field("id_token").unwrap().split('.').count(), 3);

    // As the bearer token, it lives as long as it says: ten minutes, and not two seconds.
    let bearer = source().bearer_field("id_token");
    let got = bearer.refresh(&got).await.unwrap();
    assert_eq!(got.access_token().split('.').count(), 3);
    assert_eq!(got.field("id_token"), Some(got.access_token()));
    let auth = Authenticator::builder(bearer).initial(got).build();
    let left = auth.credentials().await.unwrap().expires_at().unwrap();
    assert!(left > std::time::SystemTime::now() + Duration::from_secs(300));
}
