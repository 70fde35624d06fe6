//! tower: the layer in a stack with others, shared by several tasks.
//!
//! ```sh
//! export TOKEN_URL=…      # the token endpoint: plain http on loopback (for https see hyper_util.rs)
//! export CLIENT_ID=…      # a client that may use the client credentials grant
//! export CLIENT_SECRET=…
//! export API_URL=…        # what to GET with the token
//! export SCOPE=…          # optional
//! cargo run --example tower
//! ```

mod common;

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reauth::{
    AuthError, AuthLayer, Authenticator, ClientAuth, Origins, TokenEndpoint, TokenTransport, oauth2,
};
use tokio::task::JoinSet;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let [token_url, id, secret, api_url] =
        common::required(["TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "API_URL"]);

    let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let endpoint = TokenEndpoint::new(&token_url)?.transport(TokenTransport::new(hyper.clone()));
    let mut source = oauth2::ClientCredentials::new(endpoint, ClientAuth::basic(id, secret)?)?;
    if let Some(scope) = common::optional("SCOPE") {
        source = source.scope(scope);
    }
    let auth = Authenticator::new(source);

    // From the outside in. The timeout ends the wait of a caller, but not the refresh that the caller waits for.
    let api = ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .concurrency_limit(4)
        // `timeout` needs an error that converts into a box. This makes `AuthError` a box.
        .map_err(AuthError::into_boxed)
        .layer(AuthLayer::new(Origins::of_url(&api_url)?, auth))
        .service(hyper);

    // There are ten tasks and no token yet. They share one token request.
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let request = Request::get(&api_url).body(Full::default())?;
        tasks.spawn(api.clone().oneshot(request));
    }
    let mut lines = Vec::new();
    while let Some(response) = tasks.join_next().await {
        let status = response??.status();
        if !status.is_success() {
            return Err(format!("the API responded {status}").into());
        }
        lines.push(status.to_string());
    }
    Ok(lines.join("\n"))
}
