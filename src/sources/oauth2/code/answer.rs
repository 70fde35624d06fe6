//! What a browser comes back with (RFC 6749 section 4.1.2).

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::token_endpoint::{clean, clean_code};

/// What the response has to have.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) state: SecretString,
    pub(super) issuer: Option<String>,
}

/// What a request to the redirect URI is.
pub(super) enum Answer {
    /// The end of this log-in: the code, or why there is none.
    Ours(Result<SecretString, Error>),
    /// Not of this log-in: the browser may be an old tab.
    Other,
}

impl Expected {
    /// Reads the query of a request. A parameter that comes twice makes it another one (RFC 6749 section 3.1).
    pub(super) fn read(&self, query: &str) -> Answer {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let field = |name: &str| {
            let mut values = pairs.iter().filter(|(field, _)| field == name).map(|(_, value)| value);
            let value = values.next().filter(|value| !value.is_empty());
            if values.next().is_some() { None } else { value }
        };
        if field("state").is_none_or(|state| state != self.state.expose_secret()) {
            return Answer::Other;
        }
        let issuer = field("iss").map(AsRef::as_ref);
        if self.issuer.is_some() && issuer != self.issuer.as_deref() {
            return Answer::Ours(Err(Error::misconfigured(
                "the response to the log-in is of another issuer (RFC 9207); check `AuthorizationCode::issuer` and the \
                 authorization endpoint",
            )));
        }
        match (field("error"), field("code")) {
            (Some(error), _) => {
                Answer::Ours(Err(self.refusal(error, field("error_description").map(AsRef::as_ref))))
            }
            (None, Some(code)) => Answer::Ours(Ok(Zeroizing::new(code.to_string()).as_str().into())),
            (None, None) => Answer::Ours(Err(Error::invalid_response(
                "the response to the log-in has neither a code nor an error; check the authorization endpoint",
            ))),
        }
    }

    /// RFC 6749 section 4.1.2.1. None is tried again by itself: the user would be asked again.
    fn refusal(&self, code: &str, description: Option<&str>) -> Error {
        let secrets = [self.state.expose_secret()];
        let shown = clean_code(code, &secrets);
        let said = shown.iter().cloned().chain(description.map(|text| clean(text, &secrets)));
        let said = said.collect::<Vec<_>>().join(": ");
        let error = match code {
            "access_denied" => {
                Error::login_required(format!("the user has declined the log-in ({said}); log in again"))
            }
            "temporarily_unavailable" | "server_error" => Error::login_required(format!(
                "the provider could not log the user in ({said}); log in again later"
            )),
            "login_required" | "consent_required" | "interaction_required" | "account_selection_required" => {
                Error::login_required(format!("the provider refused the log-in ({said}); log in again"))
            }
            _ => Error::misconfigured(format!(
                "the provider refused the request for a log-in ({said}); check the client's settings and the scope"
            )),
        };
        error.with_code(shown)
    }
}
