//! `logout`: forgets the credentials, and has the provider revoke them.

use std::sync::{Arc, Mutex, PoisonError};

use reauth::Event;
use reauth::store::Entry;

use crate::failure::{Failure, chain};
use crate::session::{Profile, Session};

pub(crate) async fn run(profile: &Profile) -> Result<(), Failure> {
    // What can't be read is logged out all the same.
    let is_nobody = |found: Option<Entry>| found.is_none_or(|entry| entry.is_logged_out());
    if profile.entry().await.is_ok_and(is_nobody) {
        eprintln!("you are logged out already");
        return Ok(());
    }
    let revocation = Arc::new(Mutex::new(None));
    let failed = revocation.clone();
    let observer = move |event: &Event| {
        if let Event::RevocationFailed { error, .. } = event {
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain(error));
        }
    };
    let session = Session::new(profile, profile.settings()?, observer)?;
    session.run(async { Ok(session.auth.log_out().await?) }).await?;

    let failure = revocation.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (&session.settings.revocation_url, failure) {
        (_, Some(reason)) => Err(Failure::refused(format!(
            "you are logged out here, but the provider did not revoke the tokens ({reason}): \
             they may stay valid until they expire"
        ))),
        (Some(_), None) => {
            eprintln!("logged out; the provider has revoked the tokens");
            Ok(())
        }
        (None, None) => {
            eprintln!(
                "logged out here; the provider has no revocation, so the tokens stay valid until they expire"
            );
            Ok(())
        }
    }
}
