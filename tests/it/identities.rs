//! A set of identities: one authenticator for each key, made on demand.

mod creation;
mod eviction;
mod exchanges;
mod losses;
mod places;
mod slots;
mod tenants;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use reauth::clock::TokioClock;
use reauth::store::MemoryStore;
use reauth::{Authenticator, AuthenticatorBuilder, Identities, IdentitiesBuilder, Timing};

use crate::support::clock::TestClock;
use crate::support::source::{Script, credentials};

/// A factory that makes authenticators of scripts, and counts.
#[derive(Clone, Default)]
struct World {
    scripts: Arc<Mutex<HashMap<String, Script>>>,
    made: Arc<Mutex<Vec<String>>>,
    /// All identities have the same one, so that what one has stored expires for the next.
    clock: Arc<OnceLock<TestClock>>,
}

impl World {
    /// The script of this key. By default it logs in once, with a token that never expires.
    fn script(&self, key: &str) -> Script {
        let mut scripts = self.scripts.lock().unwrap();
        let default = || Script::new().then_ok(credentials(&format!("{key}-1"), None, None));
        scripts.entry(key.to_owned()).or_insert_with(default).clone()
    }

    fn set_script(&self, key: &str, script: &Script) {
        self.scripts.lock().unwrap().insert(key.to_owned(), script.clone());
    }

    /// How often the authenticator of this key was made.
    fn made(&self, key: &str) -> usize {
        self.made.lock().unwrap().iter().filter(|made| *made == key).count()
    }

    fn builder(&self) -> IdentitiesBuilder<String> {
        self.builder_with(|_, builder| builder)
    }

    fn builder_with(
        &self,
        with: impl Fn(&str, AuthenticatorBuilder) -> AuthenticatorBuilder + Send + Sync + 'static,
    ) -> IdentitiesBuilder<String> {
        let world = self.clone();
        let builder = Identities::builder(move |key: String| {
            world.made.lock().unwrap().push(key.clone());
            let clock = world.clock.get_or_init(TestClock::new).clone();
            let builder = Authenticator::builder(world.script(&key))
                .clock(clock)
                .timing(Timing::default().without_jitter());
            let made = with(&key, builder).build();
            async move { Ok(made) }
        });
        builder.clock(TokioClock::new()).timing(Timing::default().without_jitter())
    }

    /// The identities have stores that outlive them.
    fn storing(&self) -> IdentitiesBuilder<String> {
        let stores = Mutex::new(HashMap::<String, MemoryStore>::new());
        self.builder_with(move |key, builder| {
            builder.store(stores.lock().unwrap().entry(key.to_owned()).or_default().clone())
        })
    }
}

async fn get(set: &Identities<String>, key: &str) -> Authenticator {
    set.get(&key.to_owned()).await.unwrap()
}

/// Gets the token of a key, and keeps nothing of it.
async fn token(set: &Identities<String>, key: &str) -> String {
    let authenticator = get(set, key).await;
    let token = authenticator.credentials().await.unwrap().access_token().to_owned();
    leave(authenticator).await;
    token
}

/// Waits for what an authenticator does by itself, and drops it.
async fn leave(authenticator: Authenticator) {
    authenticator.settled().await;
    drop(authenticator);
    let_others_go_on().await;
}

/// Other tasks, such as one that has just ended a flight, drop what they have.
async fn let_others_go_on() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
