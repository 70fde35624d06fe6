//! Notices when another process has written the file.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::platform::Stamp;
use super::read::{Found, look};
use super::shared::Shared;
use crate::error::Error;
use crate::store::Version;

/// Returns when the file holds another version than `seen`.
///
/// It asks again and again, rather than the kernel to tell it: there, a user has a limited number of watches (inotify: 128).
pub(super) async fn changed(shared: &Arc<Shared>, seen: Option<&Version>) {
    if Handle::try_current().is_err() {
        // There is no timer here. The authenticator looks at the store from time to time.
        return std::future::pending().await;
    }
    let seen = seen.copied();
    let mut known = None;
    for round in 0_u32.. {
        // The time of a file is not exact: now and then a file that looks the same is read as well.
        let unchanged = known.filter(|_| round % 8 != 0);
        let threads = shared.clone();
        let asked = shared.files.call(move |_| ask(&threads, seen, unchanged));
        match asked.await {
            Ok(Answer::Same(stamp)) => known = stamp,
            Ok(Answer::Changed) => return,
            // Who waits for a change does not want to know. The next call that reads the file does.
            Err(_) => known = None,
        }
        sleep(Duration::from_millis(fastrand::u64(75..=125))).await;
    }
}

enum Answer {
    Same(Option<Stamp>),
    Changed,
}

fn ask(shared: &Shared, seen: Option<Version>, unchanged: Option<Stamp>) -> Result<Answer, Error> {
    let Some(paths) = shared.found_paths()? else {
        return Ok(if seen.is_none() { Answer::Same(None) } else { Answer::Changed });
    };
    if unchanged.is_some() && paths.stamp() == unchanged {
        return Ok(Answer::Same(unchanged));
    }
    Ok(match look(&paths)? {
        Found::Nothing if seen.is_none() => Answer::Same(None),
        Found::Entry(entry, stamp) if Some(*entry.version()) == seen => Answer::Same(Some(stamp)),
        Found::Nothing | Found::Entry(..) | Found::Damaged => Answer::Changed,
    })
}
