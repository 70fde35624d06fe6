//! A log-in that waits for a person, in a program that drives its runtime only for its calls.

use std::time::Duration;

use reauth::{Authenticator, CredentialSource, Credentials, Error, ErrorKind, Timing};

use super::runtimes::{Seconds, runtime};
use super::{seconds, token};
use crate::support::source::{Respond, Script, credentials};

/// Its log-ins wait for a person.
struct Prompts(Script);

impl CredentialSource for Prompts {
    async fn login(&self) -> Result<Credentials, Error> {
        self.0.login().await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.0.refresh(held).await
    }

    fn login_limit(&self) -> Option<Duration> {
        Some(seconds(600))
    }
}

#[test]
fn r07_r90_a_prompt_that_nothing_drives_any_more_does_not_bind_callers_for_ever() {
    let script = Script::new().then(Respond::Hang).then_ok(credentials("at-1", None, Some(300)));
    let clock = Seconds::default();
    let auth = Authenticator::builder(Prompts(script.clone()))
        .clock(clock.clone())
        .timing(Timing::default().without_jitter().login_patience(seconds(1)))
        .build();
    let (a, b) = (runtime(), runtime());
    let kind = |error: Error| error.kind();
    assert_eq!(a.block_on(token(&auth)).map_err(kind), Err(ErrorKind::LoginRequired));
    assert_eq!(
        b.block_on(token(&auth)).map_err(kind),
        Err(ErrorKind::LoginRequired),
        "the user may come yet"
    );
    clock.advance(600);
    assert_eq!(b.block_on(token(&auth)).map_err(kind), Err(ErrorKind::Transient));
    assert_eq!(b.block_on(token(&auth)).unwrap(), "at-1");
    drop(a);
}
