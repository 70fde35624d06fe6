//! What is written and read. That no copy of a token is left in memory is tested in `tests/freed_memory.rs`.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::error::ErrorKind;
use crate::store::Entry;

fn full() -> Credentials {
    Credentials::new("at-1").unwrap().with_refresh_token("rt-1").unwrap()
}

/// Reads stored credentials with serde_json's own strings.
fn from_value(json: &str) -> Option<Credentials> {
    let value: Value = serde_json::from_str(json).ok()?;
    let credentials = Credentials::new(value["access_token"].as_str()?).ok()?;
    let credentials = match &value["refresh_token"] {
        Value::Null => credentials,
        token => credentials.with_refresh_token(token.as_str()?).ok()?,
    };
    Some(match &value["expires_at"] {
        Value::Null => credentials,
        at => credentials.with_expires_at(UNIX_EPOCH.checked_add(Duration::from_secs(at.as_u64()?))?),
    })
}

/// JSON values: strings with all kinds of escapes, right and wrong, and others.
fn any_value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9+/=]{1,4}",
        "[^\"\\\\]",
        prop::sample::select(vec![r#"\""#, r"\\", r"\/", r"\n", r"\b", r"\t", r"\x", r"\", r"\u", r"\u12"])
            .prop_map_into(),
        "\\\\u00[0-9a-fA-F]{2}",
        "\\\\u[0-9a-fA-F]{4}",
        "\\\\u[dD][89abAB][0-9a-f]{2}\\\\u[dD][c-fC-F][0-9a-f]{2}",
    ];
    let string = prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()));
    let other = prop::sample::select(vec!["null", "7", "-1", "1.5", "1e3", "-0", "[]", "{}", "true", " 7 "]);
    prop_oneof![6 => string, 2 => other.prop_map_into(), 2 => any::<u64>().prop_map(|number| number.to_string())]
}

proptest! {
    #[test]
    fn what_is_written_as_json_is_read_again(
        access in "[a-zA-Z0-9._~+/-]{1,40}={0,2}",
        refresh in prop::option::of("[^\\pC]{1,40}"),
        expires_at in prop::option::of(0_u64..1 << 62),
        fields in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
    ) {
        let mut credentials = Credentials::new(access).unwrap();
        for (name, value) in &fields {
            credentials = credentials.with_field(name, value);
        }
        if let Some(refresh) = refresh {
            credentials = credentials.with_refresh_token(refresh).unwrap();
        }
        if let Some(seconds) = expires_at {
            credentials = credentials.with_expires_at(UNIX_EPOCH + Duration::from_secs(seconds));
        }
        let read = Credentials::from_json(&credentials.expose_json()).unwrap();
        prop_assert!(read.same_tokens(&credentials));
        prop_assert_eq!(read.expires_at(), credentials.expires_at());
        for read in [read, Entry::from_text(&Entry::new(credentials).expose_text()).unwrap().credentials().unwrap().clone()] {
            for (name, value) in &fields {
                prop_assert_eq!(read.field(name), Some(value.as_str()));
            }
            prop_assert_eq!(read.fields().map_or(0, |fields| fields.len()), fields.len());
        }
    }

    #[test]
    fn no_text_read_as_json_panics_or_is_repeated(
        text in prop_oneof![any::<String>(), "[ -~]{0,8}", any_value()],
    ) {
        if let Err(error) = Credentials::from_json(&text) {
            prop_assert_eq!(error.kind(), ErrorKind::Store);
            prop_assert!(error.to_string().starts_with("stored credentials: no usable "));
        }
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(
        access in prop_oneof![any_value(), "\"[a-z]{1,8}\""],
        others in prop::collection::btree_map(
            prop::sample::select(vec!["refresh_token", "expires_at"]), any_value(), 0..3,
        ),
        key in prop::sample::select(vec!["access_token", r"\u0061ccess_token", "access"]),
    ) {
        let others = others.iter().map(|(key, value)| format!(r#","{key}":{value}"#)).collect::<String>();
        let json = format!(r#"{{"{key}":{access}{others},"mo\"re":[{{"a":"\n"}},-1e3]}}"#);
        let (read, expected) = (Credentials::from_json(&json).ok(), from_value(&json));
        prop_assert_eq!(read.is_some(), expected.is_some(), "{}", json);
        if let (Some(read), Some(expected)) = (read, expected) {
            prop_assert!(read.same_tokens(&expected), "{}", json);
            prop_assert_eq!(read.expires_at(), expected.expires_at());
        }
    }
}

#[test]
fn what_is_written_names_its_parts() {
    let json = full().with_expires_at(UNIX_EPOCH + Duration::from_millis(7999)).expose_json();
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        value,
        serde_json::json!({ "access_token": "at-1", "refresh_token": "rt-1", "expires_at": 7 })
    );
}

#[test]
fn what_is_no_stored_credential_is_an_error_that_names_the_part() {
    for (json, part) in [
        ("", "JSON object"),
        ("{", "JSON object"),
        ("\u{0}", "JSON object"),
        ("null", "access_token"),
        ("[]", "access_token"),
        (r#"["at-1","rt-1",7]"#, "access_token"),
        ("\"at-1\"", "access_token"),
        ("{}", "access_token"),
        (r#"{"access_token":7}"#, "access_token"),
        (r#"{"access_token":"a","access_token":"b"}"#, "access_token"),
        (r#"{"access_token":""}"#, "access_token"),
        (r#"{"access_token":"a b"}"#, "access_token"),
        (r#"{"access_token":"a","refresh_token":""}"#, "refresh_token"),
        (r#"{"access_token":"a","refresh_token":"\n"}"#, "refresh_token"),
        (r#"{"access_token":"a","refresh_token":7}"#, "refresh_token"),
        (r#"{"access_token":"a","expires_at":18446744073709551615}"#, "expires_at"),
        (r#"{"access_token":"a","expires_at":-1}"#, "expires_at"),
        (r#"{"access_token":"a","expires_at":"soon"}"#, "expires_at"),
        (r#"{"access_token":"a","expires_at":[1]}"#, "expires_at"),
    ] {
        let error = Credentials::from_json(json).unwrap_err();
        let expected = format!("stored credentials: no usable {part}; clear the store and log in again");
        assert_eq!(error.kind(), ErrorKind::Store, "{json}");
        assert_eq!(error.to_string(), expected, "{json}");
    }
}

#[test]
fn what_is_absent_or_null_is_unknown() {
    for json in
        [r#"{"access_token":"a"}"#, r#"{"access_token":"a","refresh_token":null,"expires_at":null,"more":1}"#]
    {
        let credentials = Credentials::from_json(json).unwrap();
        assert_eq!((credentials.refresh_token(), credentials.expires_at()), (None, None));
    }
}

#[test]
fn a_time_before_1970_is_not_written_as_unknown() {
    // A token that expired that long ago must not come back as one that never expires.
    let credentials = full().with_expires_at(UNIX_EPOCH - Duration::from_secs(1));
    let read = Credentials::from_json(&credentials.expose_json()).unwrap();
    assert_eq!(read.expires_at(), Some(UNIX_EPOCH));
}

#[test]
fn r85_fields_are_a_member_of_their_own_and_must_be_texts() {
    let json = full().with_field("scope", "a \"b\"\n").expose_json();
    assert!(json.contains(r#""fields":{"scope":"a \"b\"\n"}"#), "{}", *json);
    assert!(!full().expose_json().contains("fields"));
    for fields in ["7", "[]", r#"{"a":7}"#, r#"{"a":null}"#, r#"{"a":{"b":"c"}}"#, "\"a\""] {
        for error in [
            Credentials::from_json(&format!(r#"{{"access_token":"at","fields":{fields}}}"#)).unwrap_err(),
            Entry::from_text(&format!(r#"{{"access_token":"at","fields":{fields}}}"#)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Store, "{fields}");
            assert!(error.to_string().contains("fields"), "{error}");
        }
    }
    for fields in ["null", "{}"] {
        let read = Credentials::from_json(&format!(r#"{{"access_token":"at","fields":{fields}}}"#)).unwrap();
        assert!(read.fields().is_none(), "{fields}");
    }
}
