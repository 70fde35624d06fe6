//! The first attempt of one request, and what it needs from the authenticator.

use std::sync::Arc;

use http::{Request, Response, Uri};

use super::auth_layer::AuthLayer;
use super::saved_request::SavedRequest;
use crate::authenticator::{Authenticator, Ticket};
use crate::bearer::{Applies, Judgement, Target, is_safe};
use crate::error::Error;
use crate::passed::{PassedKind, Place};
use crate::replay::KnownBodies;
use crate::source::BoxFuture;

pub(super) type TicketFuture = BoxFuture<'static, Result<Ticket, Error>>;

/// The first attempt of one request.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) applies: Applies,
    pub(super) settings: Arc<AuthLayer>,
}

impl Attempt {
    #[inline(always)]
    pub(super) fn new(mut applies: Applies, settings: &Arc<AuthLayer>, to: &Uri) -> Self {
        if settings.response_uri.is_some() {
            applies.sent_to = to.mark();
        }
        Self { applies, settings: settings.clone() }
    }

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

    /// For the request once more, after its token of `generation` was not rejected.
    pub(super) fn acquire_again(&self, generation: u64) -> TicketFuture {
        let authenticator = self.authenticator().clone();
        Box::pin(async move { authenticator.acquire_again(generation).await })
    }

    #[inline]
    pub(super) fn judge<R>(&self, response: &Response<R>) -> Judgement {
        if !self.settings.policy.is_rejection(response.status(), response.headers()) {
            return Judgement::Accepted;
        }
        match self.response_uri(response) {
            Some(from) if from.mark() != self.applies.sent_to => Judgement::Redirected,
            _ => Judgement::Rejected,
        }
    }

    /// The URI that a response comes from, as far as it is known.
    fn response_uri<R>(&self, response: &Response<R>) -> Option<Uri> {
        self.settings.response_uri.and_then(|read| read(response.extensions()))
    }

    /// The service and the request that is sent straight to where a redirect led, if that may be (R30).
    pub(super) fn straight<S: Clone, B: 'static, R>(
        &mut self,
        saved: Option<SavedRequest<S, B>>,
        response: &mut Response<R>,
    ) -> Option<(S, Request<B>)> {
        let from = self.response_uri(response).unwrap_or_default();
        let call = match self.settings.policy.why_not_straight(&self.applies, &from) {
            Some(kind) => Err(kind),
            None => saved
                .and_then(SavedRequest::into_call)
                .filter(|(_, request)| is_safe(request.method()) && KnownBodies::is_empty(request.body()))
                .ok_or(PassedKind::Redirected),
        };
        let (service, mut request) = call.map_err(|kind| self.explain(kind, &from, response)).ok()?;
        let to = std::mem::replace(request.uri_mut(), from);
        self.settings.policy.leave(&to, &request.uri().clone(), request.headers_mut());
        self.applies.sent_to = request.uri().mark();
        self.applies.is_straight = true;
        Some((service, request))
    }

    /// Reports why a 401 changed nothing, and tells the caller.
    pub(super) fn explain<R>(&self, kind: PassedKind, from: &impl Place, response: &mut Response<R>) {
        let reason = self.settings.policy.report(&self.applies, kind, from);
        response.extensions_mut().insert(reason);
    }

    /// Reports the rejection, also if the request can't be sent again (R27): the next one needs a new token.
    pub(super) fn reject(&self, generation: u64) -> TicketFuture {
        let authenticator = self.authenticator().clone();
        Box::pin(async move { authenticator.reject_generation(generation).await })
    }
}
