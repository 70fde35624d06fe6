//! A store that panics in the program's own calls is an error of theirs (F135).

use reauth::store::{CredentialStore, Entry};
use reauth::{Error, ErrorKind};

use super::with_store;
use crate::authenticator::token;
use crate::support::source::{Script, credentials};

struct Panics;

impl CredentialStore for Panics {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        Ok(None)
    }

    async fn save(&self, _: &Entry) -> Result<(), Error> {
        panic!("the store panics, as the test says");
    }
}

#[tokio::test(start_paused = true)]
async fn f135_a_store_that_panics_in_set_credentials_or_log_out_is_an_error() {
    let (auth, _) = with_store(Script::new(), Panics);
    let error = auth.set_credentials(credentials("set", None, None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!(token(&auth).await.unwrap(), "set", "it is used anyway");
    let error = auth.log_out().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
}
