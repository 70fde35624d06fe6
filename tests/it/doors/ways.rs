//! The ways in, behind one trait.

mod blocking;
mod by_hand;
mod convert;
mod layers;
mod steps;

use std::pin::Pin;

use http::{Request, Response};
use reauth::{AuthError, Authorizer};

use super::api::{Api, Body};
use crate::tower_layer::api::Broken;

pub type Outcome = Result<Response<String>, AuthError<Broken>>;
pub type Call = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A way in.
pub trait Way: Sync {
    fn traits(&self) -> Traits;

    /// Sends a request to the API. Each call makes a new layer, middleware or closure over the authorizer.
    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call;
}

/// What is different from one way in to another.
#[derive(Clone, Copy)]
pub struct Traits {
    pub name: &'static str,
    /// The marks in the extensions of a request count.
    pub sees_extensions: bool,
    /// The API sees how often a request was sent again.
    pub counts_resends: bool,
    /// A URI may be only a path.
    pub takes_paths: bool,
    /// It sends a request again by itself. With the single steps, the program does.
    pub sends_again: bool,
    /// It can be dropped while it waits.
    pub is_async: bool,
}

/// Every way in.
pub fn all() -> [&'static dyn Way; 7] {
    [
        &layers::Layer,
        &layers::Middleware,
        &by_hand::SendHttp,
        &by_hand::SendReqwest,
        &steps::Steps,
        &blocking::SendBlocking,
        &blocking::StepsBlocking,
    ]
}

/// Every way in with this property.
pub fn with(has: impl Fn(Traits) -> bool) -> impl Iterator<Item = &'static dyn Way> {
    all().into_iter().filter(move |way| has(way.traits()))
}
