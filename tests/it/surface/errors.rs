//! The error type: its kinds, its messages, its cause.

use std::error::Error as _;

use reauth::{Error, ErrorKind};

use crate::authenticator::seconds;

#[test]
fn each_constructor_has_its_kind() {
    for (error, kind) in [
        (Error::login_required("a"), ErrorKind::LoginRequired),
        (Error::unsupported("a"), ErrorKind::LoginRequired),
        (Error::transient("a"), ErrorKind::Transient),
        (Error::misconfigured("a"), ErrorKind::Misconfigured),
        (Error::invalid_response("a"), ErrorKind::InvalidResponse),
        (Error::store("a"), ErrorKind::Store),
    ] {
        assert_eq!(error.kind(), kind);
        assert_eq!(error.to_string(), "a");
        assert!(error.source().is_none());
        assert_eq!(error.retry_after(), None);
    }
}

#[test]
fn a_kind_is_a_short_phrase() {
    let kinds = [
        (ErrorKind::LoginRequired, "login required"),
        (ErrorKind::Transient, "transient"),
        (ErrorKind::Misconfigured, "misconfigured"),
        (ErrorKind::InvalidResponse, "invalid response"),
        (ErrorKind::Store, "store"),
    ];
    for (kind, phrase) in kinds {
        assert_eq!(kind.to_string(), phrase);
    }
}

#[test]
fn display_is_one_sentence_and_does_not_repeat_the_cause() {
    let cause = std::io::Error::other("connection refused");
    let error = Error::transient("can't be reached").with_source(cause).not_processed();
    assert_eq!(error.to_string(), "can't be reached");
    assert_eq!(error.source().unwrap().to_string(), "connection refused");
    assert!(error.source().unwrap().is::<std::io::Error>());
    assert!(format!("{error:?}").contains("connection refused"), "Debug shows all of it");
}

#[test]
fn a_clone_that_is_changed_leaves_the_first_alone() {
    let first = Error::transient("503").with_source("the cause");
    let second = first.clone().with_retry_after(seconds(7));
    assert_eq!((first.retry_after(), second.retry_after()), (None, Some(seconds(7))));
    assert_eq!(second.source().unwrap().to_string(), "the cause");
}

#[test]
fn an_error_can_be_passed_on_with_a_question_mark() {
    fn fails() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(Error::store("no"))?;
        Ok(())
    }
    assert_eq!(fails().unwrap_err().downcast_ref::<Error>().unwrap().kind(), ErrorKind::Store);
}
