//! The requests that every contender is given.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use reauth::per_request::NoReplay;
use reqwest::Url;
use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};

/// Where they all go, and the scope of the layers.
pub const ORIGIN: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/v1/items?page=2";

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A GET without headers and without a body.
    Bare,
    /// A POST with five headers and 1 KiB of body.
    Typical,
}

/// Whether a request could be sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Its body can be copied: nothing was said.
    Yes,
    /// Its body is of a type that nobody knows how to copy.
    OneShot,
    /// It is marked with `NoReplay`; the mark costs the same with every contender.
    Marked,
}

/// A body that can't be copied.
pub struct OneShot(#[allow(dead_code, reason = "it is sent, and nobody looks")] Full<Bytes>);

/// A body made of bytes.
pub trait Body: Send + 'static {
    /// The body.
    fn of(bytes: Bytes) -> Self;
}

impl Body for Full<Bytes> {
    fn of(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl Body for OneShot {
    fn of(bytes: Bytes) -> Self {
        Self(Full::new(bytes))
    }
}

/// Makes the same request again and again. A clone has memory of its own, so that requests of two threads share no
/// reference counter.
pub struct Template {
    shape: Shape,
    marked: bool,
    uri: Uri,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Template {
    /// A template for requests of this shape.
    pub fn new(shape: Shape, replay: Replay) -> Self {
        let body = match shape {
            Shape::Bare => Bytes::new(),
            Shape::Typical => Bytes::from(vec![b'x'; 1024]),
        };
        // The first clone of bytes from a vector makes the counter that all further ones share.
        drop(body.clone());
        let (uri, url) = (URL.parse().expect("a URI"), URL.parse().expect("a URL"));
        Self { shape, marked: replay == Replay::Marked, uri, url, headers: headers(shape), body }
    }

    /// For a tower service.
    pub fn http<B: Body>(&self) -> Request<B> {
        let mut request = Request::new(B::of(self.body.clone()));
        *request.method_mut() = self.method();
        *request.uri_mut() = self.uri.clone();
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if self.marked {
            request.extensions_mut().insert(NoReplay);
        }
        request
    }

    /// For a reqwest client that is called by hand.
    pub fn plain(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method(), self.url.clone());
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if self.shape == Shape::Typical {
            *request.body_mut() = Some(self.body.clone().into());
        }
        request
    }

    /// For a reqwest client, by its builder, from a URL that was parsed before.
    pub fn reqwest(&self, client: &ClientWithMiddleware) -> RequestBuilder {
        let mut request = client.request(self.method(), self.url.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.shape == Shape::Typical {
            request = request.body(self.body.clone());
        }
        if self.marked {
            request = request.with_extension(NoReplay);
        }
        request
    }

    fn method(&self) -> Method {
        match self.shape {
            Shape::Bare => Method::GET,
            Shape::Typical => Method::POST,
        }
    }
}

fn headers(shape: Shape) -> Vec<(HeaderName, HeaderValue)> {
    match shape {
        Shape::Bare => Vec::new(),
        Shape::Typical => vec![
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("gzip, br")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static("reauth-benches/0")),
            (
                HeaderName::from_static("x-request-id"),
                HeaderValue::from_static("0b1d2c3e4f5a69788796a5b4c3d2e1f0"),
            ),
        ],
    }
}

impl Clone for Template {
    fn clone(&self) -> Self {
        let replay = if self.marked { Replay::Marked } else { Replay::Yes };
        Self::new(self.shape, replay)
    }
}
