//! What the sources with a [`GrantClient`](super::client::GrantClient) have in common. The argument of each macro is
//! the path to the client's field.

/// The settings of every grant.
macro_rules! client_settings {
    ($($client:ident).+) => {
        /// Sets the scope to ask for, space-separated (RFC 6749 section 3.3). Default: no scope is sent.
        #[must_use]
        pub fn scope(mut self, scope: impl Into<String>) -> Self {
            self.$($client).+.scope = Some(scope.into());
            self
        }

        /// Adds a form field, such as `audience`, to every log-in and refresh. Its value is kept as a secret.
        #[must_use]
        pub fn extra_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.$($client).+.extra.push((name.into(), value.into().into()));
            self
        }

        /// Sets where a log-out revokes the refresh token, or else the access token (RFC 7009): see
        /// [`Authenticator::log_out`](crate::Authenticator::log_out). Default: nothing is revoked.
        ///
        /// Keycloak's endpoint is the realm's `/protocol/openid-connect/revoke`. The client authenticates as at the
        /// token endpoint. The transport is the token endpoint's, unless this endpoint has its own. The time limit
        /// is this endpoint's.
        #[must_use]
        pub fn revocation_endpoint(mut self, endpoint: TokenEndpoint) -> Self {
            self.$($client).+.revoke_at(endpoint);
            self
        }
    };
}

/// The settings of the grants that expect a refresh token.
macro_rules! refresh_settings {
    ($($client:ident).+) => {
        /// Sets whether the scope is sent with a refresh too. Some servers need it, some refuse it. Default: false.
        #[must_use]
        pub fn scope_on_refresh(mut self, send: bool) -> Self {
            self.$($client).+.scope_on_refresh = send;
            self
        }
    };
}

/// `CredentialSource::refresh` and `revoke`, which do not depend on the grant.
macro_rules! refresh_and_revoke {
    ($($client:ident).+) => {
        async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
            self.$($client).+.refresh(held).await
        }

        async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
            self.$($client).+.revoke(held).await
        }
    };
}

pub(in crate::sources) use {client_settings, refresh_and_revoke, refresh_settings};
