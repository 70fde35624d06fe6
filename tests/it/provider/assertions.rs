//! Clients that sign their proof of identity (RFC 7523): with a key pair, and with their secret.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reauth::Error;

use super::*;

/// The example that the documents name: its function is what is tested.
#[path = "../../../examples/private_key_jwt.rs"]
#[allow(dead_code, reason = "its `main` is run by scripts/test")]
mod example;

/// A signed proof for this provider, as `client_secret_jwt` wants it.
fn signed_with_secret(client: &Login, audience: &str, id: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = serde_json::json!({
        "iss": client.id, "sub": client.id, "aud": audience, "iat": now, "exp": now + 60, "jti": id.to_string(),
    });
    let key = EncodingKey::from_secret(client.secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

async fn gets_tokens(idp: &Idp, client: ClientAuth, id: &str) {
    let auth = auth(oauth2::ClientCredentials::new(endpoint(idp), client).unwrap());
    let first = auth.credentials().await.unwrap();
    assert_ne!(auth.refresh().await.unwrap().access_token(), first.access_token());
    assert_eq!(Api::new(idp, &auth).whoami().await["client_id"], id);
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r82_f142_a_real_provider_takes_private_key_jwt() {
    let idp = Idp::from_env();
    let der = std::fs::read(&idp.jwt_client.secret).unwrap();
    // Both audiences are right: the token endpoint, and the issuer.
    for audience in [&idp.token_url, &idp.base_url] {
        let client = example::private_key_jwt(&idp.jwt_client.id, audience, &der).unwrap();
        gets_tokens(&idp, client, &idp.jwt_client.id).await;
    }
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r82_a_real_provider_takes_client_secret_jwt() {
    let idp = Idp::from_env();
    let (client, audience) = (idp.mac_client.clone(), idp.base_url.clone());
    let signing = ClientAuth::assertion(client.id.clone(), move || {
        let signed = signed_with_secret(&client, &audience, fastrand::u64(..));
        async move { Ok(signed) }
    });
    gets_tokens(&idp, signing.unwrap(), &idp.mac_client.id).await;
}

/// The provider takes each proof once, so one that was made before is of no use.
#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r82_f142_a_real_provider_refuses_a_proof_that_comes_again_or_is_for_another() {
    let idp = Idp::from_env();
    let proof = |client: &Login, audience: &str| {
        let signed = signed_with_secret(client, audience, fastrand::u64(..));
        ClientAuth::assertion(&idp.mac_client.id, move || {
            let signed = signed.clone();
            async move { Ok::<_, Error>(signed) }
        })
        .unwrap()
    };
    let once = oauth2::ClientCredentials::new(endpoint(&idp), proof(&idp.mac_client, &idp.base_url)).unwrap();
    once.login().await.unwrap();
    let wrong = Login { secret: "another-secret-of-32-bytes-at-the-least".into(), ..idp.mac_client.clone() };
    let others = [proof(&wrong, &idp.base_url), proof(&idp.mac_client, "https://id.test")];
    let others = others.map(|client| oauth2::ClientCredentials::new(endpoint(&idp), client).unwrap());
    for source in others.iter().chain([&once]) {
        let error = source.login().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Misconfigured, Some("invalid_client")),
            "{error}"
        );
    }
}
