//! What the types of the core promise. `contract` has those of the adapters.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use reauth::clock::{Clock, Reading, SystemClock, TokioClock};
use reauth::store::{CredentialStore, MemoryStore};
use reauth::{
    Authenticator, AuthenticatorBuilder, Challenge, ClientAuth, CredentialSource, Credentials, Error,
    ErrorKind, Event, RefreshCause, Timing, TokenEndpoint, TokenRequest, TokenResponse, TokenTransport,
    external, oauth2, pilot, vathos,
};

#[test]
fn r18_handles_and_values_are_send_sync_clone_and_debug() {
    fn handle<T: Send + Sync + Clone + Debug + 'static>() {}
    handle::<Authenticator>();
    handle::<Credentials>();
    handle::<Error>();
    handle::<ErrorKind>();
    handle::<Event>();
    handle::<RefreshCause>();
    handle::<Challenge>();
    handle::<ClientAuth>();
    handle::<TokenEndpoint>();
    handle::<TokenRequest>();
    handle::<TokenResponse>();
    handle::<TokenTransport>();
    handle::<Timing>();
    handle::<MemoryStore>();
    handle::<SystemClock>();
    handle::<TokioClock>();
    handle::<Reading>();
    handle::<oauth2::ClientCredentials>();
    handle::<oauth2::Password>();
    handle::<oauth2::RefreshToken>();
    handle::<oauth2::JwtBearer>();
    handle::<oauth2::TokenExchange>();
    handle::<pilot::Pilot>();
    handle::<pilot::HpcLogin>();
    handle::<pilot::ApiKey>();
    handle::<pilot::DeviceLogin>();
    handle::<oauth2::DeviceCode>();
    #[cfg(feature = "loopback")]
    handle::<oauth2::AuthorizationCode>();
    #[cfg(feature = "command")]
    handle::<external::TokenCommand>();
    handle::<oauth2::DevicePrompt>();
    handle::<vathos::ServiceAccount>();
    handle::<vathos::ClientGrant>();
    handle::<external::TokenFile>();
}

#[test]
fn builders_are_send_and_debug() {
    fn builder<T: Send + Debug + 'static>() {}
    builder::<AuthenticatorBuilder>();
}

#[test]
fn what_a_program_compares_can_be_compared() {
    fn compared<T: Copy + Eq + Hash>() {}
    compared::<ErrorKind>();
    compared::<RefreshCause>();
    fn equal<T: PartialEq>() {}
    equal::<Reading>();
    equal::<Challenge>();
    equal::<reauth::Origins>();
    fn shown<T: Display>() {}
    shown::<RefreshCause>();
    shown::<Error>();
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<Error>();
}

#[test]
fn each_trait_has_its_implementations() {
    fn source<T: CredentialSource>() {}
    source::<Credentials>();
    source::<oauth2::ClientCredentials>();
    source::<oauth2::Password>();
    source::<oauth2::RefreshToken>();
    source::<pilot::Pilot>();
    source::<pilot::HpcLogin>();
    source::<pilot::ApiKey>();
    source::<pilot::DeviceLogin>();
    source::<oauth2::DeviceCode>();
    source::<vathos::ServiceAccount>();
    source::<vathos::ClientGrant>();
    source::<external::TokenFile>();
    fn store<T: CredentialStore>() {}
    store::<MemoryStore>();
    fn clock<T: Clock>() {}
    clock::<SystemClock>();
    clock::<TokioClock>();
}

#[test]
fn every_future_of_the_authenticator_can_be_spawned() {
    fn spawned<T: Send>(_: &T) {}
    let auth = Authenticator::new(Credentials::new("at-1").unwrap());
    let used = Credentials::new("at-1").unwrap();
    spawned(&auth.credentials());
    spawned(&auth.reject(&used));
    spawned(&auth.refresh());
    spawned(&auth.log_out());
    spawned(&auth.set_credentials(used.clone()));
}
