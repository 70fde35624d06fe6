//! What is written and read. That no copy of a token is left in memory is tested in `tests/freed_memory.rs`.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::error::ErrorKind;

fn full() -> Entry {
    let credentials = Credentials::new("at-1").unwrap().with_refresh_token("rt \"1\"\\").unwrap();
    let credentials = credentials.with_expires_at(UNIX_EPOCH + Duration::from_secs(1_790_000_000));
    let version = Version { sequence: 3, login: 0xc0ffee, generation: 17, write: u64::MAX };
    let holder = Holder { pid: 4711, host: "web \"3\"\u{1}".into(), since: 1_789_999_990 };
    Entry::of(version, Content::Credentials(credentials))
        .with_intent(Some(Intent { id: 0xff, holder }))
        .refused()
}

#[test]
fn what_is_written_is_read_again() {
    let none = Entry::of(*full().version(), Content::LoggedOut);
    for entry in [
        full(),
        full().with_intent(None),
        none,
        full().with_content(Content::Sealed { text: "abc\"".into(), expires_at: Some(UNIX_EPOCH) }),
    ] {
        let text = entry.expose_text();
        let read = Entry::from_text(&text).unwrap();
        assert_eq!(*read.expose_text(), *text);
        assert_eq!(read.version(), entry.version());
        assert_eq!(read.intent(), entry.intent());
        assert_eq!(read.is_logged_out(), entry.is_logged_out());
        assert_eq!(read.is_refused(), entry.is_refused());
    }
    let read = Entry::from_text(&full().expose_text()).unwrap();
    assert!(read.credentials().unwrap().same_tokens(full().credentials().unwrap()));
    assert_eq!(read.credentials().unwrap().expires_at(), full().credentials().unwrap().expires_at());
}

#[test]
fn f89_unknown_members_survive_byte_for_byte() {
    let text =
        r#"{"issuer" : "https:\/\/id.example.com","access_token":"at-1","x":{"b":[1, 2.50],"a":null}}"#;
    let entry = Entry::from_text(text).unwrap();
    let next = entry.successor(*full().version(), full().credentials().unwrap().clone());
    for entry in [entry.with_intent(full().intent().cloned()), next] {
        let text = entry.expose_text();
        assert!(text.contains(r#""issuer":"https:\/\/id.example.com""#), "{}", *text);
        assert!(text.contains(r#""x":{"b":[1, 2.50],"a":null}"#), "{}", *text);
        assert_eq!(*Entry::from_text(&text).unwrap().expose_text(), *text);
    }
}

#[test]
fn what_expose_json_wrote_is_read() {
    let credentials = full().credentials().unwrap().clone();
    let entry = Entry::from_text(&credentials.expose_json()).unwrap();
    assert!(entry.credentials().unwrap().same_tokens(&credentials));
    assert_eq!(entry.version(), Entry::new(credentials).version());
    assert!(
        Credentials::from_json(&full().expose_text()).unwrap().same_tokens(full().credentials().unwrap())
    );
}

#[test]
fn f75_no_prefix_of_a_text_is_an_entry() {
    let text = full().expose_text();
    for end in 0..text.len() {
        let error = Entry::from_text(&text[..end]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(!format!("{error:?}").contains("at-1"));
    }
}

#[test]
fn what_is_no_entry_is_refused() {
    for text in [
        "[]",
        "null",
        "{}",
        r#"["at-1"]"#,
        r#"{"access_token":7}"#,
        r#"{"access_token":"at-1","access_token":"at-2"}"#,
        r#"{"access_token":"at-1","version":"1"}"#,
        r#"{"access_token":"at-1","version":1}"#,
        r#"{"access_token":"at-1","refused":1}"#,
        r#"{"access_token":"at-1","intent":{}}"#,
        r#"{"access_token":"at-1","intent":{"id":"g","pid":1,"host":"h","since":1}}"#,
        r#"{"access_token":"at-1","expires_at":"soon"}"#,
        r#"{"logged_out":1}"#,
        r#"{"sealed":1}"#,
    ] {
        assert_eq!(Entry::from_text(text).unwrap_err().kind(), ErrorKind::Store, "{text}");
    }
    let null = r#"{"access_token":"at-1","refresh_token":null,"intent":null,"version":null}"#;
    assert!(Entry::from_text(null).is_ok());
}

#[test]
#[cfg(feature = "redis")]
fn f106_the_times_of_an_entry_are_moved_and_nothing_else() {
    let at = |entry: &Entry| entry.credentials().unwrap().expires_at_seconds().unwrap();
    let since = |entry: &Entry| entry.intent().unwrap().holder.since;
    let entry = full();
    for seconds in [0, 300, -300] {
        let moved = entry.shifted(seconds);
        assert_eq!(at(&moved), at(&entry).saturating_add_signed(seconds));
        assert_eq!(since(&moved), since(&entry).saturating_add_signed(seconds));
        assert_eq!(moved.version(), entry.version());
        assert_eq!(moved.shifted(-seconds).expose_text(), entry.expose_text());
    }
    // No time is before 1970, and none is beyond what the system knows.
    assert_eq!(at(&entry.shifted(i64::MIN)), 0);
    assert_eq!(since(&entry.shifted(i64::MIN)), 0);
    assert_eq!(at(&entry.shifted(i64::MAX)), at(&entry));
    // An entry without times has none.
    let log_out = Entry::of(*entry.version(), Content::LoggedOut);
    assert_eq!(log_out.shifted(300).expose_text(), log_out.expose_text());
    let unnamed = Entry::new(Credentials::new("at-1").unwrap());
    assert_eq!(unnamed.shifted(300).version(), unnamed.version());
}
