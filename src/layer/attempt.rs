//! The first attempt, and what a second one would need.

use std::sync::Arc;

use http::{HeaderValue, Request, Response, Uri};
use tower_service::Service;

use super::Settings;
use crate::bearer::Bearer;
use crate::cache::Held;
use crate::per_request::may_replay;
use crate::replay::Spare;
use crate::source::BoxFuture;
use crate::{Authenticator, Error};

/// The successor of a rejected token, on its way.
pub(super) type Renewal = BoxFuture<'static, Result<Arc<Held>, Error>>;

/// The service of the second attempt and what was put aside of the request, where it may be sent again.
pub(super) type Again<S, B> = Option<(S, Spare<B>)>;

/// What was sent, as far as its answer is judged by it.
pub(super) struct Attempt<S, B> {
    pub(super) again: Again<S, B>,
    /// Where it was sent, kept where redirects are followed below.
    uri: Option<Box<Uri>>,
    generation: u64,
    /// The request's own, in place of the layer's.
    own: Option<Authenticator>,
    settings: Arc<Settings>,
}

impl<S, B> Attempt<S, B>
where
    S: Service<Request<B>> + Clone,
    B: 'static,
{
    /// Sends the request on the service that was made ready; a clone, unready, is kept for the replay. With a
    /// credential of the caller's it is sent as it is, and there is nothing to judge.
    // Inlined, because an attempt is large, and would be moved at every return.
    #[inline(always)]
    pub(super) fn first(
        ready: &mut S,
        mut request: Request<B>,
        (header, generation): (HeaderValue, u64),
        own: Option<Authenticator>,
        settings: Arc<Settings>,
    ) -> Result<(S::Future, Option<Self>), Error> {
        let uri = settings.response_uri.map(|_| Box::new(request.uri().clone()));
        let spare = match may_replay(request.extensions()) {
            true => Spare::of(&mut request, &settings.replays),
            false => None,
        };
        if !Bearer::authorize(request.headers_mut(), header)? {
            return Ok((ready.call(request), None));
        }
        // Two ends, so that what is not there is not moved either.
        Ok(match spare {
            None => (ready.call(request), Some(Self { again: None, uri, generation, own, settings })),
            Some(spare) => {
                let again = Some((ready.clone(), spare));
                (ready.call(request), Some(Self { again, uri, generation, own, settings }))
            }
        })
    }
}

impl<S, B> Attempt<S, B> {
    #[inline]
    pub(super) fn is_rejected<R>(&self, response: &Response<R>) -> bool {
        self.settings.bearer.is_rejection(response.status(), response.headers())
            && self.uri.as_ref().is_none_or(|uri| self.settings.is_from(response.extensions(), uri))
    }

    /// A rejection starts the renewal, also where the request can't be sent again (R27).
    pub(super) fn renew(&self) -> Renewal {
        let authenticator = self.settings.bearer.authenticator(&self.own).clone();
        let generation = self.generation;
        Box::pin(async move { authenticator.replace(generation).await })
    }
}
