//! What PILOT's responses mean, row by row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

use std::time::Duration;

use proptest::prelude::Strategy as _;

use super::*;
use crate::ErrorKind::{self, InvalidResponse, LoginRequired, Misconfigured, Transient};
use crate::credentials::Expiry;

/// A word that no message may repeat.
const MARK: &str = "zxq-marker";
const TOKENS: &str = r#"{"access_token":"at","expires_in":300,"refresh_expires_in":1800,"refresh_token":"rt",
    "token_type":"Bearer","not-before-policy":0,"session_state":"6f1d","scope":"profile"}"#;

fn envelope(code: u16, error_msg: &str, result: &str) -> String {
    let error_msg = serde_json::Value::from(error_msg);
    format!(
        r#"{{"code":{code},"error_msg":{error_msg},"page":0,"total":1,"num_of_pages":1,"result":{result}}}"#
    )
}

fn read(status: u16, purpose: Purpose, body: impl Into<Bytes>) -> Result<Credentials, Error> {
    let response = Response::builder().status(status).header("retry-after", "7").body(body.into()).unwrap();
    super::read(&response, purpose, &[])
}

fn error(status: u16, purpose: Purpose, body: impl Into<Bytes>) -> Error {
    read(status, purpose, body).expect_err("a response without credentials")
}

#[test]
fn the_result_is_the_identity_providers_token_response() {
    for purpose in [Purpose::Login, Purpose::Refresh] {
        let credentials = read(200, purpose, envelope(200, "", TOKENS)).unwrap();
        assert_eq!(credentials.access_token(), "at");
        assert_eq!(credentials.refresh_token(), Some("rt"));
        assert_eq!(credentials.expiry(), Expiry::After(Duration::from_secs(300)));
    }
}

#[test]
fn the_hpc_result_is_the_access_token_itself() {
    let credentials = read(200, Purpose::Login, envelope(200, "", r#""at-hpc""#)).unwrap();
    assert_eq!((credentials.access_token(), credentials.refresh_token()), ("at-hpc", None));
    assert_eq!(credentials.expiry(), Expiry::Unknown);
}

#[test]
fn r22_an_hpc_token_that_can_stand_in_no_header_is_an_error_that_does_not_show_it() {
    for token in [format!("{MARK} x"), format!("{MARK}\r\nx: y"), format!("{MARK}ü"), String::new()] {
        let result = serde_json::Value::from(token).to_string();
        let error = error(200, Purpose::Login, envelope(200, "", &result));
        assert_eq!(error.kind(), InvalidResponse);
        assert!(
            error.to_string().contains("access token") && !format!("{error:?}").contains(MARK),
            "{error}"
        );
    }
}

#[test]
fn r34_a_success_without_a_usable_result_is_a_failure() {
    for body in [
        envelope(200, "", "[]"),
        envelope(200, "", "null"),
        envelope(200, "", "{}"),
        envelope(200, "", r#"{"access_token":null}"#),
        r#"{"code":200}"#.into(),
        "{}".into(),
        TOKENS.into(),
    ] {
        assert_eq!(error(200, Purpose::Login, body.clone()).kind(), InvalidResponse, "{body}");
    }
}

/// What each status means. The envelope's code counts where a proxy made it 200.
#[test]
fn r09_every_row_of_the_contract() {
    let rows: &[(Purpose, u16, &str, ErrorKind)] = &[
        (Purpose::Login, 401, "User is disabled", LoginRequired),
        (Purpose::Login, 403, "", LoginRequired),
        (Purpose::Login, 404, "User not found", LoginRequired),
        (Purpose::Login, 400, "", Misconfigured),
        (Purpose::Login, 405, "", Misconfigured),
        (Purpose::Login, 500, "User authentication failed : timeout", Transient),
        (Purpose::Login, 500, "Unable to get token", Transient),
        (Purpose::Refresh, 500, "Unable to get token", LoginRequired),
        (Purpose::Refresh, 500, "Unable to get token : invalid_grant", LoginRequired),
        (Purpose::Refresh, 500, "no route to host", Transient),
        (Purpose::Refresh, 500, "", Transient),
        (Purpose::Refresh, 400, "", LoginRequired),
        (Purpose::Refresh, 401, "", LoginRequired),
        (Purpose::Refresh, 404, "", LoginRequired),
        (Purpose::Refresh, 401, "Token is not active", LoginRequired),
    ];
    let gateway = [502, 503, 504, 408, 429].into_iter().flat_map(|status| {
        [Purpose::Login, Purpose::Refresh].map(|purpose| (purpose, status, "Unable to get token", Transient))
    });
    for (purpose, status, error_msg, kind) in rows.iter().copied().chain(gateway) {
        for http_status in [status, 200] {
            let error = error(http_status, purpose, envelope(status, error_msg, "[]"));
            assert_eq!(error.kind(), kind, "{purpose:?} {http_status} {status} {error_msg}: {error}");
            let unspent = matches!(status, 408 | 429 | 503);
            assert_eq!(!error.may_have_been_processed(), unspent, "{purpose:?} {http_status} {status}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            // Only PILOT's reason makes a refusal of a refresh definite, and a 500 never is.
            let in_doubt = purpose == Purpose::Refresh && (error_msg.is_empty() || status == 500);
            assert_eq!(
                error.is_inconclusive(),
                kind == LoginRequired && in_doubt,
                "{purpose:?} {status} {error_msg}"
            );
            if kind == Transient {
                assert!(error.to_string().contains(&status.to_string()), "{error}");
            } else if !error_msg.is_empty() {
                assert!(error.to_string().contains(error_msg), "{error}");
            }
        }
    }
}

#[test]
fn r09_fastapis_422_is_terminal_and_its_detail_is_not_echoed() {
    let body = format!(r#"{{"detail":[{{"loc":["body","password"],"input":"{MARK}","msg":"{MARK}"}}]}}"#);
    for (purpose, kind) in [(Purpose::Login, Misconfigured), (Purpose::Refresh, LoginRequired)] {
        let error = error(422, purpose, body.clone());
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("422") && !format!("{error:?}").contains(MARK), "{error}");
    }
}

#[test]
fn r09_f126_a_failure_without_an_envelope_reads_by_its_status_and_leaves_the_refresh_token_in_doubt() {
    for body in ["", "{}", "null", "[]", r#"{"message":"zxq-marker"}"#] {
        for (purpose, status, kind) in [
            (Purpose::Login, 401, LoginRequired),
            (Purpose::Login, 403, LoginRequired),
            (Purpose::Login, 404, Misconfigured),
            (Purpose::Refresh, 400, LoginRequired),
            (Purpose::Refresh, 401, LoginRequired),
            (Purpose::Refresh, 404, Transient),
            (Purpose::Refresh, 418, Transient),
            (Purpose::Refresh, 500, Transient),
            (Purpose::Login, 502, Transient),
            (Purpose::Refresh, 429, Transient),
            (Purpose::Login, 307, Misconfigured),
        ] {
            let error = error(status, purpose, body.to_owned());
            assert_eq!(error.kind(), kind, "{purpose:?} {status} {body}");
            assert_eq!(error.is_inconclusive(), purpose == Purpose::Refresh && kind == LoginRequired);
            assert!(!format!("{error:?}").contains(MARK), "{error:?}");
        }
    }
}

#[test]
fn r09_f115_a_page_is_not_pilot_s_whatever_its_status() {
    let html = format!("<html>{MARK}</html>");
    for body in [html.as_str(), "{", "not found", r#"{"code":404,"error_msg":"User not fo"#] {
        for status in (400..=499).chain(500..=599) {
            for purpose in [Purpose::Login, Purpose::Refresh] {
                let error = error(status, purpose, body.to_owned());
                assert_eq!(error.kind(), Transient, "{purpose:?} {status} {body}");
                let unspent = status < 500 || status == 503;
                assert_eq!(!error.may_have_been_processed(), unspent, "{status} {body}");
                assert!(!format!("{error:?}").contains(MARK), "{error:?}");
            }
        }
        let kind = if body.starts_with("not") { InvalidResponse } else { Transient };
        assert_eq!(error(200, Purpose::Refresh, body.to_owned()).kind(), kind, "{body}");
    }
    assert_eq!(error(200, Purpose::Login, "").kind(), Transient);
}

#[test]
fn r09_a_failure_with_a_success_in_its_envelope_is_a_failure() {
    assert_eq!(error(401, Purpose::Login, envelope(200, "", TOKENS)).kind(), LoginRequired);
    assert_eq!(error(502, Purpose::Refresh, envelope(200, "", TOKENS)).kind(), Transient);
}

#[test]
fn r42_what_pilot_says_is_capped_control_free_and_without_what_was_sent() {
    let said = format!("{MARK}\r\n\u{1b}[31m{}", "x".repeat(100_000));
    let response = |status: u16| {
        Response::builder().status(status).body(Bytes::from(envelope(status, &said, "[]"))).unwrap()
    };
    for (purpose, status) in [(Purpose::Login, 401), (Purpose::Refresh, 401), (Purpose::Refresh, 500)] {
        let error = super::read(&response(status), purpose, &[MARK]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(MARK) && shown.len() < 1000, "{shown}");
        assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_response_panics(
        status in 100_u16..1000,
        code in proptest::prelude::any::<i32>(),
        error_msg: String,
        result in proptest::prop_oneof![
            proptest::prelude::any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
            proptest::prelude::Just(TOKENS.to_owned()),
            "[\\[\\]{}\":,a-z0-9]{0,20}",
        ],
    ) {
        let error_msg = serde_json::Value::from(error_msg);
        let body = format!(r#"{{"code":{code},"error_msg":{error_msg},"result":{result}}}"#);
        for purpose in [Purpose::Login, Purpose::Refresh] {
            if let Ok(credentials) = read(status, purpose, body.clone()) {
                assert!((200..300).contains(&status) && credentials.header().is_sensitive());
            }
        }
    }
}
