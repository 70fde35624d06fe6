//! The peers, each behind the same two questions.

mod aliri;
mod azure;
mod cf_gears;
mod google;
pub mod kube;
mod yup;

pub use aliri::Aliri;
pub use azure::{Azure, AzurePolicy, Uncached};
pub use cf_gears::CfGears;
pub use google::Google;
pub use yup::{Yup, yup};

/// The scope that those who want one ask for.
const SCOPE: &str = "https://api.example.com/.default";

/// Somebody who keeps a token.
pub trait Peer: Send + Sync + 'static {
    /// Shows the token to `look` and says what came of that; `false` where there is no token.
    fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> impl Future<Output = bool> + Send;
}

/// Somebody who sends through the API, and what a refusal has to do with the token is their own affair.
pub trait Client: Send + Sync + 'static {
    /// Whether the caller's request was taken in the end.
    fn send(&self, caller: usize) -> impl Future<Output = bool> + Send;
}
