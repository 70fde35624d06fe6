//! The reqwest adapter, over real connections to loopback servers.

pub mod in_memory;
pub mod server;

mod body;
mod origins;
mod redirects;
mod rejection;
mod renewal;
mod size;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use reauth::clock::{Clock, Reading};
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

/// A clock that only the test moves. Tokio's paused clock doesn't fit a test that waits for a socket: it advances
/// whenever no task is ready.
#[derive(Clone, Default)]
struct HandClock(Arc<Mutex<Duration>>);

impl HandClock {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Reading {
        let monotonic = *self.0.lock().unwrap();
        Reading { monotonic, wall: SystemTime::UNIX_EPOCH + monotonic }
    }
}
