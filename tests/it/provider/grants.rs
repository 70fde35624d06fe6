//! Every grant gets a token that the API takes, and a newer one after it.

use reauth::vathos::{ClientGrant, ServiceAccount};
use reauth::{Authenticator, Origins, oauth2};

use super::*;

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r33_client_credentials_by_basic_and_by_post() {
    let idp = Idp::from_env();
    for client in [basic(&idp.svc_client), post(&idp.svc_client)] {
        let source = oauth2::ClientCredentials::new(endpoint(&idp), client).unwrap().scope(&idp.scope);
        let auth = auth(source);
        let who = Api::new(&idp, &auth).whoami().await;
        assert_eq!((&who["client_id"], &who["scope"]), (&idp.svc_client.id.as_str().into(), &"api".into()));
        renews(&auth, false).await;
    }
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn f41_a_client_secret_full_of_delimiters_by_basic_and_by_post() {
    let idp = Idp::from_env();
    assert!("%+&=:".chars().all(|c| idp.odd_client.secret.contains(c)));
    for client in [basic(&idp.odd_client), post(&idp.odd_client)] {
        let auth = auth(oauth2::ClientCredentials::new(endpoint(&idp), client).unwrap());
        assert_eq!(Api::new(&idp, &auth).whoami().await["client_id"], idp.odd_client.id);
    }
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r33_the_password_grant_by_basic_and_by_post() {
    let idp = Idp::from_env();
    for client in [basic(&idp.pw_client), post(&idp.pw_client)] {
        let Login { id, secret } = &idp.user;
        let auth = auth(oauth2::Password::new(endpoint(&idp), client, id, secret).unwrap());
        assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);
        renews(&auth, true).await;
    }
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn f41_a_password_with_delimiters_and_letters_beyond_ascii() {
    let idp = Idp::from_env();
    assert!(!idp.odd_user.secret.is_ascii());
    let auth = auth(password(&idp, &idp.odd_user));
    assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.odd_user.id);
}

/// R13: what was given is used first, and each refresh token of the family once.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r13_credentials_from_elsewhere_are_used_and_then_renewed() {
    let idp = Idp::spawn(Knobs::default()).await;
    let given = login_elsewhere(&idp, &idp.user).await;
    let auth = auth(refresh_token(&idp, given.clone()));

    assert_eq!(auth.credentials().await.unwrap().access_token(), given.access_token());
    for _ in 0..3 {
        renews(&auth, true).await;
        assert_eq!(Api::new(&idp, &auth).whoami().await["sub"], idp.user.id);
    }
    assert_eq!(idp.count("token.refresh_token.200").await, 3);
    assert_eq!(idp.count("token.total").await, 4, "the log-in elsewhere and three refreshes");
    assert!(idp.reused_refresh_tokens().is_empty());
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r33_vathos_with_both_grants_at_another_realm() {
    let idp = Idp::from_env();
    assert_eq!(Origins::of_url(&idp.echo_url).unwrap(), Origins::new(&idp.base_url).unwrap());
    let Login { id, secret } = &idp.odd_client;
    let auth_of_device = auth(ServiceAccount::new(&idp.token_url, id, secret).unwrap());
    assert_eq!(Api::new(&idp, &auth_of_device).whoami().await["client_id"], idp.odd_client.id);
    renews(&auth_of_device, false).await;

    let (client, user) = (&idp.pw_client, &idp.odd_user);
    let person = ClientGrant::new(&idp.token_url, &client.id, &client.secret, &user.id, &user.secret);
    let auth_of_person = auth(person.unwrap());
    assert_eq!(Api::new(&idp, &auth_of_person).whoami().await["sub"], idp.odd_user.id);
    renews(&auth_of_person, true).await;
}

/// Another access token, and another refresh token where the grant has them.
async fn renews(auth: &Authenticator, has_refresh_token: bool) {
    let old = auth.credentials().await.unwrap();
    let new = auth.refresh().await.unwrap();
    assert_ne!(new.access_token(), old.access_token());
    assert_eq!(new.refresh_token().is_some(), has_refresh_token);
    assert!(!has_refresh_token || new.refresh_token() != old.refresh_token(), "it is rotated");
}
