//! The login that all processes share: who logs in, and where it is kept.

use reauth::store::RedisStore;
use reauth::{
    Authenticator, AuthenticatorBuilder, ClientAuth, CredentialSource as _, Error, TokenEndpoint, oauth2,
};

use crate::args::Args;

pub(crate) fn store(args: &Args) -> Result<RedisStore, Error> {
    Ok(RedisStore::new(&args.redis_url)?.profile(&args.profile))
}

/// A source without a password: it renews what is on Redis. A client without a user needs none.
pub(crate) fn builder(args: &Args) -> Result<AuthenticatorBuilder, Error> {
    let url = args.token_url.as_str();
    let revocation = args.revoke_url.as_deref().map(TokenEndpoint::new).transpose()?;
    Ok(match args.user {
        Some(_) => {
            let source = oauth2::RefreshToken::stored(url, client(args)?)?;
            Authenticator::builder(match revocation {
                Some(endpoint) => source.revocation_endpoint(endpoint),
                None => source,
            })
        }
        None => {
            let mut source = oauth2::ClientCredentials::new(url, client(args)?)?;
            if let Some(scope) = &args.scope {
                source = source.scope(scope);
            }
            Authenticator::builder(match revocation {
                Some(endpoint) => source.revocation_endpoint(endpoint),
                None => source,
            })
        }
    })
}

/// Logs the user in and puts the credentials on Redis, before there are workers.
pub(crate) async fn log_in(args: &Args, auth: &Authenticator) -> Result<(), Error> {
    let Some(user) = &args.user else { return Ok(()) };
    let password = std::env::var("FLEET_PASSWORD").unwrap_or_default();
    let mut source = oauth2::Password::new(args.token_url.as_str(), client(args)?, user, password)?;
    if let Some(scope) = &args.scope {
        source = source.scope(scope);
    }
    auth.set_credentials(source.login().await?).await
}

fn client(args: &Args) -> Result<ClientAuth, Error> {
    match args.client_secret.as_str() {
        "" => ClientAuth::none(&args.client_id),
        secret => ClientAuth::basic(&args.client_id, secret),
    }
}
