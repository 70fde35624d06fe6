//! The schemes of URLs that may be sent a token.

/// With the default port of each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http = 80,
    Https = 443,
}

impl Scheme {
    pub(super) fn parse(scheme: &str) -> Option<Self> {
        if scheme == "https" || scheme.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else if scheme.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else {
            None
        }
    }

    /// The scheme of a request. A WebSocket's URL has another one than its handshake (RFC 6455 section 3).
    #[inline]
    pub(super) fn of_request(scheme: &str) -> Option<Self> {
        Self::parse(scheme).or_else(|| Self::of_web_socket(scheme))
    }

    #[cold]
    fn of_web_socket(scheme: &str) -> Option<Self> {
        match scheme {
            _ if scheme.eq_ignore_ascii_case("wss") => Some(Self::Https),
            _ if scheme.eq_ignore_ascii_case("ws") => Some(Self::Http),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(super) fn default_port(self) -> u16 {
        self as u16
    }
}
