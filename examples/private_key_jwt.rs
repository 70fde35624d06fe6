//! A client that proves its identity with a key (`private_key_jwt`, RFC 7523), and has no secret that it sends.
//!
//! ```sh
//! export TOKEN_URL=…        # the token endpoint: https, or http on loopback
//! export JWT_CLIENT_ID=…    # a client that may use the client credentials grant
//! export JWT_CLIENT_KEY=…   # a file with its private key: EC P-256, PKCS #8, DER
//! export API_URL=…          # what to GET with the token
//! cargo run --example private_key_jwt
//! ```

mod common;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reauth::{AuthMiddleware, Authenticator, ClientAuth, Error, Origins, oauth2};
use serde_json::json;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let [token_url, id, key_file, api_url] =
        common::required(["TOKEN_URL", "JWT_CLIENT_ID", "JWT_CLIENT_KEY", "API_URL"]);
    let client_auth = private_key_jwt(&id, &token_url, &std::fs::read(key_file)?)?;
    let auth = Authenticator::new(oauth2::ClientCredentials::new(token_url, client_auth)?);
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(AuthMiddleware::new(Origins::of_url(&api_url)?, auth))
        .build();
    let response = client.get(&api_url).send().await?.error_for_status()?;
    Ok(format!("{}\n{}", response.status(), response.text().await?))
}

/// Signs a new proof for each token request. To sign with a key in hardware or at a service, await it in the closure.
pub fn private_key_jwt(id: &str, audience: &str, der: &[u8]) -> Result<ClientAuth, common::BoxError> {
    let key = Arc::new(EncodingKey::from_ec_der(der));
    let (issuer, audience) = (id.to_owned(), audience.to_owned());
    Ok(ClientAuth::assertion(id, move || {
        let signed = sign(&key, &issuer, &audience);
        async { signed.map_err(|e| Error::misconfigured("the key can't sign; check it").with_source(e)) }
    })?)
}

/// The claims of OpenID Connect Core section 9.
fn sign(key: &EncodingKey, client_id: &str, audience: &str) -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now.as_secs(),
        "exp": (now + Duration::from_secs(60)).as_secs(),
        // Providers take each proof once.
        "jti": format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
    });
    encode(&Header::new(Algorithm::ES256), &claims, key)
}
