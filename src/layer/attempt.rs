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
    again: Again<S, B>,
    /// Where it was sent, kept where redirects are followed below.
    uri: Option<Uri>,
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
    /// Sends the request on the service that was made ready; a clone, unready, is kept for the replay.
    #[inline]
    pub(super) fn first(
        ready: &mut S,
        mut request: Request<B>,
        (header, generation): (HeaderValue, u64),
        own: Option<Authenticator>,
        settings: Arc<Settings>,
    ) -> (S::Future, Self) {
        let uri = settings.response_uri.map(|_| request.uri().clone());
        let spare =
            may_replay(request.extensions()).then(|| Spare::of(&mut request, &settings.replays)).flatten();
        let again = spare.map(|spare| (ready.clone(), spare));
        Bearer::authorize(request.headers_mut(), header);
        (ready.call(request), Self { again, uri, generation, own, settings })
    }
}

impl<S, B> Attempt<S, B> {
    /// A rejection starts the renewal, also where the request can't be sent again (R27).
    pub(super) fn judge<R>(self, response: &Response<R>) -> Option<(Renewal, Again<S, B>)> {
        let Self { again, uri, generation, own, settings } = self;
        if !settings.bearer.is_rejection(response.status(), response.headers())
            || uri.is_some_and(|uri| !settings.is_from(response.extensions(), &uri))
        {
            return None;
        }
        let authenticator = settings.bearer.authenticator(&own).clone();
        let held = Box::pin(async move { authenticator.replace(generation).await });
        Some((held, again))
    }
}
