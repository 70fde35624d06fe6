//! The reqwest adapter, over real connections to loopback servers.

pub mod in_memory;
pub mod server;

mod body;
mod origins;
mod redirects;
mod rejection;
mod renewal;
mod size;

use reauth::{AuthMiddleware, Authenticator};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::support::source::Script;
use crate::tower_layer::api::authenticator;
use server::Server;

/// A client that sends its token only to this server.
fn client(server: &Server, script: &Script) -> ClientWithMiddleware {
    client_of(server, authenticator(script))
}

fn client_of(server: &Server, auth: Authenticator) -> ClientWithMiddleware {
    with(AuthMiddleware::for_origin(server.origin(), auth).unwrap())
}

fn with(middleware: AuthMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
}
