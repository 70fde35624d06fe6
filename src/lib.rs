//! Client-side authentication as a composable layer: bearer tokens that refresh themselves.
//!
//! A credential source feeds one shared [`Authenticator`]; that feeds a [tower layer](AuthLayer) and a
//! reqwest middleware (`AuthMiddleware`, feature `reqwest`), which put the bearer header on each request and, on a
//! 401, refresh and send the request again.
//!
//! # reqwest
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use reauth::{AuthMiddleware, Authenticator, vathos};
//!
//! let auth = Authenticator::new(vathos::ServiceAccount::new(vathos::TOKEN_URL, "my-device", "s3cret")?);
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(AuthMiddleware::for_origin(vathos::API_ORIGIN, auth)?)
//!     .build();
//! let response = client.get("https://staging.api.gke.vathos.net/v1/products").send().await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! # hyper
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use reauth::{AuthLayer, Authenticator, TokenEndpoint, TokenTransport, pilot::Pilot};
//! use tower::{Layer, ServiceExt};
//!
//! let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
//! let endpoint = TokenEndpoint::new("http://127.0.0.1:8080")?.transport(TokenTransport::new(hyper.clone()));
//! let pilot = Pilot::new(endpoint, "ada", "s3cret")?;
//! let api = AuthLayer::for_origin("http://127.0.0.1:8080", Authenticator::new(pilot))?.layer(hyper);
//! let response = api.oneshot(http::Request::get("http://127.0.0.1:8080/files").body(Full::default())?).await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! # tower
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use reauth::{AuthLayer, Authenticator, Credentials, source_fn};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! let auth = Authenticator::new(source_fn(|| async { Credentials::new("from-somewhere") }));
//! let service = ServiceBuilder::new()
//!     .concurrency_limit(64)
//!     .layer(AuthLayer::for_origin("https://api.example.com", auth)?)
//!     .service_fn(|request: http::Request<String>| async move {
//!         assert!(request.headers().contains_key("authorization"));
//!         Ok::<_, std::convert::Infallible>(http::Response::new(()))
//!     });
//! service.oneshot(http::Request::get("https://api.example.com/").body(String::new())?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! * **Before expiry** the first call after a moment that suits the token's lifetime, and varies from client to
//!   client, starts a refresh in the background. No caller waits. Without calls nothing is refreshed.
//! * **On a 401** it judges the token *that request carried*: if a newer one is in hand, the request is sent again
//!   with that; else one refresh runs, whoever else is waiting, and the request is sent again once.
//! * **In an outage** a token that is still valid stays in use; past its expiry callers get an [`Error`] whose
//!   [kind](ErrorKind) says what to do. The next attempt backs off; when the provider is back, so is the client.
//! * **A caller that goes away** takes nothing with it: a refresh belongs to the authenticator.
//!
//! # Security
//!
//! * A credential goes to the origins of its [`Origins`] only, over https (or to loopback).
//! * A request that has an `Authorization` header of its own is left alone.
//! * No token, password or secret is in any `Debug`, `Display`, event, log line or URL. What a server says is
//!   echoed only as its `error` and a capped description, without what was sent to it.
//! * Tokens, passwords and client secrets are overwritten in memory when their last owner is dropped: a token is kept
//!   as the header value that requests share, once for each group of threads. Copies that are not: encoded client
//!   secrets and the body of a token request, a parsed answer, and the HTTP stack's buffers.
//! * The token endpoint is asked by a client of its own, which follows no redirects.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `reqwest` | yes | `AuthMiddleware`, and a token transport that no one has to name |
//! | `tracing` | no | every [`Event`] as a `tracing` event of the target `reauth` |
//!
//! TLS is the business of the HTTP client: enable a TLS feature of `reqwest` (its default has one), or give the
//! hyper client a TLS connector. This crate turns none on: without either, see [`TokenEndpoint::transport`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod authenticator;
mod bearer;
mod cache;
mod challenge;
pub mod clock;
mod credentials;
mod error;
mod event;
mod jwt;
pub mod layer;
mod machine;
mod origins;
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

pub use authenticator::{Authenticator, AuthenticatorBuilder};
pub use bearer::{RenewalError, ResponseHead};
pub use challenge::Challenge;
pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use event::{Event, RefreshCause};
pub use layer::auth_layer::AuthLayer;
pub use origins::Origins;
pub use replay::body::ReplayBody;
#[cfg(feature = "reqwest")]
pub use reqwest::AuthMiddleware;
pub use source::{CredentialSource, SourceFn, source_fn};
pub use sources::{oauth2, pilot, vathos};
pub use timing::Timing;
pub use token_endpoint::{ClientAuth, TokenEndpoint, TokenTransport};

// The README's code is compiled with the doctests.
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct Readme;
