//! The log-in with a code, at the Keycloak realm.

use reauth::pilot::{CLIENT_ID, DeviceLogin};

use super::*;

#[tokio::test(start_paused = true)]
async fn r88_the_device_log_in_is_that_of_pilots_tool() {
    let server = TokenServer::new(|seen| match seen.field("grant_type").as_deref() {
        None => Reply::json(
            200,
            r#"{"device_code":"dc-1","user_code":"X","verification_uri":"https://id.test/d","expires_in":600,"interval":5}"#,
        ),
        Some("refresh_token") => Reply::tokens("at-2", "rt-2"),
        Some(_) => Reply::tokens("at-1", "rt-1"),
    });
    let realm = "https://id.test/auth/realms/pilot";
    let source = DeviceLogin::new(at(realm, &server), async |_| Ok(())).unwrap();
    let auth = authenticator(source.scope("openid").login_limit(Duration::from_secs(60)));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    let base = "/auth/realms/pilot/protocol/openid-connect";
    assert_eq!(
        paths(&server),
        [format!("{base}/auth/device"), format!("{base}/token"), format!("{base}/token")]
    );
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.field("client_id").as_deref() == Some(CLIENT_ID)), "{seen:?}");
    assert_eq!(seen[0].field("scope").as_deref(), Some("openid"));
    assert_eq!(seen[1].field("device_code").as_deref(), Some("dc-1"));
    assert_eq!(seen[2].field("refresh_token").as_deref(), Some("rt-1"));
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_revokes_at_the_realm() {
    let server = TokenServer::new(|seen| match seen.uri.path().rsplit('/').next() {
        Some("device") => Reply::json(
            200,
            r#"{"device_code":"dc-1","user_code":"X","verification_uri":"https://id.test/d","expires_in":600,"interval":5}"#,
        ),
        Some("token") => Reply::tokens("at-1", "rt-1"),
        _ => Reply::bare(200, ""),
    });
    let source = DeviceLogin::new(at("https://id.test/realm", &server), async |_| Ok(())).unwrap();
    let revocation = TokenEndpoint::new("https://id.test/realm/protocol/openid-connect/revoke").unwrap();
    let auth = authenticator(source.revocation_endpoint(revocation));
    auth.credentials().await.unwrap();
    auth.log_out().await.unwrap();
    let revoked: Vec<_> = server.seen()[2..].iter().map(|seen| seen.field("token")).collect();
    assert_eq!(revoked, [Some("rt-1".to_owned()), Some("at-1".to_owned())]);
}
