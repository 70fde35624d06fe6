//! The requests and responses of reqwest.

use std::hash::{DefaultHasher, Hasher};

use http::{Extensions, HeaderMap, Method, StatusCode};
use reqwest::{Request, Response, Url};

use super::sealed;
use crate::authorizer::settings::Settings;
use crate::replay::Replay;

impl sealed::Url for Url {
    #[inline]
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(sent(self));
        hasher.finish()
    }

    fn path_and_query(&self) -> (&str, Option<&str>) {
        (self.path(), self.query())
    }

    fn is_path(&self) -> bool {
        false
    }

    fn has_no_user(&self) -> bool {
        self.username().is_empty() && self.password().is_none()
    }
}

/// The host of a `reqwest::Response` that was made from an `http::Response` without a URL.
const UNKNOWN_HOST: &str = "no.url.provided.local";

/// The fragment is not sent.
fn sent(url: &Url) -> &[u8] {
    let text = url.as_str();
    let length = url.fragment().map_or(text.len(), |fragment| text.len() - fragment.len() - 1);
    &text.as_bytes()[..length]
}

impl sealed::Request for Request {
    type Url = Url;
    type Saved = Replay<Self>;

    fn url(&self) -> &Url {
        self.url()
    }

    fn set_url(&mut self, url: Url) -> Url {
        std::mem::replace(self.url_mut(), url)
    }

    fn method(&self) -> &Method {
        self.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    /// reqwest shows them to nobody.
    fn extensions(&self) -> Option<&Extensions> {
        None
    }

    fn extensions_mut(&mut self) -> Option<&mut Extensions> {
        None
    }

    fn has_no_body(&self) -> bool {
        self.body().is_none_or(|body| body.as_bytes().is_some_and(<[u8]>::is_empty))
    }

    #[inline(always)]
    fn save(&mut self, settings: &Settings) -> Option<Replay<Self>> {
        crate::replay::reqwest::replay(self, settings.replay_limit)
    }

    fn of_saved(saved: Replay<Self>) -> Option<Self> {
        saved.into_body()
    }

    fn url_of(saved: &Replay<Self>) -> Option<&Url> {
        match saved {
            Replay::Copy(request) => Some(request.url()),
            _ => None,
        }
    }
}

impl sealed::Response<Request> for Response {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn extensions_mut(&mut self) -> &mut Extensions {
        self.extensions_mut()
    }

    fn has_url(_settings: &Settings) -> bool {
        true
    }

    fn url(&self, _settings: &Settings) -> Option<Url> {
        Some(self.url()).filter(|url| url.host_str() != Some(UNKNOWN_HOST)).cloned()
    }
}
