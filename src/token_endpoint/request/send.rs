//! Sends a request and reads its response.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, MaxSizeReached};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};

use super::{Field, JsonBody, TokenRequest};
use crate::error::Error;
use crate::token_endpoint::client_auth::Proof;
use crate::token_endpoint::resolved::with_query;
use crate::token_endpoint::{
    Members, Purpose, Received, TokenResponse, read_object, read_revocation, read_token_object,
};

impl TokenRequest {
    /// Sends the request, and reads the credentials in its response.
    ///
    /// It is one attempt: retries, back-off and the single flight belong to the [`Authenticator`](crate::Authenticator).
    /// It takes as long as [`TokenEndpoint::timeout`](crate::TokenEndpoint::timeout) says. With the grant `refresh_token`
    /// there is no limit once the request is sent, because the provider may have spent the token already.
    ///
    /// # Errors
    ///
    /// * [`LoginRequired`](crate::ErrorKind::LoginRequired) if the provider refused the grant.
    /// * [`Transient`](crate::ErrorKind::Transient) if there was no response, or one that may be better next time.
    /// * [`Misconfigured`](crate::ErrorKind::Misconfigured) if the provider refused the client or the request, if a field
    ///   comes twice or beside [JSON](Self::json), if a secret would be in the URL, if a name is a wrong JSON Pointer, or if there is no
    ///   transport.
    /// * [`InvalidResponse`](crate::ErrorKind::InvalidResponse) if a success has no usable access token.
    ///
    /// [`Error::code`] has the error code of the provider.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped closes the request. The provider may have acted on it: a refresh token may be spent.
    pub async fn send(self) -> Result<TokenResponse, Error> {
        let (purpose, expected) = (self.purpose(), self.expected.clone());
        let exchange = self.exchange(purpose).await?;
        let credentials = exchange.read(|received| read_token_object(&read_object(received)?, &expected))?;
        Ok(TokenResponse::new(credentials, Members::new(exchange.response.into_body())))
    }

    /// Sends the request, and returns the members of a response that has no tokens in it.
    pub(crate) async fn send_for_members(self) -> Result<Members, Error> {
        let purpose = self.purpose();
        let exchange = self.exchange(purpose).await?;
        exchange.read(|received| read_object(received).map(drop))?;
        Ok(Members::new(exchange.response.into_body()))
    }

    /// Sends the request to a revocation endpoint (RFC 7009).
    pub(crate) async fn revoke(self) -> Result<(), Error> {
        self.exchange(Purpose::Revoke).await?.read(read_revocation)
    }

    fn purpose(&self) -> Purpose {
        let in_body = self.json.as_ref().and_then(JsonBody::grant_type);
        match self.grant_type.as_deref().or(in_body.as_deref()) {
            Some("refresh_token") => Purpose::Refresh,
            // A service has nobody who could log in.
            Some("client_credentials") | None => Purpose::ClientLogin,
            Some(_) if self.json.is_some() => Purpose::JsonLogin,
            Some(_) => Purpose::Login,
        }
    }

    async fn exchange(mut self, purpose: Purpose) -> Result<Exchange, Error> {
        self.expected.check()?;
        let endpoint = self.endpoint?;
        let deadline = endpoint.deadline(purpose)?;
        // A body of JSON is sent as it is.
        if let Some(grant_type) = self.grant_type.filter(|_| self.json.is_none()) {
            self.form.insert_first(Field::open("grant_type", grant_type));
        }
        let proof = match &self.client {
            Some(client) => client.prove(deadline).await?,
            None => Proof::default(),
        };
        self.form.extend(proof.fields);
        let mut secrets = self.redacted;
        secrets.extend(self.form.secrets().chain(proof.secrets).chain(secrets_in(&self.headers)));
        secrets.extend(self.json.iter().flat_map(JsonBody::secrets));
        let mut headers = self.headers;
        if let Some(authorization) = proof.authorization {
            if headers.try_insert(AUTHORIZATION, authorization).map_err(no_room)?.is_some() {
                return Err(Error::misconfigured(
                    "token request: the client sends the header `authorization` already; leave it out",
                ));
            }
        }
        if !headers.contains_key(ACCEPT) {
            headers.try_insert(ACCEPT, HeaderValue::from_static("application/json")).map_err(no_room)?;
        }

        let (media_type, text) = match &self.json {
            None => ("application/x-www-form-urlencoded", self.form.encode(self.is_get)?),
            Some(json) => ("application/json", json.alone(&self.form, self.is_get)?.to_owned()),
        };
        let mut request = Request::new(Full::default());
        if self.is_get {
            *request.uri_mut() = with_query(&endpoint.url(deadline).await?, &text)?;
        } else {
            headers.try_insert(CONTENT_TYPE, HeaderValue::from_static(media_type)).map_err(no_room)?;
            *request.method_mut() = Method::POST;
            *request.uri_mut() = endpoint.url(deadline).await?;
            *request.body_mut() = Full::from(text);
        }
        *request.headers_mut() = headers;
        let response = endpoint.send(request, purpose, deadline).await?;
        Ok(Exchange { response, purpose, secrets })
    }
}

fn no_room(_: MaxSizeReached) -> Error {
    Error::misconfigured("token request: it has no room for another header; leave some out")
}

/// The values of headers, and what follows a scheme in them.
fn secrets_in(headers: &HeaderMap) -> impl Iterator<Item = SecretString> {
    let texts = headers.values().filter_map(|value| value.to_str().ok());
    let parts = texts.flat_map(|text| [Some(text), text.split_once(' ').map(|(_, rest)| rest)]);
    parts.flatten().map(SecretString::from)
}

/// A request that has a response.
struct Exchange {
    response: Response<Bytes>,
    purpose: Purpose,
    /// What no message may show.
    secrets: Vec<SecretString>,
}

impl Exchange {
    fn read<T>(&self, read: impl FnOnce(Received<'_>) -> T) -> T {
        let secrets: Vec<_> = self.secrets.iter().map(|secret| secret.expose_secret()).collect();
        let (response, purpose) = (&self.response, self.purpose);
        read(Received { response, status: response.status(), purpose, secrets: &secrets })
    }
}
