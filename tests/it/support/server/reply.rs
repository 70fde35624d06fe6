//! The responses of a token server.

use std::io;

use bytes::Bytes;
use http::Response;

use super::{Body, body};

/// One response, or none.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// With its length in front.
    Sized,
    /// In pieces, without a length.
    Chunked,
    /// The connection breaks half-way through the body.
    Torn,
    /// The head, and then nothing more.
    HeadOnly,
    /// The connection breaks before a byte of the response.
    Broken(io::ErrorKind),
    /// A response never comes.
    Hang,
}

impl Reply {
    /// A body with the content type of JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::bare(status, body).header("content-type", "application/json")
    }

    pub fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self::bare(status, body).header("content-type", "text/html; charset=utf-8")
    }

    /// A body without a content type.
    pub fn bare(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), shape: Shape::Sized }
    }

    /// 200 with an access token that lasts five minutes.
    pub fn token(access: &str) -> Self {
        Self::json(200, format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":300}}"#))
    }

    /// The same with a refresh token.
    pub fn tokens(access: &str, refresh: &str) -> Self {
        Self::json(200, tokens(access, refresh))
    }

    /// 200 with tokens in PILOT's envelope.
    pub fn pilot(access: &str, refresh: &str) -> Self {
        Self::json(200, envelope(200, "", &tokens(access, refresh)))
    }

    /// A failure in PILOT's envelope.
    pub fn pilot_error(status: u16, error_msg: &str) -> Self {
        Self::json(status, envelope(status, error_msg, "[]"))
    }

    /// An RFC 6749 error.
    pub fn error(status: u16, code: &str, description: &str) -> Self {
        let body = serde_json::json!({ "error": code, "error_description": description });
        Self::json(status, body.to_string())
    }

    /// No response: the service fails, or the connection is closed, after the request was received.
    pub fn broken(kind: io::ErrorKind) -> Self {
        Self { shape: Shape::Broken(kind), ..Self::bare(200, "") }
    }

    pub fn hang() -> Self {
        Self { shape: Shape::Hang, ..Self::bare(200, "") }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn chunked(self) -> Self {
        Self { shape: Shape::Chunked, ..self }
    }

    pub fn torn(self) -> Self {
        Self { shape: Shape::Torn, ..self }
    }

    pub fn head_only(self) -> Self {
        Self { shape: Shape::HeadOnly, ..self }
    }

    pub(super) async fn into_response(self) -> Result<Response<Body>, io::Error> {
        let body = match self.shape {
            Shape::Sized => body::sized(self.body),
            Shape::Chunked => body::chunked(self.body),
            Shape::Torn => body::torn(self.body),
            Shape::HeadOnly => body::endless(),
            Shape::Broken(kind) => return Err(kind.into()),
            Shape::Hang => std::future::pending().await,
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        Ok(response.body(body).expect("a response that HTTP allows"))
    }
}

/// A Keycloak token response.
pub fn tokens(access: &str, refresh: &str) -> String {
    format!(
        r#"{{"access_token":"{access}","expires_in":300,"refresh_expires_in":1800,"refresh_token":"{refresh}","token_type":"Bearer","not-before-policy":0,"session_state":"6f1d","scope":"openid"}}"#
    )
}

/// PILOT's envelope around a result.
pub fn envelope(code: u16, error_msg: &str, result: &str) -> String {
    let error_msg = serde_json::Value::from(error_msg);
    format!(
        r#"{{"code":{code},"error_msg":{error_msg},"page":0,"total":1,"num_of_pages":1,"result":{result}}}"#
    )
}
