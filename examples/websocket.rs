//! A WebSocket: its handshake is a request that no layer sends, so the program takes the three steps by itself. When the token is
//! replaced, it opens the socket again.
//! It runs against servers of its own on loopback: `cargo run --example websocket`.

mod common;
#[path = "common/server.rs"]
mod server;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use http::{Response, StatusCode};
use reauth::{Authenticator, Authorizer, ClientAuth, oauth2};
use server::{Server, Tokens};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt as _;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response as Accepted,
};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use common::BoxError;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, BoxError> {
    let server = Server::start()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let host = listener.local_addr()?.to_string();
    tokio::spawn(accept(listener, server.tokens.clone()));

    let source =
        oauth2::ClientCredentials::new(server.token_url(), ClientAuth::basic("websocket", "s3cret")?)?;
    // The URL of a WebSocket is of the origin of its handshake: `wss` of https, and `ws` of http.
    let auth = Authorizer::for_origin(&format!("http://{host}"), Authenticator::new(source))?;

    let first = read(connect(&auth, &host).await?).await?;
    // The server rejects the token. The handshake gets a 401, and is made again with a new token.
    server.tokens.revoke();
    let second = read(connect(&auth, &host).await?).await?;
    Ok(format!("{first}\n{second}"))
}

/// Opens the socket: authorize, send, judge, and once more if the token was rejected.
async fn connect(auth: &Authorizer, host: &str) -> Result<WebSocketStream<TcpStream>, BoxError> {
    let mut request = format!("ws://{host}/prices").into_client_request()?;
    let url = request.uri().clone();
    let mut authorized = auth.authorize(&url, request.headers_mut()).await?;
    let rejected = match client_async(request.clone(), TcpStream::connect(host).await?).await {
        Ok((socket, _)) => return Ok(socket),
        Err(tungstenite::Error::Http(response)) => response,
        Err(error) => return Err(error.into()),
    };
    if !authorized.is_rejected(rejected.status(), rejected.headers()) {
        return Err(format!("the server responded {}", rejected.status()).into());
    }
    authorized.renew(request.headers_mut()).await?;
    let (socket, _) = client_async(request, TcpStream::connect(host).await?).await?;
    Ok(socket)
}

/// Reads until the server closes the socket, and returns what it says then.
async fn read(mut socket: WebSocketStream<TcpStream>) -> Result<String, BoxError> {
    while let Some(message) = socket.next().await {
        if let Message::Close(Some(frame)) = message? {
            return Ok(format!("the server closed the socket: {}", frame.reason));
        }
    }
    Err("the server is gone".into())
}

/// The server: it accepts a socket with a good token, and closes it with a greeting.
async fn accept(listener: TcpListener, tokens: Tokens) -> Result<(), BoxError> {
    loop {
        let (stream, _) = listener.accept().await?;
        let Ok(mut socket) = accept_hdr_async(stream, Check(tokens.clone())).await else { continue };
        let frame = CloseFrame { code: 1000.into(), reason: "welcome, and good bye".into() };
        socket.close(Some(frame)).await?;
        while socket.next().await.is_some() {}
    }
}

struct Check(Tokens);

impl Callback for Check {
    #[allow(clippy::result_large_err, reason = "the crate wants it so")]
    fn on_request(self, request: &Request, accepted: Accepted) -> Result<Accepted, ErrorResponse> {
        if self.0.are_good(request.headers()) {
            return Ok(accepted);
        }
        let mut refused = Response::new(None);
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        Err(refused)
    }
}
