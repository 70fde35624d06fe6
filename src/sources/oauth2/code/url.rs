//! The URL that the user opens, and what is made anew for each log-in (RFC 6749 section 4.1.1, RFC 7636 section 4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::token_endpoint::{TokenEndpoint, non_empty};

/// The parameters that each URL has.
const RESERVED: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// The authorization endpoint, with the parameters that the program has added.
#[derive(Clone, Debug)]
pub(super) struct AuthorizationUrl {
    url: String,
    fields: Vec<(String, String)>,
}

impl AuthorizationUrl {
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        // The same rules: https or loopback, without a fragment.
        TokenEndpoint::new(url).map_err(|_| {
            Error::misconfigured(
                "authorization endpoint: it is not an https URL without user name, password and fragment; use one such as \
                 https://id.example.com/authorize",
            )
        })?;
        Ok(Self { url: url.to_owned(), fields: Vec::new() })
    }

    pub(super) fn add(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let name = non_empty(name.to_owned(), "authorization field, its name")?;
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let is_in_url = form_urlencoded::parse(query.as_bytes()).any(|(other, _)| other == name);
        let is_added = self.fields.iter().any(|(other, _)| *other == name);
        if RESERVED.contains(&name.as_str()) || is_in_url || is_added {
            return Err(Error::misconfigured(
                "authorization field: the URL has one of this name already; leave it out, or use the setting for it",
            ));
        }
        self.fields.push((name, value.to_owned()));
        Ok(())
    }

    pub(super) fn with(
        &self,
        client_id: &str,
        redirect_uri: &str,
        scope: Option<&str>,
        secrets: &Secrets,
    ) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("response_type", "code");
        query.append_pair("client_id", client_id);
        query.append_pair("redirect_uri", redirect_uri);
        if let Some(scope) = scope {
            query.append_pair("scope", scope);
        }
        query.append_pair("state", secrets.state.expose_secret());
        query.append_pair("code_challenge", &secrets.challenge());
        query.append_pair("code_challenge_method", "S256");
        query.extend_pairs(&self.fields);
        let sign = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{sign}{}", self.url, query.finish())
    }
}

/// What nobody else knows of a log-in.
pub(super) struct Secrets {
    pub(super) state: SecretString,
    /// RFC 7636 section 4.1: 43 characters from 32 random bytes.
    pub(super) verifier: SecretString,
}

impl Secrets {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { state: random()?, verifier: random()? })
    }

    /// RFC 7636 section 4.2.
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()))
    }
}

fn random() -> Result<SecretString, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        Error::transient("the operating system has no random numbers; try again").with_source(error)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()).into())
}

/// Checks the path of a redirect URI.
pub(super) fn path(path: String) -> Result<String, Error> {
    let is_path = path.starts_with('/')
        && path.parse::<http::Uri>().is_ok_and(|uri| uri.path() == path && uri.query().is_none());
    if !is_path {
        return Err(Error::misconfigured(
            "redirect path: it is not a path that begins with a slash and has no query; use one such as /callback",
        ));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    #[test]
    fn r91_the_challenge_is_that_of_the_rfc() {
        let secrets = Secrets {
            state: "".to_owned().into(),
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned().into(),
        };
        assert_eq!(secrets.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn r91_each_log_in_has_secrets_of_its_own() {
        let [one, other] =
            [Secrets::new(), Secrets::new()].map(|made| made.unwrap_or_else(|_| unreachable!()));
        let texts =
            [&one.state, &one.verifier, &other.state, &other.verifier].map(ExposeSecret::expose_secret);
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(text.len(), 43);
            assert!(!texts[..at].contains(text));
        }
    }
}
