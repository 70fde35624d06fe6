//! Bearer tokens that refresh themselves, around the HTTP client that you have: reqwest, hyper, tonic, any tower stack, or any
//! other client, async or blocking.
//!
//! A [source](CredentialSource) gets credentials. An [`Authenticator`] keeps them valid for all callers: it refreshes
//! before expiry, one refresh at a time. One of four ways in puts the token on requests to the origins that you name. On a 401 it
//! refreshes and sends the request again, once.
//!
//! | your program | its way in |
//! | --- | --- |
//! | has reqwest-middleware, or can have it | `AuthMiddleware` (feature `reqwest`) |
//! | has a tower stack: hyper, tonic | [`AuthLayer`] |
//! | sends by itself: a plain `reqwest::Client`, another client, a WebSocket | [`Authorizer::send`], or its [single steps](Authorizer::authorize) |
//! | blocks, without async code | [`Authorizer::send_blocking`], or the [credentials](Authenticator::credentials_blocking) alone: see [`blocking`] |
//!
//! # reqwest
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use reauth::{AuthMiddleware, Authenticator, ClientAuth, oauth2};
//!
//! let client_auth = ClientAuth::basic("my-service", "s3cret")?;
//! let source = oauth2::ClientCredentials::new("https://id.example.com/token", client_auth)?;
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(AuthMiddleware::for_origin("https://api.example.com", Authenticator::new(source))?)
//!     .build();
//! let response = client.get("https://api.example.com/orders").send().await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! # By hand
//!
//! With a plain `reqwest::Client`, or with any client that takes an `http::Request`.
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use reauth::{Authenticator, Authorizer, ClientAuth, oauth2};
//!
//! let client_auth = ClientAuth::basic("my-service", "s3cret")?;
//! let source = oauth2::ClientCredentials::new("https://id.example.com/token", client_auth)?;
//! let auth = Authorizer::for_origin("https://api.example.com", Authenticator::new(source))?;
//! let client = reqwest::Client::new();
//! let request = client.get("https://api.example.com/orders").build()?;
//! let response = auth.send(request, |request| client.execute(request)).await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! # hyper
//!
//! The token requests go through hyper too, so this needs no reqwest.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use reauth::{AuthLayer, Authenticator, TokenEndpoint, TokenTransport, pilot::Pilot};
//! use tower::{Layer, ServiceExt};
//!
//! let tls = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?.https_only().enable_http1();
//! let hyper = Client::builder(TokioExecutor::new()).build(tls.build());
//! let transport = TokenTransport::new(hyper.clone());
//! let endpoint = TokenEndpoint::new("https://pilot.example.com")?.transport(transport);
//! let auth = Authenticator::new(Pilot::new(endpoint, "ada", "s3cret")?);
//! let api = AuthLayer::for_origin("https://pilot.example.com", auth)?.layer(hyper);
//! let request = http::Request::get("https://pilot.example.com/files").body(Full::default())?;
//! let response = api.oneshot(request).await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! # tower
//!
//! A closure is the source, and the service is your own.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use reauth::{AuthLayer, Authenticator, Credentials, source_fn};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! let auth = Authenticator::new(source_fn(|| async { Credentials::new("at-1") }));
//! let api = ServiceBuilder::new()
//!     .concurrency_limit(64)
//!     .layer(AuthLayer::for_origin("https://api.example.com", auth)?)
//!     .service_fn(|request: http::Request<String>| async move {
//!         assert_eq!(request.headers()["authorization"], "Bearer at-1");
//!         Ok::<_, std::convert::Infallible>(http::Response::new(()))
//!     });
//! api.oneshot(http::Request::get("https://api.example.com/").body(String::new())?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! * **Before expiry**, the first call in the last part of the token's lifetime starts a refresh in the background. No
//!   caller waits. The start of that part varies from client to client. In the last seconds, and after expiry, callers
//!   wait for the refresh. Without calls nothing is refreshed.
//! * **On a 401**, the layer looks at the token *that the request carried*. If there is a newer one, it sends the request
//!   again with that. Otherwise one refresh runs for all callers, and the layer sends the request again.
//! * **In an outage**, a token that is still valid stays in use. After its expiry callers get an [`Error`] whose
//!   [kind](ErrorKind) says what to do. Attempts back off; when the provider is back, the client recovers by itself.
//! * **A caller that goes away** changes nothing: a refresh belongs to the authenticator.
//!
//! # Security
//!
//! * Credentials go only to the [`Origins`] that you name, over https or to loopback. Plain http to another machine has to be named in
//!   so many words.
//! * A request that already has an `Authorization` header passes unchanged.
//! * A token in [another header](AuthHeader) is sent only by a client that does not pass that header on at a redirect.
//! * No token, password or secret is in any `Debug`, `Display`, event, log line or URL. Of what a server says, only its
//!   `error` and a shortened description are shown, without the secrets that were sent to it.
//! * Tokens, passwords and client secrets are overwritten in memory when their last owner is dropped. So is the header
//!   value that holds the access token. Not overwritten are: encoded client secrets, the body of a token request, a
//!   parsed response, and the HTTP stack's buffers.
//! * The token endpoint has a client of its own, which follows no redirects.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `reqwest` | yes | `AuthMiddleware`, and reqwest as the default transport of token requests |
//! | `identities` | no | `Identities`: a bounded set of authenticators by a key of yours, such as a tenant or a user |
//! | `seal` | no | `store::Sealed`, which encrypts the credentials that another store keeps |
//! | `keyring` | no | `store::Keychain`, which keeps the key for it in the keychain of the operating system; includes `seal` |
//! | `file` | no | `store::FileStore`: credentials in a file that all processes of one machine share |
//! | `redis` | no | `store::RedisStore`: credentials that a fleet shares on Redis 7 or Valkey. Its newer dependencies need Rust 1.88 |
//! | `command` | no | `external::TokenCommand`: a token that a command prints |
//! | `loopback` | no | `oauth2::AuthorizationCode`: a log-in in a browser that comes back to a port of this machine |
//! | `tracing` | no | every [`Event`] as a `tracing` event of the target `reauth`, and a span `refresh` for each refresh |
//!
//! TLS belongs to the HTTP client: enable a TLS feature of `reqwest` (its default features have one), or give the hyper
//! client a TLS connector. This crate enables no TLS feature; see [`TokenEndpoint::transport`].
//!
//! The crate needs Tokio with its time driver; the [`blocking`] forms bring their own. It does not support wasm32 in a browser. Requests
//! of `reqwest::blocking` have types of their own, and go in by the single steps.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod auth_header;
mod authenticator;
mod authorizer;
pub mod blocking;
mod cache;
mod challenge;
pub mod clock;
mod credentials;
mod error;
mod event;
#[cfg(feature = "identities")]
mod identities;
mod jwt;
pub mod layer;
mod machine;
mod origins;
mod own_runtime;
mod passed;
pub mod per_request;
mod per_thread;
pub mod replay;
#[cfg(feature = "reqwest")]
mod reqwest;
mod source;
mod sources;
pub mod store;
mod timing;
mod token_endpoint;
#[cfg(feature = "tracing")]
mod trace;

pub use auth_header::AuthHeader;
pub use authenticator::{Authenticator, AuthenticatorBuilder};
pub use authorizer::{
    AuthError, Authorized, Authorizer, Mark, RenewalError, RequestUrl, ResponseHead, ResponseTo, SendRequest,
};
pub use challenge::Challenge;
pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use event::{Event, RefreshCause};
#[cfg(feature = "identities")]
pub use identities::{Identities, IdentitiesBuilder};
pub use layer::auth_layer::AuthLayer;
pub use origins::Origins;
pub use passed::{PassedKind, PassedReason};
pub use replay::body::ReplayBody;
#[cfg(feature = "reqwest")]
pub use reqwest::AuthMiddleware;
pub use source::{CredentialSource, SourceFn, source_fn};
pub use sources::{external, oauth2, pilot, vathos};
pub use timing::Timing;
pub use token_endpoint::{ClientAuth, TokenEndpoint, TokenRequest, TokenResponse, TokenTransport};

/// The pages of the directory `docs`, on more than one item.
// A link to another page has its target twice: here, and at the end of the page. The first one counts.
#[cfg(doc)]
pub mod _guide {
    #[doc = "[failures]: crate::_guide::failures\n[stores]: crate::_guide::stores\n"]
    #[doc = include_str!("../docs/behaviour.md")]
    pub mod behaviour {}

    #[doc = "[behaviour]: crate::_guide::behaviour\n"]
    #[doc = include_str!("../docs/failures.md")]
    pub mod failures {}

    #[cfg(all(feature = "file", feature = "redis", feature = "reqwest"))]
    #[doc = "[behaviour]: crate::_guide::behaviour\n"]
    #[doc = include_str!("../docs/stores.md")]
    pub mod stores {}

    #[cfg(feature = "reqwest")]
    #[doc = include_str!("../docs/sources.md")]
    pub mod sources {}

    #[cfg(all(feature = "identities", feature = "reqwest"))]
    #[doc = include_str!("../docs/stacks.md")]
    pub mod stacks {}
}

// The code of the pages above and of this one is compiled with the doctests.
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct Readme;
