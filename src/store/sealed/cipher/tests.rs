//! Nothing opens but what was sealed, where it belongs.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::*;
use crate::error::ErrorKind;

const TEXT: &str = r#"{"access_token":"at-1"}"#;

fn version() -> Version {
    Version { sequence: 3, login: 0xc0ffee, generation: 17, write: 7 }
}

fn key() -> Key {
    Key::new("2026", [7; 32]).unwrap()
}

fn refused(sealed: &str, keys: &Keys, place: &Place<'_>) -> String {
    let error = open(sealed, keys, place).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{sealed}");
    error.to_string()
}

#[test]
fn r63_two_texts_of_the_same_credentials_differ_and_both_open() {
    let (version, keys) = (version(), Keys::new(key()));
    let place = Place { profile: "default", version: &version };
    let texts = [(); 2].map(|()| seal(TEXT, &key(), &place).unwrap());
    assert_ne!(texts[0][8..40], texts[1][8..40], "the nonce");
    for text in texts {
        assert!(text.starts_with("v1.2026."), "{text}");
        assert_eq!(*open(&text, &keys, &place).unwrap(), TEXT);
    }
}

#[test]
fn r63_a_change_of_any_character_is_refused() {
    let (version, keys) = (version(), Keys::new(key()));
    let place = Place { profile: "default", version: &version };
    let sealed = seal(TEXT, &key(), &place).unwrap();
    for at in 0..sealed.len() {
        for by in ["A", "B", "0", "_", "w", ".", "=", "", "é"] {
            let changed = format!("{}{by}{}", &sealed[..at], &sealed[at + 1..]);
            if changed != *sealed {
                refused(&changed, &keys, &place);
            }
        }
        refused(&sealed[..at], &keys, &place);
    }
    refused(&format!("{sealed}A"), &keys, &place);
}

#[test]
fn r63_a_change_of_any_bit_is_refused() {
    let (version, keys) = (version(), Keys::new(key()));
    let place = Place { profile: "default", version: &version };
    let sealed = seal(TEXT, &key(), &place).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&sealed["v1.2026.".len()..]).unwrap();
    assert_eq!(bytes.len(), NONCE + TEXT.len() + TAG);
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let text = format!("v1.2026.{}", URL_SAFE_NO_PAD.encode(changed));
        assert!(refused(&text, &keys, &place).contains("they were changed"));
    }
}

#[test]
fn r63_what_was_sealed_opens_nowhere_else() {
    let (version, keys) = (version(), Keys::new(key()));
    let sealed = seal(TEXT, &key(), &Place { profile: "work", version: &version }).unwrap();
    refused(&sealed, &keys, &Place { profile: "home", version: &version });
    let other = Version { generation: 18, ..version };
    refused(&sealed, &keys, &Place { profile: "work", version: &other });
    // Another key, or the same one under another id.
    let place = Place { profile: "work", version: &version };
    refused(&sealed, &Keys::new(Key::new("2026", [8; 32]).unwrap()), &place);
    let renamed = sealed.replace("2026", "2027");
    refused(&renamed, &Keys::new(Key::new("2027", [7; 32]).unwrap()), &place);
    assert!(open(&sealed, &keys, &place).is_ok());
}

#[test]
fn f102_a_key_that_is_not_there_is_named_with_the_remedy() {
    let version = version();
    let place = Place { profile: "default", version: &version };
    let sealed = seal(TEXT, &Key::new("2025", [1; 32]).unwrap(), &place).unwrap();
    let error = refused(&sealed, &Keys::new(key()), &place);
    assert!(error.contains("`2025`") && error.contains("Keys::with_older"), "{error}");
    // Only what can be the id of a key is shown.
    let error = refused(&sealed.replace("2025", "at 1"), &Keys::new(key()), &place);
    assert!(!error.contains("at 1"), "{error}");
}

#[test]
fn r63_a_later_format_is_refused_and_said() {
    let version = version();
    let error = refused("v2.2026.AAAA", &Keys::new(key()), &Place { profile: "default", version: &version });
    assert!(error.contains("update the program"), "{error}");
}
