//! The ways in: the layer, the middleware, requests that a program sends by itself, and programs that block. They have the same
//! rules (R45), so most tests here run over all of them.

mod api;
mod blocking;
mod bounds;
mod callers;
mod errors;
mod headers;
mod headers_on_redirects;
mod marks;
mod paths;
mod plain_http;
mod redirects;
mod rejection;
mod resends;
mod steps;
mod watch;
mod ways;
