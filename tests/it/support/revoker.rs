//! A source whose revocations wait for the test.

use std::time::Duration;

use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::{mpsc, oneshot};

use super::source::Script;

/// A [`Script`] that announces each revocation, and waits until the test ends it.
pub struct Revoker {
    script: Script,
    calls: mpsc::UnboundedSender<Revocation>,
}

/// The revocations, as they come.
pub type Revocations = mpsc::UnboundedReceiver<Revocation>;

/// A revocation that waits. If this is dropped, the revocation waits forever.
#[derive(Debug)]
pub struct Revocation {
    /// The refresh token, or else the access token.
    pub token: String,
    end: oneshot::Sender<End>,
}

#[derive(Debug)]
enum End {
    Done,
    Failed(Error),
    Panic,
}

impl Revoker {
    pub fn new(script: Script) -> (Self, Revocations) {
        let (calls, receiver) = mpsc::unbounded_channel();
        (Self { script, calls }, receiver)
    }
}

impl Revocation {
    pub fn done(self) {
        let _ = self.end.send(End::Done);
    }

    pub fn fail(self, error: Error) {
        let _ = self.end.send(End::Failed(error));
    }

    pub fn panic(self) {
        let _ = self.end.send(End::Panic);
    }

    /// Whether its caller has given up.
    pub fn is_dropped(&self) -> bool {
        self.end.is_closed()
    }
}

/// The next revocation, which has been asked for already and is of this token.
pub fn asked(calls: &mut Revocations, token: &str) -> Revocation {
    let call = calls.try_recv().expect("a revocation");
    assert_eq!(call.token, token);
    call
}

/// Waits for the next revocation, which has to be of this token. One that never comes fails the test.
pub async fn next(calls: &mut Revocations, token: &str) -> Revocation {
    let call = tokio::time::timeout(Duration::from_secs(3600), calls.recv()).await;
    let call = call.unwrap_or_else(|_| panic!("the revocation of {token} never comes")).unwrap();
    assert_eq!(call.token, token);
    call
}

impl CredentialSource for Revoker {
    async fn login(&self) -> Result<Credentials, Error> {
        self.script.login().await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.script.refresh(held).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        let token = held.refresh_token().unwrap_or(held.access_token()).to_owned();
        let (end, ended) = oneshot::channel();
        self.calls.send(Revocation { token, end }).unwrap();
        match ended.await {
            Ok(End::Done) => Ok(()),
            Ok(End::Failed(error)) => Err(error),
            Ok(End::Panic) => panic!("the source panics, as the test says"),
            Err(_) => std::future::pending().await,
        }
    }

    fn initial(&self) -> Option<Credentials> {
        self.script.initial()
    }
}
