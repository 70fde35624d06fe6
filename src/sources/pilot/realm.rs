//! The Keycloak realm behind PILOT, as PILOT's command-line tool uses it.

use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::source::CredentialSource;
use crate::sources::oauth2::GrantClient;
use crate::token_endpoint::{ClientAuth, ResolvedEndpoint};

/// The client id of PILOT's command-line tool, a public client.
pub const CLIENT_ID: &str = "cli";

/// Where the realm has its token endpoint.
const TOKEN: &str = "/protocol/openid-connect/token";
/// Where it has its device authorization endpoint.
pub(super) const DEVICE: &str = "/protocol/openid-connect/auth/device";

/// The client that renews tokens of the realm.
pub(super) fn client(realm: &ResolvedEndpoint) -> Result<GrantClient, Error> {
    Ok(GrantClient::for_refreshes(realm.join(TOKEN)?, ClientAuth::none(CLIENT_ID)?))
}

/// Refreshes. The realm responds 500 to some refresh tokens that are dead, and during an outage, too. If it says when to come
/// back, that is an outage.
pub(super) async fn refresh(client: &GrantClient, held: &Credentials) -> Result<Credentials, Error> {
    client.refresh(held).await.map_err(|error| match (error.kind(), error.status()) {
        (ErrorKind::Transient, Some(500)) if error.retry_after().is_none() => {
            Error::login_required("PILOT could not refresh (status 500); log in again if that stays")
                .inconclusive()
                .with_source(error)
        }
        _ => error,
    })
}
