//! The first attempt of one request, and what it needs from the authenticator.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, Uri};

use crate::authenticator::Ticket;
use crate::authorizer::{Applies, Client, Judgement, Request as _, SavedRequest, Settings, Url as _};
use crate::error::Error;
use crate::source::BoxFuture;

pub(super) type TicketFuture = BoxFuture<'static, Result<Ticket, Error>>;

/// What another attempt needs: a service that is not yet ready, and a copy of the request.
pub(super) type Saved<S, B> = (S, SavedRequest<B>);

/// The first attempt of one request.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) applies: Applies,
    pub(super) settings: Arc<Settings>,
}

impl Attempt {
    #[inline(always)]
    pub(super) fn new(mut applies: Applies, settings: &Arc<Settings>, to: &Uri) -> Self {
        if settings.knows_response_uri() {
            applies.sent_to = to.mark();
        }
        Self { applies, settings: settings.clone() }
    }

    /// Saves what a second attempt would need, if there may be one.
    #[inline(always)]
    pub(super) fn save<S: Clone, B: 'static>(
        &self,
        service: &S,
        request: &mut Request<B>,
    ) -> Option<Saved<S, B>> {
        match self.applies.may_replay {
            true => request.save(&self.settings).map(|saved| (service.clone(), saved)),
            false => None,
        }
    }

    /// A ticket, if there is one without waiting.
    #[inline]
    pub(super) fn try_acquire(&self, valid_for: Option<Duration>) -> Option<Ticket> {
        match valid_for {
            None => self.settings.authenticator(&self.applies).try_acquire(),
            Some(_) => None,
        }
    }

    /// Whether a token may be sent in the header of the authenticator.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.settings.check(self.settings.authenticator(&self.applies), Client::Tower)
    }

    pub(super) fn acquire(&self, valid_for: Option<Duration>) -> TicketFuture {
        let authenticator = self.settings.authenticator(&self.applies).clone();
        Box::pin(async move { authenticator.acquire_for(valid_for).await })
    }

    /// For the request once more, after its token of `generation` was not rejected.
    pub(super) fn acquire_again(&self, generation: u64) -> TicketFuture {
        let authenticator = self.settings.authenticator(&self.applies).clone();
        Box::pin(async move { authenticator.acquire_again(generation).await })
    }

    /// Reports the rejection, also if the request can't be sent again (R27): the next one needs a new token.
    pub(super) fn reject(&self, generation: u64) -> TicketFuture {
        let authenticator = self.settings.authenticator(&self.applies).clone();
        Box::pin(async move { authenticator.reject_generation(generation).await })
    }

    /// Adds the header. Returns `false` if the caller has set one.
    #[inline]
    pub(super) fn authorize<B>(&self, request: &mut Request<B>, header: HeaderValue) -> Result<bool, Error> {
        self.settings.authorize(&self.applies, request.headers_mut(), header, Client::Tower)
    }

    #[inline]
    pub(super) fn judge<S, B: 'static, R>(
        &self,
        saved: Option<&Saved<S, B>>,
        response: &Response<R>,
    ) -> Judgement {
        self.settings.judge::<Request<B>, _>(response, saved.map(|(_, saved)| saved), &self.applies)
    }

    /// The service and the request that is sent straight to where a redirect led, if that may be (R30).
    pub(super) fn straight<S, B: 'static, R>(
        &mut self,
        saved: Option<Saved<S, B>>,
        response: &mut Response<R>,
    ) -> Option<(S, Request<B>)> {
        let (service, saved) = saved.unzip();
        let request = self.settings.straight::<Request<B>, _>(saved, response, &self.applies)?;
        self.applies.sent_to = request.uri().mark();
        self.applies.is_straight = true;
        service.zip(Some(request))
    }
}
