//! R9: the status decides first, then the member `error`.

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
        assert_eq!(read_tokens(&response, purpose, &[]).unwrap_err().kind(), Transient);
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
        let error = read_tokens(&response, Purpose::Refresh, &[MARK]).unwrap_err();
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

#[test]
fn r09_a_byte_order_mark_is_skipped() {
    assert_eq!(token("\u{feff}{\"access_token\":\"at\"}").access_token(), "at");
    let body = format!("\u{feff}{}", oauth("invalid_grant"));
    assert!(is_definite(&error(400, Purpose::Refresh, body)));
    assert_eq!(error(200, Purpose::Refresh, "\u{feff}").kind(), Transient);
}

#[test]
fn r09_a_form_encoded_success_is_an_invalid_response_that_says_what_to_do() {
    for (content_type, body) in [
        ("text/plain", "access_token=zxq-marker&token_type=bearer"),
        ("text/plain", "scope=x&access_token=zxq-marker"),
        ("application/x-www-form-urlencoded", "error_description=zxq-marker"),
        ("Application/x-www-form-urlencoded; charset=utf-8", "zxq-marker"),
    ] {
        let mut response = response(200, body);
        response.headers_mut().insert("content-type", content_type.parse().unwrap());
        let error = read_tokens(&response, Purpose::Refresh, &[]).unwrap_err();
        assert_eq!(error.kind(), InvalidResponse, "{body}");
        assert!(error.to_string().contains("form-encoded body, which this crate does not read"), "{error}");
        assert!(!shown(&error).contains(MARK));
    }
}

#[test]
fn r09_a_success_that_is_certainly_no_json_object_is_an_invalid_response() {
    for body in [
        r#"{"access_token":"at"}x"#,
        r#")]}'{"access_token":"at"}"#,
        r#"x{"access_token":"at"}"#,
        r#"{access_token:"at"}"#,
        "OK",
        "[]",
        "[1",
        "null",
        "7",
        "\"at\"",
        "\u{0}",
    ] {
        let error = error(200, Purpose::Refresh, body);
        assert_eq!(error.kind(), InvalidResponse, "{body}");
        assert!(error.to_string().contains("not a JSON object"), "{error}");
    }
}

#[test]
fn r09_f27_an_empty_success_is_transient() {
    for status in [200, 201, 204] {
        let error = error(status, Purpose::Refresh, "");
        assert_eq!(error.kind(), Transient);
        assert!(error.may_have_been_processed(), "the refresh token may be spent");
        assert!(error.to_string().contains("an empty body"), "{error}");
    }
}

#[test]
fn r09_a_torn_response_is_transient() {
    let whole = format!(
        r#"{{"access_token":"at","x":{{"ü":["\\u00fc",1]}},"refresh_token":"{MARK}","expires_in":300}}"#
    );
    for length in 1..whole.len() {
        let error = error(200, Purpose::Refresh, whole.as_bytes()[..length].to_owned());
        assert_eq!(error.kind(), Transient, "{length}");
        assert!(error.may_have_been_processed(), "the refresh token may be spent");
        assert!(!shown(&error).contains(MARK));
    }
}

#[test]
fn r09_f28_html_is_transient_and_not_echoed() {
    for status in [200, 202, 502, 500] {
        let error = error(status, Purpose::Refresh, HTML);
        assert_eq!(error.kind(), Transient, "{status}");
        assert!(!shown(&error).contains(MARK) && !shown(&error).contains('<'), "{error:?}");
    }
    for purpose in [Purpose::Login, Purpose::Refresh] {
        let error = error(403, purpose, HTML);
        assert!(!shown(&error).contains(MARK) && !shown(&error).contains('<'), "{error:?}");
    }
}

#[test]
fn r32_a_redirect_is_an_error_that_says_what_to_do() {
    for status in [301, 302, 303, 307, 308] {
        let mut response = response(status, "");
        response.headers_mut().insert("location", format!("https://elsewhere.test/{MARK}").parse().unwrap());
        let error = read_tokens(&response, Purpose::Refresh, &[]).unwrap_err();
        assert_eq!(error.kind(), Misconfigured);
        assert!(error.to_string().contains("redirects are not followed"), "{error}");
        assert!(!shown(&error).contains(MARK));
    }
}

#[test]
fn r34_a_success_with_an_error_member_is_a_failure() {
    let body = |code: &str| format!(r#"{{"access_token":"at","token_type":"Bearer","error":{code}}}"#);
    assert_eq!(error(200, Purpose::Refresh, body(r#""bad_refresh_token""#)).kind(), LoginRequired);
    assert_eq!(error(200, Purpose::Login, body(r#""invalid_grant""#)).kind(), LoginRequired);
    assert_eq!(error(200, Purpose::Login, body(r#""invalid_client""#)).kind(), Misconfigured);
    for odd in ["7", "true", r#"["x"]"#, r#"{"code":401,"message":"no"}"#] {
        let error = error(200, Purpose::Login, body(odd));
        assert_eq!(error.kind(), InvalidResponse, "{odd}");
        assert!(error.to_string().contains("`error`"), "{error}");
    }
    // Some servers send the member with every response.
    for none in ["null", r#""""#] {
        assert_eq!(token(body(none)).access_token(), "at");
    }
}

#[test]
fn r42_what_a_server_says_is_capped_and_control_free() {
    let body = serde_json::json!({
        "error": format!("\u{1b}[31m{}", "e".repeat(100_000)),
        "error_description": format!("a\r\nb\u{0}\u{202e}{}{MARK}", "d ".repeat(100_000)),
    });
    for purpose in [Purpose::Login, Purpose::Refresh] {
        for status in [200, 400] {
            let said = error(status, purpose, body.to_string()).to_string();
            assert!(said.contains("d d d") && !said.contains("eee"), "{said}");
            assert!(said.chars().count() < 700, "{}", said.len());
            assert!(!said.chars().any(|c| c.is_control() || c == '\u{202e}'), "{said:?}");
            assert!(!said.contains(MARK));
        }
    }
}

#[test]
fn r42_a_body_is_never_echoed_beyond_error_and_error_description() {
    let body = format!(r#"{{"message":"{MARK}","error_uri":"{MARK}","detail":[{{"input":"{MARK}"}}]}}"#);
    for status in [200, 302, 400, 401, 422, 429, 500, 503] {
        for purpose in [Purpose::Login, Purpose::Refresh] {
            let error = error(status, purpose, body.clone());
            assert!(!shown(&error).contains(MARK), "{status}: {error:?}");
        }
    }
}

#[test]
fn f29_retry_after_is_seconds_or_a_date() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let wait = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers, now)
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
    assert_eq!(wait("0"), seconds(0));
    assert_eq!(wait(" 120 "), seconds(120));
    // The three forms of RFC 9110 section 5.6.7, 90 s on.
    assert_eq!(wait("Sun, 06 Nov 1994 08:51:07 GMT"), seconds(90));
    assert_eq!(wait("Sunday, 06-Nov-94 08:51:07 GMT"), seconds(90));
    assert_eq!(wait("Sun Nov  6 08:51:07 1994"), seconds(90));
    assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), seconds(0), "it is over");
    for nonsense in ["", "soon", "-5", "1.5", "99999999999999999999", "Sun, 99 Nov 1994 08:51:07 GMT"] {
        assert_eq!(wait(nonsense), None, "{nonsense}");
    }
}

#[test]
fn r10_f29_the_wait_is_handed_on_with_every_4xx_and_5xx() {
    for status in 400..=599 {
        for body in ["", HTML, &oauth("invalid_grant"), &oauth("invalid_client"), "{}"] {
            for purpose in [Purpose::Login, Purpose::ClientLogin, Purpose::Refresh, Purpose::Revoke] {
                let mut response = response(status, body.to_owned());
                response.headers_mut().insert(RETRY_AFTER, "7".parse().unwrap());
                let error = read_tokens(&response, purpose, &[]).unwrap_err();
                assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{status} {body}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn r09_no_response_panics_and_no_response_is_echoed(
        status in 100_u16..1000,
        before in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
        after in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
    ) {
        let body = [&before[..], MARK.as_bytes(), &after[..]].concat();
        for purpose in [Purpose::Login, Purpose::Refresh] {
            // Random bytes are never a token response.
            let error = error(status, purpose, body.clone());
            assert!(!shown(&error).contains(MARK), "{error:?}");
        }
    }
}
