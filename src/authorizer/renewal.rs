//! What follows a response that may reject the token: a new token and a second attempt, or the reason why there is none.

use http::{Extensions, Uri};

use super::head::RenewalError;
use super::message::{Request, Response, Url as _};
use super::settings::{Applies, Judgement, Settings, is_safe};
use crate::authenticator::Ticket;
use crate::error::Error;
use crate::passed::{PassedKind, Place};
use crate::per_request::ResendCount;

/// A request whose response may reject its token.
pub(crate) struct Sent<Q: Request> {
    /// What another attempt needs, if there may be one.
    pub(crate) saved: Option<Q::Saved>,
    /// The generation of the token that it carried.
    pub(crate) generation: u64,
    pub(crate) applies: Applies,
}

/// What is sent next, without its header.
pub(crate) struct Resend<Q> {
    pub(crate) request: Q,
    pub(crate) ticket: Ticket,
    /// What the response says does not matter any more.
    pub(crate) is_last: bool,
}

impl Settings {
    pub(crate) fn judge<Q: Request, R: Response<Q>>(
        &self,
        response: &R,
        saved: Option<&Q::Saved>,
        applies: &Applies,
    ) -> Judgement {
        if !self.is_rejection(response.status(), response.headers()) {
            return Judgement::Accepted;
        }
        let sent_to = || saved.and_then(Q::url_of).map_or(applies.sent_to, |url| url.mark());
        match response.url(self) {
            Some(from) if !applies.is_path && from.mark() != sent_to() => Judgement::Redirected,
            _ => Judgement::Rejected,
        }
    }

    /// What is sent after this response, if anything is. If it is a rejection and nothing is, the response says why.
    pub(crate) async fn after<Q: Request, R: Response<Q>>(
        &self,
        sent: &mut Sent<Q>,
        response: &mut R,
    ) -> Option<Resend<Q>> {
        match self.judge(response, sent.saved.as_ref(), &sent.applies) {
            Judgement::Accepted => None,
            Judgement::Redirected => self.after_redirect(sent, response).await,
            Judgement::Rejected => self.after_rejection(sent, response).await,
        }
    }

    /// Sends the request once more, straight to where a redirect led, if that may be. The response to that counts (R30).
    async fn after_redirect<Q: Request, R: Response<Q>>(
        &self,
        sent: &mut Sent<Q>,
        response: &mut R,
    ) -> Option<Resend<Q>> {
        let request = self.straight(sent.saved.take(), response, &sent.applies)?;
        sent.applies.is_straight = true;
        let ticket = self.authenticator(&sent.applies).acquire_again(sent.generation).await;
        let ticket = ticket.map_err(|error| explain(response.extensions_mut(), error)).ok()?;
        Some(Resend { request, ticket, is_last: false })
    }

    /// Reports the rejection, also if the request can't be sent again (R27): the next one needs a new token.
    async fn after_rejection<Q: Request, R: Response<Q>>(
        &self,
        sent: &mut Sent<Q>,
        response: &mut R,
    ) -> Option<Resend<Q>> {
        let ticket = self.authenticator(&sent.applies).reject_generation(sent.generation).await;
        let ticket = ticket.map_err(|error| explain(response.extensions_mut(), error)).ok()?;
        let Some(request) = sent.saved.take().and_then(resent::<Q>) else {
            self.explain_sent_once(response.extensions_mut(), &sent.applies);
            return None;
        };
        Some(Resend { request, ticket, is_last: true })
    }

    /// The request that is sent straight to where a redirect led. If it may not be, the caller learns why.
    pub(crate) fn straight<Q: Request, R: Response<Q>>(
        &self,
        saved: Option<Q::Saved>,
        response: &mut R,
        applies: &Applies,
    ) -> Option<Q> {
        let from = response.url(self)?;
        let request = match self.why_not_straight(applies, &from) {
            Some(kind) => Err(kind),
            None => saved
                .and_then(resent::<Q>)
                .filter(|request| from.has_no_user() && is_safe(request.method()) && request.has_no_body())
                .ok_or(PassedKind::Redirected),
        };
        match request {
            Ok(mut request) => {
                let to = request.set_url(from);
                let from = request.url().clone();
                self.leave(&to, &from, request.headers_mut());
                Some(request)
            }
            Err(kind) => {
                self.explain_passed(response.extensions_mut(), applies, kind, &from);
                None
            }
        }
    }

    /// Tells the caller why the request was not sent again with the new token, if nobody has asked for that.
    pub(crate) fn explain_sent_once(&self, response: &mut Extensions, applies: &Applies) {
        if applies.may_replay {
            // The sentence of this kind does not name the place.
            self.explain_passed(response, applies, PassedKind::SentOnce, &Uri::default());
        }
    }

    fn explain_passed(
        &self,
        response: &mut Extensions,
        applies: &Applies,
        kind: PassedKind,
        from: &impl Place,
    ) {
        response.insert(self.report(applies, kind, from));
    }
}

/// Tells the caller why there is no newer token.
pub(crate) fn explain(response: &mut Extensions, error: Error) {
    response.insert(RenewalError(error));
}

/// The request of another attempt, if the body can still be sent. It knows that it is one.
pub(crate) fn resent<Q: Request>(saved: Q::Saved) -> Option<Q> {
    let mut request = Q::of_saved(saved)?;
    if let Some(extensions) = request.extensions_mut() {
        ResendCount::increment(extensions);
    }
    Some(request)
}
