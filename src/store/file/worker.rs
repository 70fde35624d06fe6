//! A thread that does what may block.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use tokio::sync::oneshot;

use crate::error::Error;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does its jobs in order, one at a time.
///
/// It starts with the first job, and ends when the worker is dropped. Nothing waits for its end. A file system may not
/// respond for hours: on a thread of Tokio's blocking pool, that would keep the runtime from ending, and so the program.
#[derive(Debug)]
pub(super) struct Worker {
    name: &'static str,
    jobs: Mutex<Option<Sender<Job>>>,
}

impl Worker {
    /// The name is that of the thread; Linux shows 15 characters.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, jobs: Mutex::default() }
    }

    /// Has a job done. `work` gets the question whether anybody still waits for its result. It is left out if nobody waits
    /// for it when its turn comes.
    ///
    /// # Cancel safety
    ///
    /// The job is not waited for any more if the future is dropped, and those that follow still come after it.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, result) = oneshot::channel();
        self.start(Box::new(move || {
            if !reply.is_closed() {
                let done = work(&|| !reply.is_closed());
                let _ = reply.send(done);
            }
        }))?;
        result.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Has a job done, and does not wait for it.
    pub(super) fn start(&self, job: Job) -> Result<(), Error> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread has ended if a job panicked.
        let job = match &*jobs {
            Some(jobs) => match jobs.send(job) {
                Ok(()) => return Ok(()),
                Err(unsent) => unsent.0,
            },
            None => job,
        };
        let next = start_thread(self.name).map_err(|error| {
            Error::store("no thread could be started for the credentials file; allow more threads")
                .with_source(error)
        })?;
        let _ = next.send(job);
        *jobs = Some(next);
        Ok(())
    }
}

/// For a call whose job was dropped.
pub(super) fn ended() -> Error {
    Error::store("the thread of the credentials file ended; try again")
}

fn start_thread(name: &str) -> io::Result<Sender<Job>> {
    let (sender, jobs) = channel::<Job>();
    Builder::new().name(name.to_owned()).spawn(move || jobs.into_iter().for_each(|job| job()))?;
    Ok(sender)
}
