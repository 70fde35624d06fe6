//! Who is measured without a stampede: the cached token alone, and a request.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use reauth_benches::call::{Call, Measure, at_once};
use reauth_benches::request::Shape;
use reauth_benches::rows::Row;
use tokio::runtime::Runtime;

use crate::peers::{Aliri, Azure, CfGears, Google, Peer, kube, yup};
use crate::provider::Provider;

/// By their names, the first one being the floor.
pub type Named<T> = Vec<(String, T)>;

/// Each asked for a token that it holds.
///
/// # Errors
///
/// A peer can't be set up.
pub fn cached<M: Measure + Copy>(runtime: &Runtime, measure: M) -> Result<Named<M::Out>, Box<dyn Error>> {
    let provider = &runtime.block_on(Provider::lasting())?;
    let mut named = vec![
        ("floor".to_owned(), Row::named("cached/floor")?.measure(measure)),
        ("reauth".to_owned(), Row::named("cached/reauth")?.measure(measure)),
    ];
    let mut peer = |name: &str, out| named.push((name.to_owned(), out));
    peer("aliri_tokens", ask(runtime, runtime.block_on(Aliri::new()), measure));
    peer("azure_identity", ask(runtime, Azure::new(provider), measure));
    peer("cf-gears", ask(runtime, CfGears::new(provider), measure));
    peer("google-cloud-auth", ask(runtime, Google::new(provider), measure));
    peer("yup-oauth2", ask(runtime, runtime.block_on(yup(provider)), measure));
    Ok(named)
}

/// The layers, each around the same service.
///
/// # Errors
///
/// A peer can't be set up.
pub fn requests<M: Measure + Copy>(
    runtime: &Runtime,
    shape: Shape,
    measure: M,
) -> Result<Named<M::Out>, Box<dyn Error>> {
    let shape_name = match shape {
        Shape::Bare => "bare",
        Shape::Typical => "typical",
    };
    let mut named = Vec::new();
    for contender in ["floor", "reauth-replay", "reauth-one-shot"] {
        let row = Row::named(&format!("tower/{contender}/{shape_name}"))?;
        named.push((format!("{contender}/{shape_name}"), row.measure(measure)));
    }
    let mut peer = |name: &str, out| named.push((format!("{name}/{shape_name}"), out));
    let cf_gears = CfGears::new(&runtime.block_on(Provider::lasting())?);
    warm(runtime, &cf_gears);
    peer("cf-gears", cf_gears.request(shape, measure));
    peer("kube-client, token file", kube::with_token_file(shape, measure)?);
    Ok(named)
}

fn ask<P: Peer, M: Measure>(runtime: &Runtime, peer: P, measure: M) -> M::Out {
    warm(runtime, &peer);
    measure.measure(Ask(Arc::new(peer)))
}

fn warm(runtime: &Runtime, peer: &impl Peer) {
    assert!(runtime.block_on(peer.ask(&|_| true)), "a token");
}

/// Asks a peer for the token that it holds.
struct Ask<P>(Arc<P>);

impl<P> Clone for Ask<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Peer> Call for Ask<P> {
    fn once(&mut self) {
        assert!(at_once(self.0.ask(&|token| !black_box(token).is_empty())), "a token at hand");
    }
}
