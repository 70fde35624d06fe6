//! Checks that the provider does what the other tests assume.

use std::time::Duration;

use super::*;

#[test]
fn a_setting_may_be_quoted_and_hold_an_equals_sign() {
    let settings = settings("A=1\nSECRET=\"a+b=&d ä\"\n");
    assert_eq!(settings["A"], "1");
    assert_eq!(settings["SECRET"], "a+b=&d ä");
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn the_shared_provider_responds() {
    let idp = Idp::from_env();
    assert!(login(&idp, &idp.user).await["access_token"].is_string());
    assert!(idp.count("token.password.200").await >= 1);
    assert!(!idp.access_log().is_empty());
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn revoking_access_tokens_spares_refresh_tokens() {
    let idp = Idp::spawn(Knobs::default()).await;
    let first = login(&idp, &idp.odd_user).await;
    assert_eq!(call(&idp, &first).await, 200);

    assert_eq!(idp.revoke_access_tokens().await, 1);
    assert_eq!(call(&idp, &first).await, 401);

    idp.set_access_ttl(7).await;
    let second = refresh(&idp, &first).await;
    assert_eq!(call(&idp, &second).await, 200);
    assert_eq!(second["expires_in"], 7);
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn a_refresh_token_spent_twice_revokes_the_login_and_shows_in_the_log() {
    let idp = Idp::spawn(Knobs::default()).await;
    let first = login(&idp, &idp.user).await;
    let second = refresh(&idp, &first).await;
    assert!(idp.reused_refresh_tokens().is_empty());

    assert_eq!(refresh(&idp, &first).await["error"], "invalid_grant");
    assert_eq!(refresh(&idp, &second).await["error"], "invalid_grant");

    let log = idp.access_log();
    assert_eq!(idp.reused_refresh_tokens(), [log[0]["issued"].as_str().unwrap()]);
    assert_eq!(idp.count("token.refresh_token.400").await, 2);
    idp.reset().await;
    assert!(idp.stats().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn instances_share_nothing() {
    let knobs = Knobs { access_ttl: 5, refresh_ttl: 50, rotate: false };
    let (one, other) = tokio::join!(Idp::spawn(knobs), Idp::spawn(Knobs::default()));
    assert_eq!((one.access_ttl, one.refresh_ttl), (Duration::from_secs(5), Duration::from_secs(50)));

    let first = login(&one, &one.user).await;
    let second = refresh(&one, &first).await;
    assert_eq!(second["refresh_token"], first["refresh_token"], "this one doesn't rotate");
    assert_eq!(call(&other, &first).await, 401);
    assert_eq!(other.count("token.total").await, 0);
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn an_instance_ends_with_its_value() {
    let idp = Idp::spawn(Knobs::default()).await;
    let (url, log) = (idp.stats_url.clone(), idp.access_log.clone());
    let mut idp = idp;
    let mut instance = idp.instance.take().unwrap();
    // This closes when the process is killed, and no destructor runs.
    drop(instance.child.stdin.take());
    assert!(instance.child.wait().await.unwrap().success());
    drop(instance);
    assert!(reqwest::Client::new().get(url).send().await.is_err());
    assert!(!log.exists());
}

async fn login(idp: &Idp, user: &Login) -> Value {
    grant(idp, &[("grant_type", "password"), ("username", &user.id), ("password", &user.secret)]).await
}

async fn refresh(idp: &Idp, tokens: &Value) -> Value {
    let token = tokens["refresh_token"].as_str().unwrap();
    grant(idp, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn grant(idp: &Idp, fields: &[(&str, &str)]) -> Value {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .append_pair("client_id", &idp.pw_client.id)
        .append_pair("client_secret", &idp.pw_client.secret)
        .finish();
    let call = idp.http.post(&idp.token_url).header("content-type", "application/x-www-form-urlencoded");
    serde_json::from_str(&call.body(body).send().await.unwrap().text().await.unwrap()).unwrap()
}

/// The status of one call of the protected API.
async fn call(idp: &Idp, tokens: &Value) -> u16 {
    let token = tokens["access_token"].as_str().unwrap();
    idp.http.get(&idp.echo_url).bearer_auth(token).send().await.unwrap().status().as_u16()
}
