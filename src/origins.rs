//! The origins that may see a credential.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

use crate::Error;

/// The origins (scheme, host, port) to which a credential may be sent. Everything else passes through without
/// one.
///
/// An origin is https, or http on loopback; there is no wildcard. Hosts are compared without case, and a
/// missing port is the scheme's own.
///
/// ```
/// use reauth::Origins;
///
/// let scope = Origins::new("https://api.example.com")?.and("https://files.example.com:8443")?;
/// assert!(Origins::new("https://api.example.com/v1").is_err()); // a path is no origin
/// assert!(Origins::new("http://api.example.com").is_err()); // a bearer in clear text
/// # Ok::<(), reauth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    origins: Vec<Origin>,
}

impl Origins {
    /// The scope of one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when it is no origin (RFC 6454 section 4), or plain
    /// http to a host that is not loopback.
    pub fn new(origin: &str) -> Result<Self, Error> {
        Ok(Self { origins: vec![Origin::parse(origin, "scope")?] })
    }

    /// The scope of the origin that a URL belongs to: for settings that hold the base of an API, such as
    /// `https://api.example.com/v1`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when it is no absolute URL, holds a user name or a
    /// password, or is plain http to a host that is not loopback.
    pub fn of_url(url: &str) -> Result<Self, Error> {
        let uri: Uri = url.parse().map_err(|_| Error::misconfigured("scope: it is no absolute URL"))?;
        Ok(Self { origins: vec![Origin::secure(&uri, "scope")?] })
    }

    /// The same scope with one more origin.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn and(mut self, origin: &str) -> Result<Self, Error> {
        self.origins.push(Origin::parse(origin, "scope")?);
        Ok(self)
    }

    /// The place of a URI's origin in the scope, if it is in it: of two URIs the same, if both are of one origin.
    ///
    /// Asked for every request: the usual spelling is found by comparing bytes.
    #[inline]
    pub(crate) fn find(&self, uri: &Uri) -> Option<usize> {
        let (scheme, authority) = (Scheme::parse(uri.scheme_str()?)?, uri.authority()?.as_str());
        self.origins.iter().position(|origin| origin.scheme == scheme && origin.is_authority(authority))
    }

    /// The same of a URL.
    #[cfg(feature = "reqwest")]
    #[inline]
    pub(crate) fn find_url(&self, url: &reqwest::Url) -> Option<usize> {
        self.origins
            .iter()
            .position(|origin| url.as_str().starts_with(&origin.base) || origin.is_odd_base(url))
    }
}

impl FromStr for Origins {
    type Err = Error;

    fn from_str(origin: &str) -> Result<Self, Error> {
        Self::new(origin)
    }
}

/// Scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
    /// The usual spelling: the port where it is not the scheme's own.
    authority: String,
    /// The same as the beginning of a URL.
    #[cfg(feature = "reqwest")]
    base: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
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
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Origin {
    /// Parses a bare origin. `field` is named in errors; the value never is.
    pub(crate) fn parse(text: &str, field: &str) -> Result<Self, Error> {
        let uri: Uri = text.parse().map_err(|_| not_an_origin(field))?;
        let bare = uri.path_and_query().is_none_or(|rest| rest == "/") && !text.contains(['#', '*']);
        if !bare {
            return Err(not_an_origin(field));
        }
        Self::secure(&uri, field)
    }

    /// The origin of an absolute URL that is safe to send a secret to: https, or loopback (R43).
    pub(crate) fn secure(uri: &Uri, field: &str) -> Result<Self, Error> {
        let origin = Self::of(uri).ok_or_else(|| not_an_origin(field))?;
        if origin.scheme == Scheme::Http && !origin.is_loopback() {
            return Err(Error::misconfigured(format!(
                "{field}: plain http to a host that is not loopback would show secrets to the network; use https"
            )));
        }
        Ok(origin)
    }

    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let scheme = Scheme::parse(uri.scheme_str()?)?;
        let authority = uri.authority()?.as_str();
        let host = uri.host().filter(|host| !host.is_empty() && !authority.contains('@'))?;
        // `http` reads "host:" and a port past 65535 as no port at all; `parse` alone takes "+443".
        let port_text = authority.strip_prefix(host)?;
        let port = match port_text.strip_prefix(':') {
            Some(port) if port.starts_with('+') => return None,
            Some(port) => port.parse().ok().filter(|port| *port != 0)?,
            None => scheme.default_port(),
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

    /// Whether requests to this origin are plain http and stay on this machine.
    #[cfg(feature = "reqwest")]
    pub(crate) fn is_plain_loopback(&self) -> bool {
        self.scheme == Scheme::Http && self.is_loopback()
    }

    #[inline]
    fn is_authority(&self, authority: &str) -> bool {
        authority == self.authority || self.is_odd_authority(authority)
    }

    /// `host` or `host:port` in another spelling; nothing else, a user name for instance, is the same authority.
    #[cold]
    fn is_odd_authority(&self, authority: &str) -> bool {
        let Some((host, rest)) = authority.split_at_checked(self.host.len()) else { return false };
        self.is_host(host)
            && match rest.strip_prefix(':') {
                None => rest.is_empty() && self.port == self.scheme.default_port(),
                // `parse` alone takes "+443".
                Some(port) => !port.starts_with('+') && port.parse() == Ok(self.port),
            }
    }

    /// A URL with a user name, or whose host is spelled in another way.
    #[cfg(feature = "reqwest")]
    #[cold]
    fn is_odd_base(&self, url: &reqwest::Url) -> bool {
        Scheme::parse(url.scheme()) == Some(self.scheme)
            && url.port().unwrap_or(self.scheme.default_port()) == self.port
            && url.host_str().is_some_and(|host| self.is_host(host))
    }

    fn is_host(&self, host: &str) -> bool {
        host == self.host || host.eq_ignore_ascii_case(&self.host)
    }

    fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

fn not_an_origin(field: &str) -> Error {
    Error::misconfigured(format!(
        "{field}: it is not of the form https://host or https://host:port (no user, path or wildcard; \
         international names in their ASCII form)"
    ))
}

#[cfg(test)]
mod tests;
