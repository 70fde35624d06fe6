//! Why a request went without a token, or why its 401 changed nothing (R35).

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;

use crate::origins::{Origins, is_loopback};

/// Why a request went without a token, or why its 401 changed nothing, where a program might expect otherwise.
///
/// It is in [`Event::Passed`](crate::Event::Passed), and in the extensions of the server's 401, which the caller gets.
/// `Display` is a sentence that names both sides and says what to do. Of URLs it shows only the origins.
///
/// A request has no such reason if it carries the caller's `Authorization` header, or is marked
/// [`WithoutCredentials`](crate::per_request::WithoutCredentials). If a token was added and could not be replaced after
/// the 401, the extension is a [`RenewalError`](crate::RenewalError) instead.
///
/// ```
/// # fn example(response: http::Response<()>) {
/// if let Some(reason) = response.extensions().get::<reauth::PassedReason>() {
///     eprintln!("still unauthorized: {reason}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedReason {
    kind: PassedKind,
    sentence: Arc<str>,
}

impl PassedReason {
    /// Returns the kind, by which a program tells reasons apart.
    pub fn kind(&self) -> PassedKind {
        self.kind
    }

    /// The reason for a request to `place`, or for a response from there.
    pub(crate) fn new(kind: PassedKind, origins: &Origins, place: &impl Place) -> Self {
        let place = Shown(place.parts());
        let sentence = match kind {
            PassedKind::OtherOrigin => format!(
                "no token was added: the origins are {origins}, the request went to {place}; add this origin, if the \
                 token may go there"
            ),
            PassedKind::PlainHttp => format!(
                "no token was added: the origins are {origins}, the request went to {place}, where the network would \
                 see the token; use https, or name the origin with `Origins::danger_plain_http`"
            ),
            PassedKind::NoOrigin => format!(
                "no token was added: the origins are {origins}, the request's URI has none; send an absolute URI (a \
                 tonic client needs `with_origin`)"
            ),
            PassedKind::NoAuthenticator => format!(
                "no token was added: the layer has no authenticator of its own, and the request to {place} has none \
                 either; mark it `WithAuthenticator`"
            ),
            PassedKind::RedirectedElsewhere => format!(
                "the 401 is not about the token: the origins are {origins}, the response came from {place} after a \
                 redirect; add this origin, if the token may go there"
            ),
            PassedKind::Redirected => format!(
                "the 401 may not be about the token: the response came from {place} after a redirect, which may have \
                 removed the token, and this request was not sent there again; send it straight to where the redirect \
                 leads"
            ),
            PassedKind::SentOnce => "the token was replaced after the 401, but the body of this request can be sent \
                                     only once; send the request again, or give it a body that the layer can send \
                                     again (see `reauth::replay`)"
                .to_owned(),
        };
        Self { kind, sentence: sentence.into() }
    }
}

impl fmt::Display for PassedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// The kinds of [`PassedReason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PassedKind {
    /// The request went to an origin that is not one of the layer's.
    OtherOrigin,
    /// The request went over plain http to another machine.
    PlainHttp,
    /// The request's URI has no origin: it is only a path.
    NoOrigin,
    /// The layer has no authenticator of its own, and the request is not marked
    /// [`WithAuthenticator`](crate::per_request::WithAuthenticator).
    NoAuthenticator,
    /// A 401 came after a redirect from an origin that is not one of the layer's.
    RedirectedElsewhere,
    /// A 401 came after a redirect from one of the layer's origins, and the request may not be sent again straight to it.
    Redirected,
    /// The token was replaced after a 401, but the body of the request can be sent only once.
    SentOnce,
}

impl PassedKind {
    const COUNT: usize = Self::SentOnce as usize + 1;

    /// Returns the stable name for logs and metrics: `other_origin`, `plain_http`, `no_origin`, `no_authenticator`,
    /// `redirected_elsewhere`, `redirected` or `sent_once`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherOrigin => "other_origin",
            Self::PlainHttp => "plain_http",
            Self::NoOrigin => "no_origin",
            Self::NoAuthenticator => "no_authenticator",
            Self::RedirectedElsewhere => "redirected_elsewhere",
            Self::Redirected => "redirected",
            Self::SentOnce => "sent_once",
        }
    }

    /// Why a request to a place that is not one of the origins gets no token.
    pub(crate) fn of_place(place: &impl Place) -> Self {
        match place.parts() {
            None => Self::NoOrigin,
            Some((scheme, host, _)) if is_plain(scheme) && !is_loopback(host) => Self::PlainHttp,
            Some(_) => Self::OtherOrigin,
        }
    }
}

fn is_plain(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("ws")
}

impl fmt::Display for PassedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A URI or URL, of which only the origin is shown.
pub(crate) trait Place {
    /// Scheme, host and port. `None` if it has no origin.
    fn parts(&self) -> Option<(&str, &str, Option<u16>)>;
}

impl Place for Uri {
    fn parts(&self) -> Option<(&str, &str, Option<u16>)> {
        Some((self.scheme_str()?, self.host()?, self.port_u16()))
    }
}

#[cfg(feature = "reqwest")]
impl Place for reqwest::Url {
    fn parts(&self) -> Option<(&str, &str, Option<u16>)> {
        Some((self.scheme(), self.host_str()?, self.port()))
    }
}

struct Shown<'a>(Option<(&'a str, &'a str, Option<u16>)>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("a URI without an origin"),
            Some((scheme, host, None)) => write!(f, "{scheme}://{host}"),
            Some((scheme, host, Some(port))) => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

/// Lets one event a minute of each kind through. Most authenticators never have one, and hold no times.
#[derive(Default)]
pub(crate) struct OncePerMinute(OnceLock<Box<[AtomicU32; PassedKind::COUNT]>>);

impl OncePerMinute {
    /// Whether an event is due. Then it is the next one that is due in a minute.
    pub(crate) fn is_due(&self, kind: PassedKind, now: Duration) -> bool {
        // Zero stands for never.
        let now = u32::try_from(now.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        let slot = &self.0.get_or_init(Box::default)[kind as usize];
        let last = slot.load(Ordering::Relaxed);
        (last == 0 || now.saturating_sub(last) >= 60)
            && slot.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r35_one_event_a_minute_of_each_kind_is_due() {
        let limit = OncePerMinute::default();
        let due = |kind, seconds| limit.is_due(kind, Duration::from_secs(seconds));
        assert!(due(PassedKind::OtherOrigin, 0));
        assert!(!due(PassedKind::OtherOrigin, 0));
        assert!(due(PassedKind::SentOnce, 30), "another kind has its own minute");
        assert!(!due(PassedKind::OtherOrigin, 59));
        assert!(due(PassedKind::OtherOrigin, 60));
        assert!(!due(PassedKind::OtherOrigin, 119));
        assert!(due(PassedKind::OtherOrigin, 120));
    }

    #[test]
    fn r35_of_a_url_only_the_origin_is_shown() {
        let shown = |text: &str| text.parse::<Uri>().map(|uri| Shown(uri.parts()).to_string()).ok();
        assert_eq!(shown("https://ada:s3cret@a.test:8443/x?token=y").as_deref(), Some("https://a.test:8443"));
        assert_eq!(shown("http://[::1]/x").as_deref(), Some("http://[::1]"));
        assert_eq!(shown("/x?token=y").as_deref(), Some("a URI without an origin"));
        #[cfg(feature = "reqwest")]
        {
            let url = "https://ada:s3cret@a.test/x?token=y#z".parse::<reqwest::Url>();
            assert_eq!(url.map(|url| Shown(url.parts()).to_string()).ok().as_deref(), Some("https://a.test"));
        }
    }

    #[test]
    fn r35_a_place_that_is_no_origin_of_the_layer_has_a_kind() {
        let kind = |text: &str| text.parse::<Uri>().map(|uri| PassedKind::of_place(&uri)).ok();
        assert_eq!(kind("https://a.test/x"), Some(PassedKind::OtherOrigin));
        assert_eq!(kind("http://127.0.0.1:1/x"), Some(PassedKind::OtherOrigin));
        assert_eq!(kind("HTTP://a.test/x"), Some(PassedKind::PlainHttp));
        assert_eq!(kind("/x"), Some(PassedKind::NoOrigin));
    }
}
