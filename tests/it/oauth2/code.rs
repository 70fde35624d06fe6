//! The authorization code grant on loopback: the URL, what a browser may come back with, and how it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reauth::oauth2::AuthorizationCode;
use reauth::store::MemoryStore;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

mod endings;
mod visits;

/// A log-in in a task of its own, and the URL that its user got.
struct Waiting {
    login: JoinHandle<Result<Credentials, Error>>,
    url: Url,
}

/// A URL that the user should open.
#[derive(Clone, Debug)]
struct Url {
    base: String,
    query: BTreeMap<String, String>,
}

impl Url {
    fn parse(url: &str) -> Self {
        let (base, query) = url.split_once('?').unwrap();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let query: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(pairs.len(), query.len(), "no parameter comes twice: {url}");
        Self { base: base.to_owned(), query }
    }

    fn redirect_uri(&self) -> &str {
        &self.query["redirect_uri"]
    }

    fn port(&self) -> u16 {
        self.redirect_uri().split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap()
    }

    /// Where the browser comes back, with these parameters and the `state`.
    fn back(&self, fields: &[(&str, &str)]) -> String {
        let state = [("state", self.query["state"].as_str())];
        self.back_without_state(&[&state, fields].concat())
    }

    fn back_without_state(&self, fields: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("{}?{query}", self.redirect_uri())
    }
}

fn source(server: &TokenServer) -> (AuthorizationCode, mpsc::UnboundedReceiver<Url>) {
    let (sender, urls) = mpsc::unbounded_channel();
    let client = ClientAuth::none("app").unwrap();
    let open = move |url: String| {
        let _ = sender.send(Url::parse(&url));
        async { Ok(()) }
    };
    let source = AuthorizationCode::new(endpoint(server), "https://id.test/authorize", client, open);
    (source.unwrap(), urls)
}

async fn waiting(source: AuthorizationCode, urls: &mut mpsc::UnboundedReceiver<Url>) -> Waiting {
    let login = tokio::spawn(async move { source.login().await });
    Waiting { login, url: urls.recv().await.unwrap() }
}

/// What a browser shows.
async fn open(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Nothing listens on the port any more.
async fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).await.is_ok()
}
