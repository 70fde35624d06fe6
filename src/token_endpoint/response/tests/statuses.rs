//! R9: the status decides first, then the member `error`.

mod others;
mod successes;

use std::time::SystemTime;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::failure::retry_after;
use super::*;
use crate::ErrorKind::{InvalidResponse, LoginRequired, Misconfigured, Transient};

const HTML: &str = "<html><body>zxq-marker</body></html>";

fn oauth(code: &str) -> String {
    format!(r#"{{"error":"{code}","error_description":"no"}}"#)
}

/// The 4xx that are read by their body.
fn refusals() -> impl Iterator<Item = u16> {
    (400..=499).filter(|status| !matches!(status, 408 | 429))
}

/// A refusal that is definite, or in doubt.
fn is_definite(error: &Error) -> bool {
    assert_eq!(error.kind(), LoginRequired, "{error}");
    !error.is_inconclusive()
}

#[test]
fn r09_a_json_error_about_the_grant_refuses_the_refresh_token_whatever_the_status() {
    for status in refusals() {
        for code in ["invalid_grant", "access_denied", "bad_refresh_token", "interaction_required", "odd"] {
            assert!(is_definite(&error(status, Purpose::Refresh, oauth(code))), "{status} {code}");
        }
    }
}

#[test]
fn r09_a_json_error_about_the_request_leaves_the_refresh_token_in_doubt() {
    for status in refusals() {
        for code in ["invalid_request", "invalid_scope", "unsupported_grant_type"] {
            assert!(!is_definite(&error(status, Purpose::Refresh, oauth(code))), "{status} {code}");
        }
    }
}

#[test]
fn r09_a_json_error_about_the_client_is_misconfigured_whatever_the_status() {
    for status in refusals() {
        for code in ["invalid_client", "unauthorized_client"] {
            for purpose in [Purpose::Login, Purpose::ClientLogin, Purpose::Refresh, Purpose::Revoke] {
                let error = error(status, purpose, oauth(code));
                assert_eq!(error.kind(), Misconfigured, "{purpose:?} {status} {code}");
                assert!(
                    error.to_string().contains(code) && error.to_string().contains("authenticates"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn r09_a_json_error_that_says_later_is_transient() {
    for purpose in [Purpose::Login, Purpose::ClientLogin, Purpose::Refresh, Purpose::Revoke] {
        let unavailable = error(400, purpose, oauth("temporarily_unavailable"));
        assert_eq!((unavailable.kind(), unavailable.may_have_been_processed()), (Transient, false));
        let failed = error(400, purpose, oauth("server_error"));
        assert_eq!((failed.kind(), failed.may_have_been_processed()), (Transient, true));
    }
}

/// Bodies without an `error`, from what may be the provider.
const SILENT: &[&str] = &[
    "",
    " \r\n",
    "[]",
    "null",
    "{}",
    r#"{"message":"no"}"#,
    r#"{"error":7}"#,
    r#"{"error":""}"#,
    r#"{"error":{"code":401}}"#,
];
/// Bodies of something else.
const PAGES: &[&str] =
    &[HTML, "not found", "{", r#"{"error":"invalid_grant""#, "404", "\"no\"", "error=invalid_grant"];

#[test]
fn r09_f126_a_refusal_without_a_reason_leaves_the_refresh_token_in_doubt() {
    for status in [400, 401, 403] {
        for body in SILENT {
            let error = error(status, Purpose::Refresh, *body);
            assert!(!is_definite(&error), "{status} {body}");
            assert!(error.to_string().contains(&format!("status {status}")), "{error}");
        }
    }
}

#[test]
fn r09_f115_a_refresh_reads_any_other_4xx_as_the_words_of_somebody_else() {
    for status in refusals() {
        let silent = SILENT.iter().filter(|_| !matches!(status, 400 | 401 | 403));
        for body in PAGES.iter().chain(silent) {
            let error = error(status, Purpose::Refresh, *body);
            assert_eq!(error.kind(), Transient, "{status} {body}");
            assert!(!error.may_have_been_processed(), "the refresh token is unspent: {status} {body}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
    }
}

#[test]
fn r09_f115_a_body_too_long_to_be_read_is_somebody_else_s() {
    for purpose in [Purpose::Login, Purpose::ClientLogin, Purpose::Refresh, Purpose::Revoke] {
        let mut response = response(400, "");
        response.extensions_mut().insert(TooLong);
        assert_eq!(read_response(&response, purpose, &[]).unwrap_err().kind(), Transient);
    }
}

#[test]
fn r09_f115_the_message_names_the_status_and_the_type_of_the_content() {
    for (content_type, shown) in [
        (Some("text/html; charset=utf-8"), "404 with text/html,"),
        (Some("application/problem+json"), "404 with application/problem+json,"),
        (Some("text/zxq-marker"), "404 with a body of unknown type,"),
        (Some("nonsense"), "404 with a body of unknown type,"),
        (None, "404 with a body of unknown type,"),
    ] {
        let mut response = response(404, HTML);
        if let Some(value) = content_type {
            response.headers_mut().insert("content-type", value.parse().unwrap());
        }
        let error = read_response(&response, Purpose::Refresh, &[MARK]).unwrap_err();
        assert!(error.to_string().contains(shown), "{error}");
        assert!(!self::shown(&error).contains(MARK));
    }
    let error = error(404, Purpose::Refresh, "");
    assert!(error.to_string().contains("404 with an empty body,"), "{error}");
}

#[test]
fn r09_f29_408_429_and_5xx_are_transient_whatever_the_body_says() {
    for status in [408, 429].into_iter().chain(500..=599) {
        for body in ["".to_owned(), HTML.into(), oauth("invalid_grant"), oauth("invalid_client")] {
            for purpose in [Purpose::Login, Purpose::Refresh] {
                let error = error(status, purpose, body.clone());
                assert_eq!(error.kind(), Transient, "{status} {body}");
                assert!(error.to_string().contains(&status.to_string()), "{error}");
                // With these, the server says that the refresh token is unspent.
                let unspent = matches!(status, 408 | 429 | 503);
                assert_eq!(error.may_have_been_processed(), !unspent, "{status}");
            }
        }
    }
}

#[test]
fn r09_a_log_in_reads_a_4xx_by_its_error_and_without_one_by_its_status() {
    let rows: &[(u16, &str, ErrorKind)] = &[
        // Keycloak: a wrong user name or password, a disabled account.
        (401, "invalid_grant", LoginRequired),
        (400, "invalid_grant", LoginRequired),
        (403, "access_denied", LoginRequired),
        // A wrong client id or secret, a scope or a grant that is not allowed.
        (401, "unauthorized_client", Misconfigured),
        (401, "invalid_client", Misconfigured),
        (400, "invalid_client", Misconfigured),
        (400, "invalid_scope", Misconfigured),
        (400, "unsupported_grant_type", Misconfigured),
        (400, "invalid_request", Misconfigured),
    ];
    for (status, code, kind) in rows {
        assert_eq!(error(*status, Purpose::Login, oauth(code)).kind(), *kind, "{status} {code}");
    }
    for body in SILENT {
        for status in [400, 401, 403] {
            assert_eq!(error(status, Purpose::Login, *body).kind(), LoginRequired, "{status} {body}");
        }
        for status in [404, 405, 410, 415, 422] {
            assert_eq!(error(status, Purpose::Login, *body).kind(), Misconfigured, "{status} {body}");
            assert_eq!(error(status, Purpose::ClientLogin, *body).kind(), Misconfigured, "{status} {body}");
        }
    }
}

/// A service has nobody who could log in: a person has to correct the settings.
#[test]
fn r09_a_client_that_is_refused_without_a_reason_is_misconfigured_and_hears_how_to_authenticate() {
    for status in [400, 401, 403] {
        for body in SILENT {
            let error = error(status, Purpose::ClientLogin, *body);
            assert_eq!(error.kind(), Misconfigured, "{status} {body}");
            assert!(error.to_string().contains("`ClientAuth::basic` or `ClientAuth::post`"), "{error}");
        }
    }
}

#[test]
fn r09_f115_a_page_is_transient_for_a_log_in_too() {
    for status in refusals() {
        for body in PAGES {
            for purpose in [Purpose::Login, Purpose::ClientLogin, Purpose::Revoke] {
                let error = error(status, purpose, *body);
                assert_eq!(error.kind(), Transient, "{purpose:?} {status} {body}");
            }
        }
    }
}
