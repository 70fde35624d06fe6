//! Successes whose body is not a JSON object.

use super::*;

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
        let error = read_response(&response, Purpose::Refresh, &[]).unwrap_err();
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
