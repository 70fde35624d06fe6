//! The header that carries the access token: `Authorization: Bearer …`, or another name and scheme.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, Entry, HOST, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::challenge::is_token;
use crate::error::Error;

/// The header in which an access token is sent, and the scheme before the token. Default: `Authorization: Bearer …`
/// (RFC 6750 section 2.1).
///
/// ```
/// use reauth::AuthHeader;
///
/// let github = AuthHeader::scheme("token")?; //       Authorization: token …
/// let vault = AuthHeader::bare("X-Vault-Token")?; //  X-Vault-Token: …
/// let other = AuthHeader::new("X-Api-Auth", "Key")?; // X-Api-Auth: Key …
/// # Ok::<(), reauth::Error>(())
/// ```
///
/// [`AuthenticatorBuilder::header`](crate::AuthenticatorBuilder::header) sets it. The value is built once for each token.
///
/// # Redirects
///
/// An HTTP client that follows a redirect to another origin removes `Authorization`. It sends a header of another name on, and
/// the token with it. So a header of another name is refused, unless you say that nothing below follows redirects to another origin:
/// [`Authorizer::without_redirects`](crate::Authorizer::without_redirects), or the method of that name of
/// [`AuthLayer`](crate::AuthLayer) and `AuthMiddleware`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthHeader {
    name: HeaderName,
    /// With the space behind it; empty if the token stands alone.
    prefix: String,
}

impl AuthHeader {
    /// `name: scheme token`. An empty scheme means the token alone.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if HTTP does not allow the name (RFC 9110 section 5.1) or the scheme
    /// (RFC 9110 section 11.1). Some names are refused because HTTP itself uses them, such as `Host` and `Cookie`.
    pub fn new(name: &str, scheme: &str) -> Result<Self, Error> {
        let name = HeaderName::try_from(name).map_err(|_| {
            Error::misconfigured(
                "the name of the header is not one that HTTP allows; write it as in `X-Vault-Token`",
            )
        })?;
        if OF_HTTP.contains(&name) {
            return Err(Error::misconfigured(format!(
                "the header `{name}` has a meaning for HTTP itself; send the token in another one"
            )));
        }
        let prefix = match scheme {
            "" => String::new(),
            scheme if is_token(scheme) && scheme.len() <= MAX_SCHEME => format!("{scheme} "),
            _ => {
                return Err(Error::misconfigured(
                    "the scheme of the header is one word, such as `Bearer`, without the space behind it",
                ));
            }
        };
        Ok(Self { name, prefix })
    }

    /// `Authorization: scheme token`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn scheme(scheme: &str) -> Result<Self, Error> {
        Self::new(AUTHORIZATION.as_str(), scheme)
    }

    /// `name: token`, without a scheme.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn bare(name: &str) -> Result<Self, Error> {
        Self::new(name, "")
    }

    /// What stands before the token: the scheme and a space, or nothing.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether every HTTP client removes it on a redirect to another origin. reqwest removes some others, ureq only this one.
    pub(crate) fn is_removed_on_redirects(&self) -> bool {
        self.name == AUTHORIZATION
    }

    pub(crate) fn may_leak(&self) -> Error {
        Error::misconfigured(format!(
            "a client that follows a redirect to another origin would send it the header `{}` with the token; have the \
             client follow no redirects, and say so with `Authorizer::without_redirects`",
            self.name
        ))
    }
}

/// What stands before the token by default (RFC 6750 section 2.1).
pub(crate) const BEARER: &str = "Bearer ";

/// The longest scheme. Those that are registered have less than twenty characters.
const MAX_SCHEME: usize = 256;

/// Headers by which HTTP itself works.
const OF_HTTP: [HeaderName; 9] =
    [CONNECTION, CONTENT_LENGTH, COOKIE, HOST, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Whether the headers have this one. `None` stands for `Authorization`.
#[inline]
pub(crate) fn has_header(headers: &HeaderMap, header: Option<&AuthHeader>) -> bool {
    match header {
        None => headers.contains_key(AUTHORIZATION),
        Some(header) => headers.contains_key(&header.name),
    }
}

/// Adds the header. Returns `false`, and changes nothing, if there is one (R21). `None` stands for `Authorization`.
///
/// It is an error, and not a panic, if the request has no room for another header.
#[inline]
pub(crate) fn put(
    headers: &mut HeaderMap,
    header: Option<&AuthHeader>,
    value: HeaderValue,
) -> Result<bool, Error> {
    // The first header of all needs no search for another one.
    if headers.is_empty() {
        return replace(headers, header, value).map(|()| true);
    }
    let entry = match header {
        // A constant name costs less.
        None => headers.try_entry(AUTHORIZATION),
        Some(header) => headers.try_entry(&header.name),
    };
    match entry.map_err(|_| no_room())? {
        Entry::Occupied(_) => Ok(false),
        Entry::Vacant(vacant) => vacant.try_insert(value).map(|_| true).map_err(|_| no_room()),
    }
}

/// Replaces the header, or adds it.
pub(crate) fn replace(
    headers: &mut HeaderMap,
    header: Option<&AuthHeader>,
    value: HeaderValue,
) -> Result<(), Error> {
    let inserted = match header {
        None => headers.try_insert(AUTHORIZATION, value),
        Some(header) => headers.try_insert(&header.name, value),
    };
    inserted.map(drop).map_err(|_| no_room())
}

#[cold]
fn no_room() -> Error {
    Error::misconfigured("the request has no room for the header with the token; send fewer headers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r70_a_header_has_a_name_and_a_scheme_that_http_allows() {
        let made = |name, scheme| AuthHeader::new(name, scheme).map(|header| header.prefix);
        assert_eq!(made("X-Vault-Token", "").as_deref().ok(), Some(""));
        assert_eq!(made("authorization", "OAuth").as_deref().ok(), Some("OAuth "));
        for (name, scheme) in [
            ("", ""),
            ("x y", ""),
            ("x:", ""),
            ("Host", ""),
            ("cookie", "a"),
            ("Content-Length", ""),
            ("x", "a b"),
            ("x", "Bearer "),
            ("x", "a\r\nb"),
            ("x", &"a".repeat(MAX_SCHEME + 1)),
        ] {
            assert!(made(name, scheme).is_err(), "{name:?} {scheme:?}");
        }
    }

    #[test]
    fn f54_only_the_name_that_every_client_removes_is_safe_on_redirects() {
        let is_safe = |name| AuthHeader::bare(name).map(|header| header.is_removed_on_redirects()).ok();
        assert_eq!(is_safe("AUTHORIZATION"), Some(true));
        assert_eq!(is_safe("Proxy-Authorization"), Some(false));
        assert_eq!(is_safe("WWW-Authenticate"), Some(false));
        assert_eq!(is_safe("X-Auth-Token"), Some(false));
    }

    #[test]
    fn r21_a_full_map_of_headers_is_an_error() {
        let mut headers = HeaderMap::new();
        for n in 0.. {
            let name = HeaderName::try_from(format!("x-{n}"));
            let Ok(name) = name else { unreachable!() };
            if headers.try_insert(name, HeaderValue::from_static("")).is_err() {
                break;
            }
        }
        assert!(put(&mut headers, None, HeaderValue::from_static("Bearer at-1")).is_err());
    }
}
