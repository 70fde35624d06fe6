//! What the sources that are a [`GrantClient`](super::client::GrantClient), in their field `client`, have in common.

/// The settings of every grant.
macro_rules! client_settings {
    ($source:ty) => {
        impl $source {
            /// Sets the scope to ask for, space-separated (RFC 6749 section 3.3). Default: no scope is sent.
            #[must_use]
            pub fn scope(mut self, scope: impl Into<String>) -> Self {
                self.client.scope = Some(scope.into());
                self
            }

            /// Adds a form field, such as `audience`, to every log-in, refresh and revocation. Its value is kept as a
            /// secret.
            ///
            /// # Errors
            ///
            /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the name is empty, if it is a field that the requests
            /// have already, such as `scope`, or if it was added before: no field may come twice (RFC 6749 section 3.2).
            pub fn extra_field(
                mut self,
                name: impl Into<String>,
                value: impl Into<String>,
            ) -> Result<Self, crate::error::Error> {
                self.client.add_field(name.into(), value.into())?;
                Ok(self)
            }

            /// Keeps a member of each token response, such as `id_token` or the granted `scope`, with the tokens: as
            /// [`Credentials::field`], and in the store. It may be called more than once. Default: none is kept, because most
            /// programs do not need them and some have personal data.
            ///
            /// A name that begins with a slash is a JSON Pointer (RFC 6901), such as `/authed_user/id`: it finds a member that is
            /// nested, and the field keeps it as its name. A request with a wrong escape in a pointer fails with
            /// [`Misconfigured`](crate::ErrorKind::Misconfigured) before it is sent.
            #[must_use]
            pub fn keep_field(mut self, name: impl Into<String>) -> Self {
                self.client.expected.kept.push(name.into());
                self
            }

            /// Takes another member of a token response for the bearer token, such as the `id_token` that Kubernetes wants.
            /// It may be a JSON Pointer, as in [`keep_field`](Self::keep_field). Default: `access_token`. A response without it is
            /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse).
            ///
            /// Its lifetime is what it says in itself, if it is a JWT: `expires_in` is about the access token. Where it is about the
            /// bearer token, name it with [`expires_in_field`](Self::expires_in_field). A log-out revokes the access token only if [`keep_field`](Self::keep_field) keeps it.
            #[must_use]
            pub fn bearer_field(mut self, name: impl Into<String>) -> Self {
                self.client.expected.bearer = Some(name.into());
                self
            }

            /// Takes another member of a token response for the refresh token. It may be a JSON Pointer, as in
            /// [`keep_field`](Self::keep_field), such as `/authed_user/refresh_token`. Default: `refresh_token`. A response without it
            /// has none.
            #[must_use]
            pub fn refresh_token_field(mut self, name: impl Into<String>) -> Self {
                self.client.expected.refresh_token = Some(name.into());
                self
            }

            /// Takes another member of a token response for the lifetime of the bearer token, in seconds. It may be a JSON Pointer,
            /// as in [`keep_field`](Self::keep_field). Default: `expires_in`, or none if there is another
            /// [bearer token](Self::bearer_field). What is not a lifetime counts as unknown.
            #[must_use]
            pub fn expires_in_field(mut self, name: impl Into<String>) -> Self {
                self.client.expected.expires_in = Some(name.into());
                self
            }

            /// Sets where a log-out revokes the refresh token and then the access token (RFC 7009): see
            /// [`Authenticator::log_out`](crate::Authenticator::log_out). Default: nothing is revoked.
            ///
            /// Keycloak's endpoint is the realm's `/protocol/openid-connect/revoke`. The client authenticates as at the
            /// token endpoint. The transport is the token endpoint's, unless this endpoint has its own. The time limit
            /// of each request is this endpoint's. If the first request fails, the second is made all the same, and the
            /// first error is reported.
            #[must_use]
            pub fn revocation_endpoint(mut self, endpoint: TokenEndpoint) -> Self {
                self.client.revoke_at(endpoint);
                self
            }
        }
    };
}

/// The settings of every grant, and `CredentialSource`.
macro_rules! client_source {
    ($source:ty) => {
        crate::sources::oauth2::client_settings!($source);

        impl CredentialSource for $source {
            async fn login(&self) -> Result<Credentials, Error> {
                self.client.login().await
            }

            async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
                self.client.refresh(held).await
            }

            async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
                self.client.revoke(held).await
            }

            fn initial(&self) -> Option<Credentials> {
                self.client.initial()
            }
        }
    };
}

/// The setting of the grants that expect a refresh token.
macro_rules! refresh_settings {
    () => {
        /// Sets whether the scope is sent with a refresh too. Some servers need it, some refuse it. Default: false.
        #[must_use]
        pub fn scope_on_refresh(mut self, send: bool) -> Self {
            self.client.scope_on_refresh = send;
            self
        }
    };
}

/// The setting of the grants that need no client.
macro_rules! client_setting {
    () => {
        /// Sets how the client proves its identity. Default: it does not say who it is.
        #[must_use]
        pub fn client(mut self, client_auth: ClientAuth) -> Self {
            self.client.auth = Some(client_auth);
            self
        }
    };
}

pub(super) use client_setting;
pub(in crate::sources) use {client_settings, client_source, refresh_settings};
