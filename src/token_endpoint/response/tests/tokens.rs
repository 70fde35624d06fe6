//! What a token object must contain, and how long its token lasts.

use proptest::prelude::*;

use super::*;

fn expiry(expires_in: &str) -> Expiry {
    token(format!(r#"{{"access_token":"at","expires_in":{expires_in}}}"#)).expiry()
}

fn after(seconds: f64) -> Expiry {
    Expiry::After(Duration::from_secs_f64(seconds))
}

#[test]
fn r04_f32_f35_the_lifetime_is_an_integer_a_float_or_a_numeric_string() {
    for (text, expected) in [
        ("300", after(300.0)),
        (r#""300""#, after(300.0)),
        (r#"" 300 ""#, after(300.0)),
        ("299.9", after(299.9)),
        (r#""299.9""#, after(299.9)),
        ("3e2", after(300.0)),
        ("0.5", after(0.5)),
    ] {
        assert_eq!(expiry(text), expected, "{text}");
    }
}

#[test]
fn r04_f32_f35_zero_negative_and_no_number_mean_unknown() {
    for text in [
        "0",
        "-0",
        "0.0",
        "-1",
        "-1e20",
        "-1e400",
        "1e-400",
        r#""0""#,
        r#""-1""#,
        r#""NaN""#,
        r#""nan""#,
        r#""-inf""#,
        r#""""#,
        r#""soon""#,
        r#""300s""#,
        r#""0x12c""#,
        r#""1,000""#,
        "null",
        "true",
        "false",
        "[]",
        "[300]",
        "{}",
        r#"{"seconds":300}"#,
    ] {
        assert_eq!(expiry(text), Expiry::Unknown, "{text}");
    }
    assert_eq!(token(r#"{"access_token":"at"}"#).expiry(), Expiry::Unknown);
}

#[test]
fn r04_f34_a_huge_lifetime_is_clamped() {
    for text in ["1e20", "1e400", r#""1e400""#, "18446744073709551616", "315360001", "9223372036854775807"] {
        assert_eq!(expiry(text), Expiry::After(Timing::MAX_LIFETIME), "{text}");
    }
}

proptest! {
    #[test]
    fn r04_f32_f35_any_integer_is_that_many_seconds_or_unknown_or_clamped(
        seconds in prop_oneof![any::<i64>(), -10_i64..1_000_000],
        quoted: bool,
    ) {
        let text = if quoted { format!("\"{seconds}\"") } else { seconds.to_string() };
        let expected = match u64::try_from(seconds) {
            Err(_) | Ok(0) => Expiry::Unknown,
            Ok(seconds) => Expiry::After(Duration::from_secs(seconds).min(Timing::MAX_LIFETIME)),
        };
        prop_assert_eq!(expiry(&text), expected);
    }

    #[test]
    fn r04_f32_f35_any_json_value_is_unknown_or_a_lifetime_within_bounds(value in any_json()) {
        if let Expiry::After(lifetime) = expiry(&value) {
            prop_assert!(!lifetime.is_zero() && lifetime <= Timing::MAX_LIFETIME, "{} {:?}", value, lifetime);
        }
    }

    #[test]
    fn r22_f40_any_text_as_a_token_is_usable_or_an_error_that_names_the_field(text: String) {
        check_token(&serde_json::Value::from(text.clone()).to_string(), &text);
    }

    #[test]
    fn r22_f40_any_bytes_as_a_token_are_usable_or_an_error_that_does_not_show_them(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        for field in ["access_token", "refresh_token"] {
            let body = [format!(r#"{{"access_token":"at","{field}":"{MARK}"#).as_bytes(), &bytes, b"\"}"].concat();
            if let Err(error) = read(200, Purpose::Refresh, body) {
                prop_assert!(!shown(&error).contains(MARK), "{:?}", error);
            }
        }
    }

    #[test]
    fn r34_any_json_value_in_any_member_gives_credentials_or_an_error(
        access_token in any_json(),
        token_type in any_json(),
        refresh_token in any_json(),
        error in any_json(),
        purpose in prop_oneof![Just(Purpose::Login), Just(Purpose::Refresh)],
    ) {
        let body = format!(
            r#"{{"access_token":{access_token},"token_type":{token_type},"refresh_token":{refresh_token},"error":{error}}}"#
        );
        if let Ok(credentials) = read(200, purpose, body) {
            prop_assert!(credentials.header().is_sensitive());
        }
    }
}

/// Every character that a bearer token must not contain.
#[test]
fn r22_f40_every_byte_outside_of_b64token_is_refused() {
    for character in (0..=255_u8).map(char::from) {
        let allowed = character.is_ascii_alphanumeric() || "-._~+/".contains(character);
        let token = format!("{MARK}{character}x");
        let body = serde_json::json!({ "access_token": token }).to_string();
        match read(200, Purpose::Login, body) {
            Ok(credentials) => assert!(allowed && credentials.access_token() == token, "{character:?}"),
            Err(error) => {
                assert!(!allowed, "{character:?}");
                assert_eq!(error.kind(), ErrorKind::InvalidResponse);
                assert!(error.to_string().contains("access_token") && !shown(&error).contains(MARK));
            }
        }
    }
}

#[test]
fn r22_a_refresh_token_with_a_line_break_is_an_error_that_names_the_field() {
    let error = error(200, Purpose::Login, format!(r#"{{"access_token":"at","refresh_token":"{MARK}\n"}}"#));
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("refresh_token") && !shown(&error).contains(MARK));
}

#[test]
fn r34_f37_a_success_without_a_usable_access_token_is_a_failure() {
    for body in [
        "{}",
        r#"{"token_type":"Bearer","expires_in":300}"#,
        r#"{"access_token":null}"#,
        r#"{"access_token":7}"#,
        r#"{"access_token":["at"]}"#,
        r#"{"access_token":""}"#,
        r#"{"accessToken":"at"}"#,
    ] {
        let error = error(200, Purpose::Login, body);
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{body}");
        assert!(error.to_string().contains("access_token"), "{error}");
    }
}

#[test]
fn r34_the_token_type_is_compared_without_case_and_no_other_is_taken() {
    let body = |kind: &str| format!(r#"{{"access_token":"{MARK}","token_type":{kind}}}"#);
    for bearer in [r#""Bearer""#, r#""bearer""#, r#""BEARER""#, r#""bEaReR""#] {
        assert_eq!(token(body(bearer)).access_token(), MARK);
    }
    for other in [r#""DPoP""#, r#""mac""#, r#""N_A""#, r#""Bearer ""#, r#""""#, "7", "[]"] {
        let error = error(200, Purpose::Login, body(other));
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{other}");
        assert!(error.to_string().contains("type") && !shown(&error).contains(MARK), "{error}");
    }
    assert_eq!(token(r#"{"access_token":"at"}"#).access_token(), "at", "many servers leave it out");
}

#[test]
fn r13_a_missing_null_or_empty_refresh_token_is_none() {
    for refresh_token in ["null", r#""""#, "7"] {
        let body = format!(r#"{{"access_token":"at","refresh_token":{refresh_token}}}"#);
        assert_eq!(token(body).refresh_token(), None, "{refresh_token}");
    }
    assert_eq!(token(r#"{"access_token":"at","refresh_token":"rt"}"#).refresh_token(), Some("rt"));
}

#[test]
fn odd_members_that_do_not_matter_do_no_harm() {
    let credentials = token(
        r#"{"not-before-policy":1e400,"scope":[],"session_state":{"x":null},"access_token":"at","id_token":7}"#,
    );
    assert_eq!(credentials.access_token(), "at");
}

#[test]
fn of_a_member_that_comes_twice_the_last_one_counts() {
    let got = token(r#"{"access_token":"at-1","scope":"a","scope":"b","access_token":"at-2"}"#);
    assert_eq!(got.access_token(), "at-2");
}

fn check_token(json: &str, text: &str) {
    for field in ["access_token", "refresh_token"] {
        match read(200, Purpose::Refresh, format!(r#"{{"access_token":"at","{field}":{json}}}"#)) {
            Ok(credentials) => assert!(credentials.header().is_sensitive(), "{json}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidResponse);
                assert!(error.to_string().contains(field), "{error}");
                // A shorter text may be in the message by chance.
                assert!(text.chars().count() < 4 || !shown(&error).contains(text), "{error}");
            }
        }
    }
}

/// The text of any JSON value, numbers of any size included.
fn any_json() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u128>().prop_map(|n| n.to_string()),
        (any::<i32>(), 0_u32..10_000, -500_i32..500)
            .prop_map(|(int, part, exp)| format!("{int}.{part}e{exp}")),
    ];
    let leaf = prop_oneof![
        number.clone(),
        number.prop_map(|n| format!("\"{n}\"")),
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("\"NaN\"".to_owned()),
        Just("\"Bearer\"".to_owned()),
        "[a-zA-Z0-9._~+/-]{1,20}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            inner.prop_map(|value| format!(r#"{{"expires_in":{value}}}"#)),
        ]
    })
}
