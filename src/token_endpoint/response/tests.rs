//! What a response means: its status, its `error`, its tokens and their lifetime.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

use bytes::Bytes;
use http::Response;

use super::*;
use crate::ErrorKind;
use crate::credentials::Expiry;

mod statuses;
mod tokens;

/// A word that no message may repeat.
const MARK: &str = "zxq-marker";

fn response(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().status(status).body(body.into()).unwrap()
}

fn read(status: u16, purpose: Purpose, body: impl Into<Bytes>) -> Result<Credentials, Error> {
    read_response(&response(status, body), purpose, &[])
}

fn read_response(
    response: &Response<Bytes>,
    purpose: Purpose,
    secrets: &[&str],
) -> Result<Credentials, Error> {
    let received = Received { response, status: response.status(), purpose, secrets };
    read_token_object(&read_object(received)?, &Expected::default())
}

fn error(status: u16, purpose: Purpose, body: impl Into<Bytes>) -> Error {
    read(status, purpose, body).expect_err("a response without credentials")
}

fn token(body: impl Into<Bytes>) -> Credentials {
    read(200, Purpose::Login, body).expect("a response with credentials")
}

/// Everything that a program can print of an error.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?}");
        cause = error.source();
    }
    shown
}
