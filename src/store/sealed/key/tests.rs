//! What is a key, and what an error says of a text that is none.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::*;
use crate::error::ErrorKind;

const HEX: &str = "00ff10a0b0c0d0e0f000112233445566778899aabbccddeeff0123456789abcd";

#[test]
fn r63_a_key_is_read_from_hexadecimal_and_from_both_kinds_of_base64() {
    let key = Key::from_text("k", HEX).unwrap();
    assert_eq!(*key.expose_text(), HEX);
    assert_eq!(*Key::from_text("k", &format!(" {}\n", HEX.to_uppercase())).unwrap().expose_text(), HEX);
    for alphabet in [STANDARD, URL_SAFE] {
        for padded in [true, false] {
            let config = GeneralPurposeConfig::new().with_encode_padding(padded);
            let text = GeneralPurpose::new(&alphabet, config).encode([0xfb; LENGTH]);
            assert_eq!(*Key::from_text("k", &text).unwrap().expose_text(), "fb".repeat(LENGTH), "{text}");
        }
    }
}

#[test]
fn r63_a_key_of_a_wrong_length_is_refused_with_the_remedy_and_is_not_shown() {
    for (text, says) in [
        (&HEX[2..], "it has 31 bytes"),
        (&format!("{HEX}00"), "it has 33 bytes"),
        ("c2hvcnQ=", "it has 5 bytes"),
        ("correct horse battery staple", "neither hexadecimal nor Base64"),
        ("", "neither hexadecimal nor Base64"),
        ("é", "neither hexadecimal nor Base64"),
    ] {
        let error = Key::from_text("2026", text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("key `2026`") && shown.contains(says), "{shown}");
        assert!(shown.contains("openssl rand -hex 32"), "{shown}");
        assert!(text.is_empty() || !shown.contains(text), "{shown}");
    }
}

#[test]
fn r63_the_id_of_a_key_can_stand_in_a_sealed_text() {
    for id in ["", "a.b", "a b", "ü", "a\n", &"a".repeat(65)] {
        assert_eq!(Key::random(id).unwrap_err().kind(), ErrorKind::Misconfigured, "{id}");
    }
    assert_eq!(Key::random("2026-11_a").unwrap().id(), "2026-11_a");
}

#[test]
fn r63_random_keys_differ_and_debug_shows_the_id_alone() {
    let key = Key::random("k").unwrap();
    assert_ne!(*key.expose_text(), *Key::random("k").unwrap().expose_text());
    assert_eq!(format!("{:?}", Keys::from(key)), "Keys { first: Key { id: \"k\", .. }, older: [] }");
}
