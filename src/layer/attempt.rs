//! The first attempt of one request, and what it needs from the authenticator.

use std::sync::Arc;

use http::{Extensions, Request, Response};

use super::auth_layer::AuthLayer;
use super::saved_request::SavedRequest;
use crate::authenticator::{Authenticator, Ticket};
use crate::bearer::Applies;
use crate::error::Error;
use crate::source::BoxFuture;

pub(super) type TicketFuture = BoxFuture<'static, Result<Ticket, Error>>;

/// The first attempt of one request.
pub(super) struct Attempt {
    pub(super) applies: Applies,
    pub(super) settings: Arc<AuthLayer>,
}

impl Attempt {
    #[inline]
    pub(super) fn authenticator(&self) -> &Authenticator {
        self.settings.policy.authenticator(&self.applies)
    }

    /// Saves what a second attempt would need, if there may be one.
    #[inline(always)]
    pub(super) fn save<S: Clone, B: 'static>(
        &self,
        service: &S,
        request: &mut Request<B>,
    ) -> Option<SavedRequest<S, B>> {
        match self.applies.may_replay {
            true => SavedRequest::of(service, request, &self.settings.known_bodies),
            false => None,
        }
    }

    pub(super) fn acquire(&self) -> TicketFuture {
        let authenticator = self.authenticator().clone();
        Box::pin(async move { authenticator.acquire().await })
    }

    #[inline]
    pub(super) fn is_rejected<R>(&self, response: &Response<R>) -> bool {
        self.settings.policy.is_rejection(response.status(), response.headers())
            && self.is_from_origin(response.extensions())
    }

    /// Whether a response comes from the origin that its request was sent to, as far as is known (R30).
    fn is_from_origin(&self, extensions: &Extensions) -> bool {
        let from = self.settings.response_uri.and_then(|read| read(extensions));
        from.is_none_or(|from| self.settings.policy.is_from_origin(&self.applies, &from))
    }

    /// Reports the rejection, also if the request can't be sent again (R27): the next one needs a new token.
    pub(super) fn reject(&self, generation: u64) -> TicketFuture {
        let authenticator = self.authenticator().clone();
        Box::pin(async move { authenticator.reject_generation(generation).await })
    }
}
