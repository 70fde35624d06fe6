//! The token exchange (RFC 8693).

use super::client::{GrantClient, Login};
use super::settings::{client_setting, client_source};
use crate::authenticator::Authenticator;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::source::CredentialSource;
use crate::token_endpoint::{ClientAuth, TokenEndpoint, TokenRequest};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The token exchange (RFC 8693): the token of another authenticator, the subject, exchanged for one with another audience,
/// another scope or another issuer.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{Authenticator, ClientAuth, Credentials, Error, oauth2, source_fn};
///
/// // The token of a pod is the subject. Any other source, or an authenticator that the program has, will do.
/// let subject = Authenticator::new(source_fn(|| async {
///     let read = tokio::fs::read_to_string("/var/run/secrets/tokens/token").await;
///     let token = read.map_err(|e| Error::transient("the pod's token can't be read").with_source(e))?;
///     Credentials::new(token.trim())
/// }));
/// let source = oauth2::TokenExchange::new("https://sts.example.com/token", subject)?
///     .subject_token_type(oauth2::TokenExchange::JWT)
///     .audience("//iam.example.com/pools/my-pool");
/// let auth = Authenticator::new(source);
/// # Ok(())
/// # }
/// ```
///
/// It renews a token with another exchange, or with a refresh token if the server gives one. If the server refuses the
/// subject's token, the subject renews that as after a 401, and the exchange is tried once more with the newer one.
#[derive(Clone, Debug)]
pub struct TokenExchange {
    pub(super) client: GrantClient,
}

impl TokenExchange {
    /// The type of an OAuth 2 access token (RFC 8693 section 3): the default.
    pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    /// The type of an OpenID Connect ID token.
    pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    /// The type of a JWT of any kind.
    pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

    /// Creates the source for a token endpoint and the authenticator whose tokens are exchanged.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        subject: Authenticator,
    ) -> Result<Self, Error> {
        let exchange = Exchange {
            subject: Party { authenticator: subject, token_type: Self::ACCESS_TOKEN.to_owned() },
            actor: None,
            target: Vec::new(),
            requested: None,
        };
        Ok(Self { client: GrantClient::new(endpoint, None, Login::Exchange(Box::new(exchange)))? })
    }

    /// Sets the type of the subject's token. Default: [`ACCESS_TOKEN`](Self::ACCESS_TOKEN).
    #[must_use]
    pub fn subject_token_type(self, token_type: impl Into<String>) -> Self {
        self.changed(|exchange| exchange.subject.token_type = token_type.into())
    }

    /// Sets who acts on behalf of the subject: the authenticator whose token is the `actor_token`, and its type. Default:
    /// nobody.
    #[must_use]
    pub fn actor(self, actor: Authenticator, token_type: impl Into<String>) -> Self {
        let actor = Party { authenticator: actor, token_type: token_type.into() };
        self.changed(|exchange| exchange.actor = Some(actor))
    }

    /// Adds the name of a service where the token will be used. It may be called more than once.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.changed(|exchange| exchange.target.push(("audience", audience.into())))
    }

    /// Adds the URL of a service where the token will be used. It may be called more than once.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.changed(|exchange| exchange.target.push(("resource", resource.into())))
    }

    /// Sets the type of the token to ask for. Default: none is sent. With another type than
    /// [`ACCESS_TOKEN`](Self::ACCESS_TOKEN), a response may have the `token_type` `N_A`.
    #[must_use]
    pub fn requested_token_type(self, token_type: impl Into<String>) -> Self {
        self.changed(|exchange| exchange.requested = Some(token_type.into()))
    }

    client_setting!();

    fn changed(mut self, change: impl FnOnce(&mut Exchange)) -> Self {
        if let Login::Exchange(exchange) = &mut self.client.login {
            change(exchange);
        }
        self
    }
}

client_source!(TokenExchange);

/// What is exchanged, and for what.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    subject: Party,
    actor: Option<Party>,
    /// Names and values of the fields that say where the token will be used.
    target: Vec<(&'static str, String)>,
    requested: Option<String>,
}

/// Whose token is sent.
#[derive(Clone, Debug)]
struct Party {
    authenticator: Authenticator,
    token_type: String,
}

impl Exchange {
    pub(super) async fn log_in(&self, client: &GrantClient) -> Result<Credentials, Error> {
        let subject = self.subject.authenticator.credentials().await?;
        match self.request(client, &subject).await?.send().await {
            Err(error) if may_be_about_the_token(&error) => {
                // As after a 401: an older token than it seemed, or one that was revoked.
                match self.subject.authenticator.reject(&subject).await {
                    Ok(newer) if !newer.same_access_token(&subject) => {
                        Ok(self.request(client, &newer).await?.send().await?.into_credentials())
                    }
                    _ => Err(error),
                }
            }
            outcome => Ok(outcome?.into_credentials()),
        }
    }

    /// RFC 8693 section 2.1.
    async fn request(&self, client: &GrantClient, subject: &Credentials) -> Result<TokenRequest, Error> {
        let mut request = client.token_request().grant(GRANT);
        for (name, value) in &self.target {
            request = request.repeated(*name, value);
        }
        if let Some(scope) = &client.scope {
            request = request.scope(scope);
        }
        if let Some(requested) = &self.requested {
            request = request.open("requested_token_type", requested);
        }
        // Section 2.2.1: a token that is not an access token has this type.
        if self.requested.as_ref().is_some_and(|requested| requested != TokenExchange::ACCESS_TOKEN) {
            request = request.accept_token_type("N_A");
        }
        request = request.secret("subject_token", subject.access_token());
        request = request.open("subject_token_type", &self.subject.token_type);
        if let Some(actor) = &self.actor {
            let token = actor.authenticator.credentials().await?;
            request = request.secret("actor_token", token.access_token());
            request = request.open("actor_token_type", &actor.token_type);
        }
        Ok(client.with_extra(request))
    }
}

/// Section 2.2.2 wants `invalid_request` for a subject token that is not valid. Others say `invalid_grant` or
/// `invalid_token`.
fn may_be_about_the_token(error: &Error) -> bool {
    let is_code = matches!(error.code(), Some("invalid_request" | "invalid_grant" | "invalid_token"));
    let is_silent = error.code().is_none() && error.kind() == ErrorKind::LoginRequired;
    is_code || is_silent
}
