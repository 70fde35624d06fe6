//! A 401 after a redirect: the request is sent once more, straight to where the redirect led (R30).

use std::future::ready;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::Next;

use super::{AuthMiddleware, MiddlewareFuture};
use crate::bearer::{Applies, RenewalError, is_safe};
use crate::passed::PassedKind;
use crate::replay::Replay;

impl AuthMiddleware {
    /// Sends the request once more, straight to where a redirect led, if that may be. The response to that counts (R30).
    pub(super) fn send_straight<'a>(
        &'a self,
        copy: Replay<Request>,
        extensions: &'a mut Extensions,
        next: Next<'a>,
        mut response: Response,
        generation: u64,
        mut applies: Applies,
    ) -> MiddlewareFuture<'a> {
        let Some(request) = self.straight_request(copy, &mut response, &applies) else {
            return Box::pin(ready(Ok(response)));
        };
        applies.is_straight = true;
        Box::pin(async move {
            match self.policy.authenticator(&applies).acquire_again(generation).await {
                Ok(ticket) => {
                    drop(response);
                    self.send(request, extensions, next, ticket, applies).await
                }
                Err(error) => {
                    response.extensions_mut().insert(RenewalError(error));
                    Ok(response)
                }
            }
        })
    }

    /// The request that is sent straight to where a redirect led. If it may not be, the caller learns why.
    pub(super) fn straight_request(
        &self,
        copy: Replay<Request>,
        response: &mut Response,
        applies: &Applies,
    ) -> Option<Request> {
        let from = response.url().clone();
        let has_no_user = from.username().is_empty() && from.password().is_none();
        let has_no_body = |request: &Request| {
            request.body().is_none_or(|body| body.as_bytes().is_some_and(<[u8]>::is_empty))
        };
        let request = match (self.policy.why_not_straight(applies, &from), copy) {
            (Some(kind), _) => Err(kind),
            (None, Replay::Copy(request))
                if has_no_user && is_safe(request.method()) && has_no_body(&request) =>
            {
                Ok(request)
            }
            _ => Err(PassedKind::Redirected),
        };
        match request {
            Ok(mut request) => {
                let to = std::mem::replace(request.url_mut(), from);
                self.policy.leave(&to, &request.url().clone(), request.headers_mut());
                Some(request)
            }
            Err(kind) => {
                let reason = self.policy.report(applies, kind, &from);
                response.extensions_mut().insert(reason);
                None
            }
        }
    }
}
