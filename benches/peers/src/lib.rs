//! Other libraries that keep a bearer token, each set up as its own documentation says, in front of a token endpoint on
//! loopback (or in memory) that answers after 50 ms.
//!
//! What is shared by the program that takes times and the one that counts allocations: a program that counts links the
//! counting allocator, and times are to be those of the plain one.

pub mod api;
pub mod contenders;
pub mod peers;
pub mod provider;
pub mod stampedes;

/// What every program does first: kube-client and google-cloud-auth bring rustls without a provider.
pub fn prepare() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
