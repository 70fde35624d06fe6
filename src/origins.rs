//! The origins that may be sent an access token.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;

use crate::error::Error;

/// The origins (scheme, host and port) that credentials may be sent to. Requests to all other origins pass through
/// without credentials.
///
/// An origin is https, or plain http to a loopback address. There are no wildcards. Hosts are compared without
/// case. An origin without a port has the default port of its scheme.
///
/// ```
/// use reauth::Origins;
///
/// let origins = Origins::new("https://api.example.com")?.and("https://files.example.com:8443")?;
/// assert!(Origins::new("https://api.example.com/v1").is_err()); // an origin has no path
/// assert!(Origins::new("http://api.example.com").is_err()); // the network would see the token
/// # Ok::<(), reauth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    origins: Vec<Origin>,
}

impl Origins {
    /// One origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the text is not an origin (RFC 6454 section 4), or is
    /// plain http to a host that is not loopback.
    pub fn new(origin: &str) -> Result<Self, Error> {
        Ok(Self { origins: vec![Origin::parse(origin)?] })
    }

    /// The origin of a URL: for a setting that holds the base URL of an API, such as `https://api.example.com/v1`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the text is not an absolute URL, contains a user name
    /// or a password, or is plain http to a host that is not loopback.
    pub fn of_url(url: &str) -> Result<Self, Error> {
        let uri = url.parse().map_err(|_| not_a_url("origin"))?;
        Ok(Self { origins: vec![Origin::secure(&uri, "origin")?] })
    }

    /// Adds one more origin.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn and(mut self, origin: &str) -> Result<Self, Error> {
        self.origins.push(Origin::parse(origin)?);
        Ok(self)
    }
}

/// The origins, as in `https://api.example.com, https://files.example.com:8443`.
impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, origin) in self.origins.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}://{}", origin.scheme.as_str(), origin.authority)?;
        }
        Ok(())
    }
}

impl FromStr for Origins {
    type Err = Error;

    fn from_str(origin: &str) -> Result<Self, Error> {
        Self::new(origin)
    }
}

/// The URI or URL that a request is sent to, or that a response comes from.
pub(crate) trait Locator {
    /// The index of its origin in `origins`, if it is one of them. Two locators of one origin have the same index.
    ///
    /// It is called for every request, so the usual spelling is found by comparing bytes.
    fn find_in(&self, origins: &Origins) -> Option<usize>;
}

impl Locator for Uri {
    #[inline]
    fn find_in(&self, origins: &Origins) -> Option<usize> {
        let (scheme, authority) = (Scheme::parse(self.scheme_str()?)?, self.authority()?.as_str());
        let is_at = |origin: &Origin| {
            origin.scheme == scheme && (authority == origin.authority || origin.is_odd_authority(authority))
        };
        origins.origins.iter().position(is_at)
    }
}

#[cfg(feature = "reqwest")]
impl Locator for reqwest::Url {
    #[inline]
    fn find_in(&self, origins: &Origins) -> Option<usize> {
        let is_at = |origin: &Origin| self.as_str().starts_with(&origin.base) || origin.is_odd_base(self);
        origins.origins.iter().position(is_at)
    }
}

/// Scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
    /// `host`, or `host:port` if the port is not the default one: the usual spelling.
    authority: String,
    /// `scheme://authority/`: how a URL of this origin usually begins.
    #[cfg(feature = "reqwest")]
    base: String,
}

/// With the default port of each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http = 80,
    Https = 443,
}

impl Scheme {
    fn parse(scheme: &str) -> Option<Self> {
        if scheme == "https" || scheme.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else if scheme.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else {
            None
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        self as u16
    }
}

impl Origin {
    fn parse(text: &str) -> Result<Self, Error> {
        let is_bare = |uri: &Uri| uri.path_and_query().is_none_or(|rest| rest == "/");
        let uri = text.parse().ok().filter(|uri| is_bare(uri) && !text.contains(['#', '*']));
        let origin = uri.as_ref().and_then(Self::of).ok_or_else(|| {
            Error::misconfigured(
                "origin: not of the form https://host or https://host:port; leave out user name, path and wildcard, \
                 and write international names in their ASCII form",
            )
        })?;
        origin.if_secure("origin")
    }

    /// The origin of an absolute URL, if it is safe to send a secret there (R43). Errors name the `field`, and never
    /// show the value.
    pub(crate) fn secure(uri: &Uri, field: &str) -> Result<Self, Error> {
        Self::of(uri).ok_or_else(|| not_a_url(field))?.if_secure(field)
    }

    /// The origin of an absolute URL without a user name.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let scheme = Scheme::parse(uri.scheme_str()?)?;
        let authority = uri.authority()?.as_str();
        let host = uri.host().filter(|host| is_host(host) && !authority.contains('@'))?;
        // `Uri` takes "[::1]8:0", with the host "[::1]". `Uri::port` is `None` for "host:" and for a port above 65535, and
        // `u16::from_str` takes "+443".
        let port = match authority.strip_prefix(host)? {
            "" => scheme.default_port(),
            text => {
                let port = text.strip_prefix(':').filter(|port| !port.starts_with('+'))?;
                port.parse().ok().filter(|port| *port != 0)?
            }
        };
        let host = host.to_ascii_lowercase();
        let authority = match port == scheme.default_port() {
            true => host.clone(),
            false => format!("{host}:{port}"),
        };
        #[cfg(feature = "reqwest")]
        let base = format!("{}://{authority}/", scheme.as_str());
        Some(Self {
            scheme,
            host,
            port,
            authority,
            #[cfg(feature = "reqwest")]
            base,
        })
    }

    /// Whether requests to this URL are plain http and stay on this machine.
    pub(crate) fn is_plain_loopback(url: &Uri) -> bool {
        Self::of(url).is_some_and(|origin| origin.scheme == Scheme::Http && origin.is_loopback())
    }

    fn if_secure(self, field: &str) -> Result<Self, Error> {
        if self.scheme == Scheme::Https || self.is_loopback() {
            return Ok(self);
        }
        Err(Error::misconfigured(format!(
            "{field}: plain http to a host that is not loopback would show secrets to the network; use https"
        )))
    }

    /// Whether it is this `host` or `host:port` in an unusual spelling. An authority with a user name is not.
    #[cold]
    fn is_odd_authority(&self, authority: &str) -> bool {
        let Some((host, rest)) = authority.split_at_checked(self.host.len()) else { return false };
        host.eq_ignore_ascii_case(&self.host)
            && match rest.strip_prefix(':') {
                None => rest.is_empty() && self.port == self.scheme.default_port(),
                // `u16::from_str` takes "+443".
                Some(port) => !port.starts_with('+') && port.parse() == Ok(self.port),
            }
    }

    /// Whether it is a URL of this origin that has a user name, or an unusual spelling.
    #[cfg(feature = "reqwest")]
    #[cold]
    fn is_odd_base(&self, url: &reqwest::Url) -> bool {
        Scheme::parse(url.scheme()) == Some(self.scheme)
            && url.port().unwrap_or(self.scheme.default_port()) == self.port
            && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&self.host))
    }

    fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

/// Whether the URL standard takes this for a host: <https://url.spec.whatwg.org/#host-parsing>.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c);
    let labels = host.strip_suffix('.').unwrap_or(host);
    let last = labels.rsplit('.').next().unwrap_or_default();
    // A host that ends in a number is an IPv4 address, or nothing.
    let is_number =
        !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) || ipv4_part(last).is_some();
    !host.is_empty() && host.chars().all(is_allowed) && (!is_number || is_ipv4(labels))
}

/// Whether these are one to four numbers, the last of which fills what the others leave.
fn is_ipv4(text: &str) -> bool {
    let parts: Option<Vec<u64>> = text.split('.').map(ipv4_part).collect();
    let Some((last, others)) = parts.as_deref().and_then(<[u64]>::split_last) else { return false };
    others.len() < 4 && others.iter().all(|part| *part < 256) && *last < 256_u64.pow(4 - others.len() as u32)
}

/// Decimal, octal with a zero in front, or hexadecimal.
fn ipv4_part(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hex {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    match digits {
        "" if hex.is_some() => Some(0),
        _ if digits.starts_with('+') => None,
        _ => u64::from_str_radix(digits, radix).ok(),
    }
}

fn not_a_url(field: &str) -> Error {
    Error::misconfigured(format!(
        "{field}: not an absolute URL; write https://host/path, without a user name"
    ))
}

#[cfg(test)]
mod tests;
