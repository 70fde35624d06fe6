//! hyper-util: a layer around its client. The token requests go through a hyper client too, so that this needs
//! no reqwest.
//!
//! ```sh
//! export TOKEN_URL=…      # the token endpoint: http on loopback (see the comment about TLS)
//! export CLIENT_ID=…      # a client that may use the client credentials grant
//! export CLIENT_SECRET=…
//! export API_URL=…        # what to GET with the token
//! export SCOPE=…          # optional
//! cargo run --example hyper_util
//! ```

mod common;

use std::process::ExitCode;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reauth::{
    AuthLayer, Authenticator, ClientAuth, Origins, RenewalError, TokenEndpoint, TokenTransport, oauth2,
};
use tower::{Layer, ServiceExt};

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let [token_url, id, secret, api_url] =
        common::required(["TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "API_URL"]);

    // Plain http, which does on loopback. For https give `build` a TLS connector, such as hyper-rustls's.
    let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();

    let endpoint = TokenEndpoint::new(&token_url)?.transport(TokenTransport::new(hyper.clone()));
    let mut source = oauth2::ClientCredentials::new(endpoint, ClientAuth::basic(id, secret)?)?;
    if let Some(scope) = common::optional("SCOPE") {
        source = source.scope(scope);
    }

    let auth = Authenticator::new(source);
    let api = AuthLayer::new(Origins::of_url(&api_url)?, auth).layer(hyper);

    // `Full` is a body that can be sent twice: a 401 is answered with a refresh and a replay.
    let request = Request::get(&api_url).body(Full::default())?;
    let response = api.oneshot(request).await?;
    if let Some(reason) = response.extensions().get::<RenewalError>() {
        eprintln!("the token could not be renewed: {}", reason.error());
    }
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the API answered {status}").into());
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(format!("{status}\n{}", String::from_utf8_lossy(&body)))
}
