//! How far a request came that got no response (R36, R38), over whatever HTTP client.
//!
//! The clients say it in error types of their own. They are not dependencies of this crate, and a program may have
//! several versions of them. So what counts here are the kinds of `io::Error`, and the texts of hyper-util, h2, rustls and
//! the native TLS libraries, which have not changed for years. The tests run them, so that a change is noticed. A text that
//! is not known means the safe thing: the request may have been received.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;

use super::clean;
use crate::error::Error;

type BoxError = Box<dyn StdError + Send + Sync>;

/// In any of the causes: a connection never came to be.
const UNREACHED: &[&str] = &[
    // hyper-util, around every error of its connector: the name, the connection, the TLS handshake.
    "client error (Connect)",
    // hyper-util's connector on its own.
    "dns error",
    "tcp connect error",
];

/// In any of the causes: the server did not act on the request, or never got it.
const NOT_PROCESSED: &[&str] = &[
    // h2: REFUSED_STREAM from the server (RFC 9113 section 8.7).
    "stream error received: refused stream",
    // h2: GOAWAY from the server. Only streams above its last stream id end with it (RFC 9113 section 6.8).
    "connection error received: ",
    // hyper-util: the connection ended before the request was written to it.
    "client error (Canceled)",
];

/// What can't mend itself, and the remedy.
const HOPELESS: &[(&[&str], &str)] = &[
    (
        // hyper-util's connector; reqwest without a TLS feature uses the same.
        &["scheme is not http"],
        "the client does not speak https; enable a TLS feature of reqwest, or give the transport a connector with TLS",
    ),
    (
        // hyper-rustls, hyper-tls, reqwest.
        &["unsupported scheme", "https required but URI was not https", "URL scheme is not allowed"],
        "the client does not speak the scheme of this URL; use another URL, or another transport",
    ),
    (
        &["scheme is missing", "host is missing", "(UserAbsoluteUriRequired)"],
        "the client does not accept this URL; use an absolute one",
    ),
    (
        // rustls; OpenSSL; macOS; Windows.
        &[
            "UnknownIssuer",
            // An authority of the same name, with another key.
            "peer certificate: BadSignature",
            // A certificate that signs itself, and may sign others.
            "CaUsedAsEndEntity",
            "self-signed certificate",
            "self signed certificate",
            "unable to get local issuer certificate",
            "unable to get issuer certificate",
            "certificate was not trusted",
            "certificate is not trusted",
            "root certificate which is not trusted",
        ],
        "its certificate is from an authority that the client does not trust; add the authority to the client's roots, \
         with `TokenEndpoint::transport`, or to those of the machine",
    ),
    (
        // rustls; OpenSSL.
        &[
            "certificate not valid for name",
            "NotValidForName",
            "certificate is only valid for",
            "Hostname mismatch",
        ],
        "its certificate is for another name; use a name that is in the certificate",
    ),
];

/// The request was certainly not sent, for whatever reason: a refresh token in it is unspent.
pub(super) fn unsent(error: impl Into<BoxError>) -> Error {
    let error = error.into();
    match remedy(&*error) {
        Some(remedy) => hopeless(remedy, error),
        None => unreached(error),
    }
}

/// There is no response. The request may have been received, unless a cause says that it was not.
pub(super) fn unanswered(error: impl Into<BoxError>) -> Error {
    let error = error.into();
    let refused = |error: &(dyn StdError + 'static)| {
        error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused)
    };
    let is_unreached = says(&*error, UNREACHED) || causes(&*error).any(refused);
    let is_unprocessed = says(&*error, NOT_PROCESSED);
    match remedy(&*error) {
        Some(remedy) => hopeless(remedy, error),
        None if is_unreached => unreached(error),
        None if is_unprocessed => {
            let last = last_cause(&*error);
            let message = format!("the server of the token endpoint took no more requests{last}; try again");
            Error::transient(message).with_source(error).not_processed()
        }
        None => torn(error),
    }
}

/// The request was sent, and the response broke.
pub(super) fn torn(error: impl Into<BoxError>) -> Error {
    let error = error.into();
    let last = last_cause(&*error);
    let message = format!(
        "the connection to the token endpoint broke before its response was complete{last}; try again"
    );
    Error::transient(message).with_source(error)
}

fn unreached(error: BoxError) -> Error {
    let last = last_cause(&*error);
    let message = format!("the token endpoint can't be reached{last}; check its URL and the network");
    Error::transient(message).with_source(error).unreached()
}

fn hopeless(remedy: &str, error: BoxError) -> Error {
    let last = last_cause(&*error);
    Error::misconfigured(format!("the token endpoint can't be reached{last}: {remedy}")).with_source(error)
}

/// What to do, if the request can never succeed.
fn remedy(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    HOPELESS.iter().find(|(texts, _)| says(error, texts)).map(|(_, remedy)| *remedy)
}

fn says(error: &(dyn StdError + 'static), texts: &[&str]) -> bool {
    causes(error).any(|cause| {
        let said = cause.to_string();
        texts.iter().any(|text| said.contains(text))
    })
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> + use<'a> {
    successors(Some(error), |&error| error.source())
}

/// The last two causes, which say most: ": tcp connect error: Connection refused (os error 111)". They go into a sentence
/// that a program may print anywhere.
fn last_cause(error: &(dyn StdError + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for text in causes(error).map(|cause| shown(&cause.to_string())) {
        // What wraps another error says no more than that there is one, or repeats it.
        let is_wrapper = text.starts_with("client error (") || text.starts_with("error sending request");
        said.retain(|before| !before.contains(&text) && !text.contains(before.as_str()));
        if !is_wrapper && !text.is_empty() {
            said.push(text);
        }
    }
    let last = &said[said.len().saturating_sub(2)..];
    last.iter().map(|text| format!(": {text}")).collect()
}

/// Without URLs, and without the words that a server adds to a GOAWAY.
fn shown(text: &str) -> String {
    let text = text.split("(b\"").next().unwrap_or_default();
    let words = text.split_whitespace().filter(|word| !word.contains("://"));
    clean(&words.collect::<Vec<_>>().join(" "), &[])
}

#[cfg(test)]
mod tests;
