//! PILOT's log-in with an API key.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::realm;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::source::CredentialSource;
use crate::sources::oauth2::GrantClient;
use crate::token_endpoint::{ResolvedEndpoint, TokenEndpoint, non_empty};

/// A user of PILOT with an API key (`GET {realm}/api-key/{key}`).
///
/// It renews a token with the refresh token that comes with it, as the client [`CLIENT_ID`](super::CLIENT_ID), and logs in with
/// the key again if that is refused.
///
/// PILOT has the key in the path of the URL. No error, event or `Debug` of this crate shows it. A proxy between the program and
/// the realm may write URLs to its log.
#[derive(Clone)]
pub struct ApiKey {
    realm: ResolvedEndpoint,
    key: SecretString,
    client: GrantClient,
}

impl ApiKey {
    /// Creates the source for the Keycloak realm at this URL, such as `https://id.example.com/auth/realms/pilot`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused ([`TokenEndpoint::new`]), or has a
    /// query, or it has no transport, or if the key is empty or has dots alone.
    pub fn new(
        realm: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        api_key: impl Into<String>,
    ) -> Result<Self, Error> {
        let key = Zeroizing::new(non_empty(api_key.into(), "API key")?);
        // In a path these are not names.
        if key.bytes().all(|byte| byte == b'.') {
            return Err(Error::misconfigured("API key: it has dots alone; set the key as PILOT shows it"));
        }
        let realm = ResolvedEndpoint::new(realm)?;
        let source = Self { client: realm::client(&realm)?, realm, key: SecretString::from(key.as_str()) };
        source.endpoint()?;
        Ok(source)
    }

    fn endpoint(&self) -> Result<ResolvedEndpoint, Error> {
        self.realm.join(&format!("/api-key/{}", encoded(self.key.expose_secret()).as_str()))
    }
}

impl CredentialSource for ApiKey {
    async fn login(&self) -> Result<Credentials, Error> {
        let key = self.key.expose_secret();
        let request = self.endpoint()?.request().get().redact(key).redact(encoded(key).as_str());
        let response = request.send().await.map_err(|error| match (error.kind(), error.status()) {
            (ErrorKind::LoginRequired | ErrorKind::Misconfigured, Some(status @ 400..=499)) => {
                let retry_after = error.retry_after();
                let refused = Error::login_required(format!(
                    "PILOT refused the API key (status {status}); check the key, and the URL of the realm"
                ));
                let refused = refused.with_source(error);
                retry_after.map_or(refused.clone(), |wait| refused.with_retry_after(wait))
            }
            _ => error,
        })?;
        Ok(response.into_credentials())
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        realm::refresh(&self.client, held).await
    }
}

/// Without the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// A segment of a path (RFC 3986 section 3.3).
fn encoded(key: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(3 * key.len()));
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
