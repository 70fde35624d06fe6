//! What an error says, by its causes. `tests/it/endpoint/reach.rs` has the real clients.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::*;
use crate::ErrorKind;

/// Errors that cause each other, the outermost first.
#[derive(Debug)]
struct Chain(&'static str, Option<Box<Chain>>);

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Chain {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn chain(texts: &[&'static str]) -> Chain {
    let cause = (texts.len() > 1).then(|| Box::new(chain(&texts[1..])));
    Chain(texts[0], cause)
}

#[test]
fn r36_what_can_not_mend_itself_is_misconfigured_and_says_the_remedy() {
    for (texts, said) in [
        (&["client error (Connect)", "invalid URL, scheme is not http"][..], "TLS feature of reqwest"),
        (&["client error (Connect)", "unsupported scheme unix"], "scheme of this URL"),
        (&["https required but URI was not https"], "scheme of this URL"),
        (&["client error (UserAbsoluteUriRequired)"], "an absolute one"),
        (&["client error (Connect)", "invalid peer certificate: UnknownIssuer"], "roots"),
        (&["error:0A000086:SSL routines:certificate verify failed", "self-signed certificate"], "roots"),
        (&["certificate verify failed: unable to get local issuer certificate"], "roots"),
        (&["The certificate was not trusted."], "roots"),
        (&["invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))"], "roots"),
        (
            &[
                "invalid peer certificate: certificate not valid for name \"a.test\"; certificate is only valid for DnsName(\"b.test\")",
            ],
            "another name",
        ),
        (
            &[
                "terminated in a root certificate which is not trusted by the trust provider. (os error -2146762487)",
            ],
            "roots",
        ),
    ] {
        for error in [unanswered(chain(texts)), unsent(chain(texts))] {
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{texts:?}");
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.source().is_some());
        }
    }
}

#[test]
fn r38_unreached_unprocessed_or_neither() {
    let rows: &[(&[&str], bool, bool)] = &[
        (&["client error (Connect)", "dns error", "failed to lookup address information"], true, true),
        (&["dns error", "failed to lookup address information"], true, true),
        (&["client error (Connect)", "received corrupt message of type InvalidContentType"], true, true),
        (
            &[
                "client error (SendRequest)",
                "http2 error",
                "stream error received: refused stream before processing any application logic",
            ],
            false,
            true,
        ),
        (
            &[
                "client error (SendRequest)",
                "http2 error",
                "connection error received: not a result of an error",
            ],
            false,
            true,
        ),
        (&["client error (Canceled)", "connection closed"], false, true),
        (&["client error (SendRequest)", "connection closed before message completed"], false, false),
        (&["http2 error", "stream error received: unexpected internal error encountered"], false, false),
        (
            &[
                "http2 error",
                "stream error sent by user: refused stream before processing any application logic",
            ],
            false,
            false,
        ),
        (&["http2 error", "connection error detected: flow-control protocol violated"], false, false),
    ];
    for (texts, is_unreached, is_unprocessed) in rows {
        let error = unanswered(chain(texts));
        assert_eq!(error.kind(), ErrorKind::Transient, "{texts:?}");
        assert_eq!(error.is_unreached(), *is_unreached, "{texts:?}");
        assert_eq!(!error.may_have_been_processed(), *is_unprocessed, "{texts:?}");
        // In the middle of a response nothing of this counts.
        assert!(torn(chain(texts)).may_have_been_processed(), "{texts:?}");
    }
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut, io::ErrorKind::BrokenPipe] {
        assert!(unanswered(io::Error::from(kind)).may_have_been_processed(), "{kind}");
    }
    assert!(unanswered(io::Error::from(io::ErrorKind::ConnectionRefused)).is_unreached());
}

#[test]
fn r36_the_last_causes_are_in_the_sentence_without_urls_and_without_a_server_s_words() {
    for (texts, said) in [
        (
            &[
                "error sending request",
                "client error (Connect)",
                "dns error",
                "failed to lookup address information: Name or service not known",
            ][..],
            "the token endpoint can't be reached: dns error: failed to lookup address information: Name or service not known; \
             check its URL and the network",
        ),
        (
            &["client error (Connect)", "unexpected EOF during handshake", "unexpected EOF during handshake"],
            "the token endpoint can't be reached: unexpected EOF during handshake; check its URL and the network",
        ),
        (
            &["client error (Connect)", "tunnel to https://id.test/token?key=canary failed"],
            "the token endpoint can't be reached: tunnel to failed; check its URL and the network",
        ),
        (
            &["http2 error", "connection error received: not a result of an error (b\"canary\")"],
            "the server of the token endpoint took no more requests: http2 error: connection error received: not a result of \
             an error; try again",
        ),
        (
            &["odd aB3aB3aB3aB3aB3aB3aB3aB3"],
            "the connection to the token endpoint broke before its response was complete: odd [redacted]; try again",
        ),
    ] {
        assert_eq!(unanswered(chain(texts)).to_string(), said);
    }
}
