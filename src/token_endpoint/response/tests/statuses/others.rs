//! Redirects, `Retry-After`, and what else a status says.

use super::*;

#[test]
fn r32_a_redirect_is_an_error_that_says_what_to_do() {
    for status in [301, 302, 303, 307, 308] {
        let mut response = response(status, "");
        response.headers_mut().insert("location", format!("https://elsewhere.test/{MARK}").parse().unwrap());
        let error = read_response(&response, Purpose::Refresh, &[]).unwrap_err();
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
    for none in ["null", r#""""#, "false", "0"] {
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
                let error = read_response(&response, purpose, &[]).unwrap_err();
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
