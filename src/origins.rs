//! The origins that may be sent an access token.

mod host;
mod locator;
mod scheme;

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::error::Error;
use host::is_host;
pub(crate) use host::is_loopback;
pub(crate) use locator::Locator;
use scheme::Scheme;

/// The origins (scheme, host and port) that credentials may be sent to. Requests to all other origins pass through
/// without credentials.
///
/// An origin is https, or plain http to a loopback address. Plain http to another machine has to be named in so many words:
/// [`danger_plain_http`](Self::danger_plain_http). There are no wildcards. Hosts are compared without
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

    /// One origin of plain http on another machine, such as `http://minio:9000`: a device on the local network, a service in the
    /// same cluster.
    ///
    /// **Everyone on the way sees the token**, and can use it. Nothing else is loosened: other origins stay https, and so does the
    /// token endpoint. A client that obeys the proxies of the environment may send the request through one of them.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the text is not an origin of plain http. For https use
    /// [`Origins::new`].
    pub fn danger_plain_http(origin: &str) -> Result<Self, Error> {
        Ok(Self { origins: vec![Origin::plain(origin)?] })
    }

    /// The origin of a URL, as [`of_url`](Self::of_url), also if it is plain http to another machine. It is for a setting that says
    /// where an API is, if the user may have plain http there. See [`danger_plain_http`](Self::danger_plain_http).
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the text is not an absolute URL of http or https, or contains a user
    /// name or a password.
    pub fn danger_of_url(url: &str) -> Result<Self, Error> {
        let origin = url.parse().ok().and_then(|uri| Origin::of(&uri));
        Ok(Self { origins: vec![origin.ok_or_else(|| not_a_url("origin"))?] })
    }

    /// Adds one more origin of plain http on another machine. See [`danger_plain_http`](Self::danger_plain_http).
    ///
    /// # Errors
    ///
    /// As [`Origins::danger_plain_http`].
    pub fn and_danger_plain_http(mut self, origin: &str) -> Result<Self, Error> {
        self.origins.push(Origin::plain(origin)?);
        Ok(self)
    }

    /// Whether a URL is of one of these origins, as it is decided for each request.
    pub fn contains(&self, url: &Uri) -> bool {
        url.find_in(self).is_some()
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

impl Origin {
    fn parse(text: &str) -> Result<Self, Error> {
        Self::bare(text)?.if_secure("origin")
    }

    fn plain(text: &str) -> Result<Self, Error> {
        match Self::bare(text)? {
            origin if origin.scheme == Scheme::Http => Ok(origin),
            _ => Err(Error::misconfigured(
                "origin: it is not plain http; name it with `Origins::new` or `and`",
            )),
        }
    }

    /// An origin without a path, with any scheme.
    fn bare(text: &str) -> Result<Self, Error> {
        let is_bare = |uri: &Uri| uri.path_and_query().is_none_or(|rest| rest == "/");
        let uri = text.parse().ok().filter(|uri| is_bare(uri) && !text.contains(['#', '*']));
        uri.as_ref().and_then(Self::of).ok_or_else(|| {
            Error::misconfigured(
                "origin: not of the form https://host or https://host:port; leave out user name, path and wildcard, \
                 and write international names in their ASCII form",
            )
        })
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
        Scheme::of_request(url.scheme()) == Some(self.scheme)
            && url.port().unwrap_or(self.scheme.default_port()) == self.port
            && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&self.host))
    }

    fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

fn not_a_url(field: &str) -> Error {
    Error::misconfigured(format!(
        "{field}: not an absolute URL; write https://host/path, without a user name"
    ))
}

#[cfg(test)]
mod tests;
