//! The source of one process: it responds when the scenario says so.

use std::time::Duration;

use super::outside::{Inner, Outside, SourceResult};
use super::suite::{Call, Response, response_of};
use crate::error::Error;

#[derive(Default)]
pub(super) struct Provider {
    /// The response to every request from now on.
    standing: Option<Response>,
    requests: Vec<Request>,
    /// A request was given up.
    abandoned: bool,
}

/// An open request.
struct Request {
    id: u64,
    /// A log-out has overtaken it.
    is_late: bool,
    response: Option<SourceResult>,
}

impl Outside {
    pub(super) fn respond_to_all(&self, response: Option<Response>) {
        self.lock().provider.standing = response;
    }

    pub(super) fn respond(&self, response: &Response) -> Result<(), String> {
        let inner = &mut *self.lock();
        let open = inner.provider.requests.iter().position(|request| !request.is_late);
        inner.receive(open.ok_or("there is no request to respond to")?, response)
    }

    /// The response to a request that a log-out has overtaken, or to one that was given up: nobody waits for that.
    pub(super) fn respond_late(&self, response: &Response) -> Result<(), String> {
        let inner = &mut *self.lock();
        match inner.provider.requests.iter().rposition(|request| request.is_late) {
            Some(late) => inner.receive(late, response),
            None if std::mem::take(&mut inner.provider.abandoned) => Ok(()),
            None => Err("no request was given up".into()),
        }
    }

    /// A log-out, or credentials set by the program, have overtaken the open request.
    pub(super) fn overtake(&self) {
        self.lock().provider.requests.iter_mut().for_each(|request| request.is_late = true);
    }

    pub(super) async fn ask(&self, call: Call, limit: Duration) -> SourceResult {
        let deadline = self.reading().monotonic + limit;
        let id = {
            let inner = &mut *self.lock();
            inner.calls.push(call);
            inner.moves += 1;
            let id = inner.moves;
            inner.provider.requests.push(Request { id, is_late: false, response: None });
            if let Some(response) = &inner.provider.standing.clone() {
                inner.receive(inner.provider.requests.len() - 1, response).map_err(Error::misconfigured)?;
            }
            id
        };
        let _asked = Asked { outside: self, id };
        let response = self.until(deadline, |inner| {
            inner.provider.requests.iter_mut().find(|request| request.id == id)?.response.take()
        });
        let response = response.await;
        if response.is_some() {
            self.lock().provider.requests.retain(|request| request.id != id);
        }
        response.unwrap_or_else(|| Err(Error::transient("the provider did not respond before the deadline")))
    }
}

impl Inner {
    /// The provider responds to the request in the air, or the source panics.
    fn receive(&mut self, request: usize, response: &Response) -> Result<(), String> {
        let response = response_of(response)?;
        self.panicked |= response.is_none();
        match response {
            Some(response) => self.provider.requests[request].response = Some(response),
            None => drop(self.provider.requests.remove(request)),
        }
        Ok(())
    }
}

/// Who waits for a request. If this is dropped before a response, the request was given up.
struct Asked<'a> {
    outside: &'a Outside,
    id: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let provider = &mut self.outside.lock().provider;
        let before = provider.requests.len();
        provider.requests.retain(|request| request.id != self.id);
        provider.abandoned |= provider.requests.len() != before;
    }
}
