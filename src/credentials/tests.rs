//! Which tokens are taken, and that none is shown.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use proptest::prelude::*;

use std::time::UNIX_EPOCH;

use super::*;
use crate::error::ErrorKind;

fn full() -> Credentials {
    Credentials::new("at-1").unwrap().with_refresh_token("rt-1").unwrap()
}

#[test]
fn an_access_token_alone() {
    let credentials = Credentials::new("at").unwrap();
    assert_eq!((credentials.access_token(), credentials.refresh_token()), ("at", None));
    assert_eq!(credentials.expires_at(), None);
}

#[test]
fn an_access_token_and_a_refresh_token() {
    let credentials = Credentials::new("at").unwrap().with_refresh_token("rt").unwrap();
    assert_eq!((credentials.access_token(), credentials.refresh_token()), ("at", Some("rt")));
}

#[test]
fn both_are_immutable_a_change_makes_another() {
    let first = full();
    let second = first.clone().with_refresh_token("rt-2").unwrap().with_lifetime(Duration::from_secs(1));
    assert_eq!(first.refresh_token(), Some("rt-1"));
    assert_eq!(first.expiry(), Expiry::Unknown);
    assert_eq!(second.refresh_token(), Some("rt-2"));
    assert!(second.same_access_token(&first) && !second.same_tokens(&first));
}

#[test]
fn r04_a_lifetime_of_zero_is_unknown_and_a_huge_one_is_clamped() {
    let lifetime = |lifetime| full().with_lifetime(lifetime).expiry();
    assert_eq!(lifetime(Duration::ZERO), Expiry::Unknown);
    assert_eq!(lifetime(Duration::from_nanos(1)), Expiry::After(Duration::from_nanos(1)));
    assert_eq!(lifetime(Duration::MAX), Expiry::After(Timing::MAX_LIFETIME));
}

#[test]
fn r22_the_header_is_bearer_and_sensitive() {
    let credentials = full();
    let header = credentials.header();
    assert_eq!(header, "Bearer at-1");
    assert!(header.is_sensitive());
}

#[test]
fn r40_debug_shows_no_token() {
    let credentials =
        Credentials::new("canary-access").unwrap().with_refresh_token("canary-refresh").unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(5);
    for shown in [credentials.clone(), credentials.clone().with_expires_at(at)] {
        let shown = format!("{shown:?} {shown:#?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("[redacted]"), "{shown}");
    }
    let without = format!("{:?}", Credentials::new("canary").unwrap());
    assert!(without.contains("refresh_token: None"), "{without}");
}

#[test]
fn r40_a_refused_token_is_not_in_the_error() {
    let error = Credentials::new("canary with a space").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().starts_with("access token: "), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
    let error = full().with_refresh_token("canary\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().starts_with("refresh token: "), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn f40_no_control_character_stands_in_a_token() {
    for control in (0..=0x1f).chain([0x7f, 0x80, 0x85, 0x9f]).filter_map(char::from_u32) {
        for token in [format!("{control}at"), format!("a{control}t"), format!("at{control}")] {
            assert!(Credentials::new(token.as_str()).is_err(), "{control:?}");
            assert!(full().with_refresh_token(token).is_err(), "{control:?}");
        }
    }
}

#[test]
fn a_refresh_token_may_be_any_other_text() {
    for token in ["with a space", "\u{fc}mlaut", "{}\"'\\", "%00"] {
        assert_eq!(full().with_refresh_token(token).unwrap().refresh_token(), Some(token));
    }
    assert!(full().with_refresh_token("").is_err());
}

/// RFC 6750 section 2.1, spelled out the long way.
fn is_b64token_by_hand(token: &str) -> bool {
    let mut padding = false;
    for (at, c) in token.chars().enumerate() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' | '+' | '/' if !padding => {}
            '=' if at > 0 => padding = true,
            _ => return false,
        }
    }
    !token.is_empty()
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-zA-Z0-9._~+/=-]{0,20}", "[ -~]{0,8}", "[a-c=\r\n\t]{0,6}"]
}

proptest! {
    #[test]
    fn r22_a_token_of_a_server_is_taken_if_and_only_if_it_is_a_b64token(token in any_text()) {
        prop_assert_eq!(Credentials::of_server(&token).is_some(), is_b64token_by_hand(&token));
    }

    #[test]
    fn r71_a_token_of_the_program_is_taken_if_and_only_if_it_is_visible_ascii(token in any_text()) {
        let taken = Credentials::new(token.as_str());
        let is_visible = !token.is_empty() && token.chars().all(|c| ('!'..='~').contains(&c));
        prop_assert_eq!(taken.is_ok(), is_visible);
        if let Ok(credentials) = taken {
            let header = credentials.header();
            prop_assert_eq!(header.to_str().unwrap(), format!("Bearer {token}"));
        }
    }
}

#[test]
fn a_copy_is_the_same_in_memory_of_its_own() {
    let at = UNIX_EPOCH + Duration::from_secs(1);
    let given = Credentials::new("at").unwrap().with_refresh_token("rt").unwrap().with_expires_at(at);
    let copy = given.copy();
    assert!(copy.same_tokens(&given) && copy.expires_at() == Some(at));
    assert!(copy.header() == given.header() && copy.header().is_sensitive());
    // A clone of a header value shares its memory, and writes to a counter there.
    let memory = |credentials: &Credentials| credentials.header().as_bytes().as_ptr();
    assert_eq!(memory(&given.clone()), memory(&given));
    assert_ne!(memory(&copy), memory(&given));
}

#[test]
fn r70_what_stands_before_the_token_can_be_another_word_or_nothing() {
    let given = Credentials::new("7|a\"b\\").unwrap().with_refresh_token("rt").unwrap();
    for prefix in ["", "OAuth ", "Bearer "] {
        let changed = given.clone().with_prefix(prefix);
        assert_eq!(changed.header_value().to_str().unwrap(), format!("{prefix}7|a\"b\\"));
        assert!(changed.header_value().is_sensitive());
        assert!(changed.same_tokens(&given));
        assert_eq!(changed.access_token(), given.access_token());
        assert_eq!(changed.copy().header(), changed.header());
        assert!(Credentials::from_json(&changed.expose_json()).unwrap().same_tokens(&given));
    }
}

#[test]
fn r85_fields_are_added_replaced_and_never_shown() {
    let bare = Credentials::new("at").unwrap();
    let first = bare.clone().with_field("id_token", "canary-1").with_field("scope", "canary-2");
    let second = first.clone().with_field("id_token", "canary-3");
    assert_eq!((bare.field("id_token"), bare.field("scope")), (None, None));
    assert_eq!((first.field("id_token"), first.field("scope")), (Some("canary-1"), Some("canary-2")));
    assert_eq!((second.field("id_token"), second.field("scope")), (Some("canary-3"), Some("canary-2")));
    assert_eq!(second.copy().field("id_token"), Some("canary-3"));
    let shown = format!("{second:?} {second:#?}");
    assert!(shown.contains("id_token") && !shown.contains("canary"), "{shown}");
}

#[test]
fn r85_what_newer_credentials_lack_is_taken_over() {
    let at = |token: &str| Credentials::new(token).unwrap();
    let older = at("at-1").with_field("a", "1").with_field("b", "1");
    for (newer, expected) in [
        (at("at-2"), [Some("1"), Some("1"), None]),
        (at("at-2").with_field("b", "2").with_field("c", "2"), [Some("1"), Some("2"), Some("2")]),
    ] {
        let both = newer.with_fields_of(&older);
        assert_eq!(["a", "b", "c"].map(|name| both.field(name)), expected);
        assert_eq!(both.access_token(), "at-2");
    }
    let newer = at("at-2").with_field("c", "2").with_fields_of(&at("at-1"));
    assert_eq!(newer.field("c"), Some("2"));
}
