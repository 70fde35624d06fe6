//! The source: each request is a call that the runner answers.

use reauth::{CredentialSource, Credentials, Error};
use serde_json::{Value, json};

use super::calls::Calls;
use super::tokens::{credentials_of, seconds, tokens_of};

#[derive(Clone)]
pub struct Source {
    calls: Calls,
    can_login: bool,
    can_refresh: bool,
    can_revoke: bool,
    initial: Option<Credentials>,
}

impl Source {
    pub fn new(calls: Calls, setup: &Value) -> Result<Self, String> {
        let initial = setup.get("initial").map(credentials_of).transpose()?;
        let can = |what: &str, by_default| setup[what].as_bool().unwrap_or(by_default);
        Ok(Self {
            calls,
            can_login: can("can_login", true),
            can_refresh: can("can_refresh", true),
            can_revoke: can("can_revoke", false),
            initial,
        })
    }
}

/// What the source reports for a response of the provider.
fn result_of(response: &Value) -> Result<Credentials, Error> {
    let patient = |error: Error| match seconds(&response["retry_after"]) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    };
    match response["with"].as_str().unwrap_or_default() {
        "tokens" => credentials_of(&response["tokens"]).map_err(Error::misconfigured),
        "refused" => Err(Error::login_required("the provider refuses")),
        "inconclusive" => Err(Error::login_required("the provider refuses").inconclusive()),
        "misconfigured" => Err(Error::misconfigured("the provider refuses the client")),
        "unreached" => Err(Error::transient("the provider is not reached").unreached()),
        "unavailable" => Err(patient(Error::transient("the provider is unavailable").not_processed())),
        "lost" => Err(patient(Error::transient("the response was lost"))),
        "invalid" => Err(Error::invalid_response("the provider responds with nonsense")),
        "unsupported" => Err(Error::unsupported("the source cannot do that")),
        _ => panic!("the source panics"),
    }
}

impl CredentialSource for Source {
    async fn login(&self) -> Result<Credentials, Error> {
        if !self.can_login {
            return Err(Error::unsupported("the source cannot log in"));
        }
        result_of(&self.calls.call("login", json!({})).answer().await)
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        if !self.can_refresh {
            return Err(Error::unsupported("the source cannot refresh"));
        }
        let call = self.calls.call("refresh", json!({ "refresh": held.refresh_token() }));
        result_of(&call.answer().await)
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        if self.can_revoke {
            self.calls.tell("revoke", tokens_of(held));
        }
        Ok(())
    }

    fn initial(&self) -> Option<Credentials> {
        self.initial.clone()
    }
}
