//! What the tokens are for: a server that refuses those that were revoked, at once or late.

use reauth_benches::stampede::Kind;

use crate::provider::Provider;

/// The server that the callers send to.
#[derive(Clone, Debug)]
pub struct Api {
    provider: Provider,
    kind: Kind,
}

impl Api {
    /// A server that takes the tokens of this endpoint.
    pub fn new(provider: &Provider, kind: Kind) -> Self {
        Self { provider: provider.clone(), kind }
    }

    /// Whose tokens it takes.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Whether the caller's token is good; if not, after as long as its refusal takes.
    pub async fn takes(&self, caller: usize, token: &str) -> bool {
        let good = self.provider.accepts(token);
        if !good {
            self.kind.refuse(caller).await;
        }
        good
    }
}
