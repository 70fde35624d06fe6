//! The tower adapter: [`AuthLayer`](crate::AuthLayer) for a stack of services that take `http::Request`s.
//!
//! ```
//! # fn example() -> Result<(), reauth::Error> {
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use reauth::{AuthLayer, Authenticator, Credentials};
//! use tower::ServiceBuilder;
//!
//! let auth = Authenticator::new(Credentials::new("at-1")?);
//! let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
//! let api = ServiceBuilder::new()
//!     .layer(AuthLayer::for_origin("https://api.example.com", auth)?)
//!     .service(hyper);
//! # let _ = api;
//! # Ok(())
//! # }
//! ```

mod attempt;
pub(crate) mod auth_layer;
mod future;
mod service;

// The documented path is `reauth::AuthError`, for all ways in. Programs that use this one go on to build.
#[doc(hidden)]
pub use crate::authorizer::AuthError;
pub use future::ResponseFuture;
pub use service::Auth;
