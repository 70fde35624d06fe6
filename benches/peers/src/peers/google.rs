//! google-cloud-auth's user account.

use google_cloud_auth::credentials::{CacheableResource, Credentials, user_account};
use http::Extensions;
use http::header::AUTHORIZATION;

use super::Peer;
use crate::provider::Provider;

/// Its credentials.
pub struct Google(Credentials);

impl Google {
    /// Credentials that ask for their first token at once.
    pub fn new(provider: &Provider) -> Self {
        let user = serde_json::json!({
            "type": "authorized_user", "client_id": "id", "client_secret": "secret", "refresh_token": "rt",
        });
        Self(user_account::Builder::new(user).with_token_uri(provider.uri()).build().expect("credentials"))
    }
}

impl Peer for Google {
    async fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> bool {
        let Ok(CacheableResource::New { data, .. }) = self.0.headers(Extensions::new()).await else {
            return false;
        };
        let header = data.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        header.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(look)
    }
}
