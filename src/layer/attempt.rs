//! What a request is authorized by, and its answer judged.

use std::sync::Arc;

use http::{Request, Response};

use super::Settings;
use super::saved_request::SavedRequest;
use crate::authenticator::Ticket;
use crate::bearer::Applies;
use crate::per_request::may_replay;
use crate::source::BoxFuture;
use crate::{Authenticator, Error};

/// A credential, on its way.
pub(super) type Pending = BoxFuture<'static, Result<Ticket, Error>>;

/// The first attempt of one request.
pub(super) struct Attempt {
    pub(super) terms: Applies,
    pub(super) settings: Arc<Settings>,
}

impl Attempt {
    #[inline]
    pub(super) fn authenticator(&self) -> &Authenticator {
        self.settings.bearer.authenticator(&self.terms)
    }

    /// What a second attempt would need, where there may be one.
    #[inline(always)]
    pub(super) fn again<S: Clone, B: 'static>(
        &self,
        service: &S,
        request: &mut Request<B>,
    ) -> Option<SavedRequest<S, B>> {
        match may_replay(request.extensions()) {
            true => SavedRequest::of(service, request, &self.settings.known),
            false => None,
        }
    }

    pub(super) fn acquire(&self) -> Pending {
        let authenticator = self.authenticator().clone();
        Box::pin(async move { authenticator.acquire().await })
    }

    #[inline]
    pub(super) fn is_rejected<R>(&self, response: &Response<R>) -> bool {
        self.settings.bearer.is_rejection(response.status(), response.headers())
            && self.settings.is_from(response.extensions(), &self.terms)
    }

    /// A rejection starts the renewal, also where the request can't be sent again (R27).
    pub(super) fn renew(&self, generation: u64) -> Pending {
        let authenticator = self.authenticator().clone();
        Box::pin(async move { authenticator.reject_generation(generation).await })
    }
}

/// A request that waits for a credential, and the service that was made ready for it.
pub(super) struct Unsent<S, B> {
    pub(super) service: S,
    pub(super) request: Request<B>,
    pub(super) attempt: Attempt,
}
