//! The tasks of flights: a program can wait for them before it ends (R67).

use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use tokio::sync::Notify;

use super::Authenticator;

/// Counts the tasks of flights, also of those that a log-out has ended.
#[derive(Default)]
pub(super) struct Running {
    tasks: AtomicUsize,
    /// Tells that there is none any more, once somebody waits for that. Most programs never do.
    none: OnceLock<Box<Notify>>,
}

impl Running {
    pub(super) fn begin(&self) {
        self.tasks.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        let is_last = self.tasks.fetch_sub(1, Ordering::SeqCst) == 1;
        // A caller that begins to wait now either sees that there is none, or is seen here.
        fence(Ordering::SeqCst);
        if let Some(none) = self.none.get().filter(|_| is_last) {
            none.notify_waiters();
        }
    }

    /// Waits until there is none.
    async fn none(&self) {
        let notify = self.none.get_or_init(Box::default);
        fence(Ordering::SeqCst);
        loop {
            let mut none = pin!(notify.notified());
            none.as_mut().enable();
            if self.tasks.load(Ordering::SeqCst) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Authenticator {
    /// Waits until no refresh is running, and none has left anything to save or to revoke. A program that may be ended in between
    /// its requests calls this before it ends: a refresh in the background that has sent a refresh token, and dies before it has
    /// saved the next one, loses the login.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use reauth::{Authenticator, Credentials};
    /// use std::time::Duration;
    ///
    /// let auth = Authenticator::new(Credentials::new("at-1")?);
    /// auth.credentials().await?;
    /// let _ = tokio::time::timeout(Duration::from_secs(60), auth.settled()).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// There is no time limit. While the store refuses the credentials, this does not return. So give it a limit, as above.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait and nothing else.
    pub async fn settled(&self) {
        self.shared.running.none().await;
    }
}
