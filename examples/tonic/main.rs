//! tonic: a gRPC client. If the server rejects its token, a call is sent again with a new one, even a stream. The server
//! of this example, in `echo.rs`, runs on loopback and rejects tokens on command.
//!
//! ```sh
//! export TOKEN_URL=…      # the token endpoint: https, or http on loopback
//! export CLIENT_ID=…      # a client that may use the client credentials grant
//! export CLIENT_SECRET=…
//! export SCOPE=…          # optional
//! cargo run --example tonic
//! ```

#[path = "../common/mod.rs"]
mod common;
mod echo;
mod raw;

use std::process::ExitCode;

use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use reauth::{AuthLayer, Authenticator, ClientAuth, ReplayBody, oauth2};
use tokio::sync::mpsc::unbounded_channel;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Request;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::transport::Endpoint;
use tower::ServiceBuilder;

use common::BoxError;
use echo::EchoServer;
use raw::Raw;

const UNARY: PathAndQuery = PathAndQuery::from_static("/echo.Echo/Unary");
const EACH: PathAndQuery = PathAndQuery::from_static("/echo.Echo/Each");

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, BoxError> {
    let [token_url, id, secret] = common::required(["TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"]);
    let mut source = oauth2::ClientCredentials::new(token_url, ClientAuth::basic(id, secret)?)?;
    if let Some(scope) = common::optional("SCOPE") {
        source = source.scope(scope);
    }
    let auth = Authenticator::new(source);

    let server = EchoServer::start().await?;
    // The same value is used in three places: the channel connects to it, the layer sends the token to it, and (below)
    // the client's calls name it. Without the last one the calls have no origin, and get no token.
    let origin = server.origin();
    let api = ServiceBuilder::new()
        // Keeps up to 64 KiB of a stream while it is sent, so that it can be sent again.
        .map_request(|request: http::Request<Body>| request.map(ReplayBody::new))
        // gRPC rejects a token with status 16 and HTTP 200.
        .layer(
            AuthLayer::for_origin(&origin, auth)?.also_rejected_when(|head| head.is_grpc_unauthenticated()),
        )
        .map_request(|request: http::Request<ReplayBody>| request.map(Body::new))
        .service(Endpoint::from_shared(origin.clone())?.connect_lazy());
    // With generated code: `EchoClient::with_origin(api, origin.parse()?)`.
    let mut client = Grpc::with_origin(api, origin.parse::<Uri>()?);

    client.ready().await?;
    let response = client.unary(Request::new(Bytes::from("hello")), UNARY, Raw).await?.into_inner();
    if response != "hello" {
        return Err(format!("WRONG: {response:?}").into());
    }

    let mut heard = Vec::new();
    // On a very busy machine the token may expire first, and no call meets the rejection. Then it is done again.
    for _ in 0..3 {
        server.reject_what_it_has_seen();
        heard = converse(&mut client).await?;
        if server.rejected() > 0 {
            break;
        }
    }
    if heard != WORDS || server.rejected() != 1 {
        return Err(format!("WRONG: {heard:?}, rejected {} times", server.rejected()).into());
    }
    Ok(format!("hello\n{}\nThe token was rejected once, in between. No call failed.", heard.join(" ")))
}

const WORDS: [&str; 3] = ["one", "two", "three"];

/// Sends each word after the response to the one before. It does not handle tokens.
async fn converse<S>(client: &mut Grpc<S>) -> Result<Vec<String>, BoxError>
where
    S: GrpcService<Body, ResponseBody = Body>,
{
    client.ready().await.map_err(Into::into)?;
    let (say, said) = unbounded_channel();
    say.send(Bytes::from(WORDS[0]))?;
    let call = Request::new(UnboundedReceiverStream::new(said));
    let mut responses = client.streaming(call, EACH, Raw).await?.into_inner();
    let mut heard = Vec::new();
    let mut next = WORDS[1..].iter();
    while let Some(response) = responses.message().await? {
        heard.push(String::from_utf8(response.into())?);
        match next.next() {
            Some(word) => say.send(Bytes::from(*word))?,
            None => break,
        }
    }
    Ok(heard)
}
