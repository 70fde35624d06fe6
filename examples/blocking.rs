//! Blocking: a program without async code, with ureq. It has no runtime of its own.
//! It runs against a server of its own on loopback: `cargo run --example blocking`.

mod common;
#[path = "common/server.rs"]
mod server;

use std::process::ExitCode;
use std::thread;

use http::Request;
use reauth::blocking::block_on;
use reauth::{Authenticator, Authorizer, ClientAuth, oauth2};
use server::Server;
use ureq::Agent;

fn main() -> ExitCode {
    common::finish(run())
}

fn run() -> Result<String, common::BoxError> {
    let server = Server::start()?;

    let source =
        oauth2::ClientCredentials::new(server.token_url(), ClientAuth::basic("blocking", "s3cret")?)?;
    let auth = Authenticator::new(source);
    let api = Api {
        // A 401 has to be a response and no error. Without redirects, a 401 is about the token.
        agent: Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into(),
        auth: Authorizer::for_origin(&server.origin(), auth.clone())?,
        url: server.api_url(),
    };

    let first = api.orders()?;
    // The server rejects the token. Four threads notice it at once, and share one new token.
    server.tokens.revoke();
    let all = thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| api.orders())).collect();
        calls
            .into_iter()
            .map(|call| call.join().map_err(|_| "a thread panicked")?)
            .collect::<Result<Vec<_>, _>>()
    })?;

    // What has no blocking form of its own.
    block_on(auth.log_out())??;
    Ok(format!("{first}\n{}", all.join("\n")))
}

struct Api {
    agent: Agent,
    auth: Authorizer,
    url: String,
}

impl Api {
    fn orders(&self) -> Result<String, common::BoxError> {
        let request = Request::get(&self.url).body(())?;
        let mut response = self.auth.send_blocking(request, |request| self.agent.run(request))?;
        if !response.status().is_success() {
            return Err(format!("the API responded {}", response.status()).into());
        }
        Ok(response.body_mut().read_to_string()?)
    }
}
