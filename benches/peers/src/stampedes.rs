//! The peers in the stampedes that `reauth_benches::stampede` defines, and this crate beside them.

use std::error::Error;
use std::sync::Arc;

use reauth_benches::stampede::{
    Kind, LAPSE, LIFETIME, Outcome, Report, SHORT, floor, reauth, runtime, stampede,
};
use tokio::time::sleep;

use crate::api::Api;
use crate::peers::kube::KubeExec;
use crate::peers::{Azure, AzurePolicy, CfGears, Client, Google, Peer, Uncached, yup};
use crate::provider::Provider;

/// Who stands in a stampede.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contender {
    Floor,
    Reauth,
    /// azure_core's policy over azure_identity's credential, which has a cache of its own.
    AzureBoth,
    /// azure_core's policy over a credential that asks whenever it is asked.
    AzureCore,
    AzureIdentity,
    CfGears,
    Google,
    KubeExec,
    Yup,
}

impl Contender {
    /// Who has a part in this kind. Where the token is refused, only those who can be told of it.
    fn of(kind: Kind) -> Vec<(Self, &'static str)> {
        let mut all = vec![(Self::Floor, "sleep floor"), (Self::Reauth, "reauth")];
        match kind {
            Kind::Immediate | Kind::Late => {
                all.push((Self::AzureCore, "azure_core"));
                all.push((Self::AzureBoth, "azure_core, azure_identity"));
            }
            Kind::Expired | Kind::Cold => all.push((Self::AzureIdentity, "azure_identity")),
        }
        // Its task renews a token before it lapses, and it takes none as short as ours.
        if kind != Kind::Expired {
            all.push((Self::CfGears, "cf-gears"));
        }
        if !kind.refused() {
            all.push((Self::Google, "google-cloud-auth"));
        }
        // Made with its first token, it is never cold.
        if kind == Kind::Expired {
            all.push((Self::KubeExec, "kube-client, exec"));
        }
        all.push((Self::Yup, "yup-oauth2"));
        all
    }

    async fn run(self, kind: Kind, callers: usize) -> Result<Outcome, Box<dyn Error>> {
        let first = if kind == Kind::Expired { SHORT } else { LIFETIME };
        let provider = &Provider::start(first).await?;
        let api = &Api::new(provider, kind);
        let all = Callers { kind, callers, provider, has_token: self == Self::KubeExec };
        Ok(match self {
            Self::Floor => floor(kind, callers).await,
            Self::Reauth => reauth(kind, callers).await,
            Self::AzureCore => all.send(AzurePolicy::new(api, Arc::new(Uncached(provider.clone())))).await,
            Self::AzureBoth => all.send(AzurePolicy::new(api, Azure::new(provider).credential())).await,
            Self::AzureIdentity => all.ask(Azure::new(provider)).await,
            Self::CfGears => all.send(CfGears::new(provider).client(api)).await,
            Self::Google => all.ask(Google::new(provider)).await,
            Self::KubeExec => all.ask(KubeExec::new(provider)?).await,
            Self::Yup if kind.refused() => all.send(yup(provider).await.client(api)).await,
            Self::Yup => all.ask(yup(provider).await).await,
        })
    }
}

/// All stampedes, each so often.
///
/// # Errors
///
/// A peer can't be set up, or the table not be written.
pub fn stampedes(runs: usize) -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    let mut report = Report::new("peers-stampede");
    for kind in Kind::ALL {
        for callers in [1_000, 10_000] {
            for (contender, name) in Contender::of(kind) {
                let outcomes: Result<Vec<Outcome>, _> =
                    (0..runs).map(|_| runtime.block_on(contender.run(kind, callers))).collect();
                report.add(&format!("{}/{callers}/{name}", kind.name()), &outcomes?);
            }
        }
    }
    report.emit()?;
    Ok(())
}

struct Callers<'a> {
    kind: Kind,
    callers: usize,
    provider: &'a Provider,
    /// Whether the client was made with its first token, and would ask for a second one now.
    has_token: bool,
}

impl Callers<'_> {
    /// All send, after the token that a client has became useless.
    async fn send<C: Client>(self, client: C) -> Outcome {
        let client = Arc::new(client);
        // Whoever asks as soon as it is made has asked by now, and that counts where nobody had a token.
        let mut before = 0;
        if self.kind != Kind::Cold {
            if !self.has_token {
                assert!(client.send(0).await, "the first token is good");
            }
            if self.kind == Kind::Expired {
                sleep(LAPSE).await;
            }
            self.provider.revoke();
            before = self.provider.requests();
        }
        let outcome = stampede(self.callers, |caller| {
            let client = client.clone();
            async move { client.send(caller).await }
        })
        .await;
        Outcome { token_requests: self.provider.requests() - before, ..outcome }
    }

    /// The same for those who only keep a token: it is held against those that are good.
    async fn ask<P: Peer>(self, peer: P) -> Outcome {
        let provider = self.provider.clone();
        self.send(Asks(peer, provider)).await
    }
}

struct Asks<P>(P, Provider);

impl<P: Peer> Client for Asks<P> {
    async fn send(&self, _caller: usize) -> bool {
        self.0.ask(&|token| self.1.accepts(token)).await
    }
}
