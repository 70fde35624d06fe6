//! R40, F48: no secret in anything that can be printed. Every secret here holds the same word, and everything
//! that a program can print, and all that it logs at `TRACE`, is searched for it.

use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::sync::{Arc, Mutex};

use reauth::pilot::{ApiKey, DeviceLogin, HpcLogin, Pilot};
use reauth::vathos::{ClientGrant, ServiceAccount};
use reauth::{
    Authenticator, ClientAuth, CredentialSource, Credentials, Timing, TokenEndpoint, TokenTransport,
};

use crate::support::clock::TestClock;
use crate::support::server::{Reply, Seen, TokenServer};

mod adapters;
#[cfg(feature = "tracing")]
pub mod capture;
mod echoes;
mod sources;
mod types;

/// In every secret.
const CANARY: &str = "canary";
/// With characters that a form and JSON write in another way.
const PASSWORD: &str = "canary-pw \"%+&=\\ü";
const CLIENT_SECRET: &str = "canary-cs \"%+&=\\ü";

/// All that was printed, logged or reported.
#[derive(Clone, Default)]
pub struct Printed(Arc<Mutex<Vec<String>>>);

impl Printed {
    fn line(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn debug(&self, value: &impl Debug) {
        self.line(format!("{value:?}\n{value:#?}"));
    }

    fn error(&self, error: &(impl StdError + 'static)) {
        self.debug(&error);
        self.chain(error);
    }

    fn chain(&self, error: &(dyn StdError + 'static)) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.line(format!("{error}\n{error:?}\n{error:#?}"));
            cause = error.source();
        }
    }

    fn outcome<T: Debug>(&self, outcome: &Result<T, reauth::Error>) {
        self.debug(outcome);
        if let Err(error) = outcome {
            self.error(error);
        }
    }

    fn contains(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// The lines with this in them.
    #[cfg(feature = "tracing")]
    pub fn with(&self, text: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Finds the canary as it is, and in base64 whatever stands before it.
    fn check(&self) {
        use base64::Engine as _;
        let lines = self.0.lock().unwrap();
        assert!(!lines.is_empty(), "something was printed");
        let encoded = ["", "x", "xx"].map(|before| {
            let whole = base64::engine::general_purpose::STANDARD_NO_PAD.encode(format!("{before}{CANARY}"));
            // The first and the last characters depend on what is around.
            whole[4..whole.len() - 3].to_owned()
        });
        for line in lines.iter() {
            assert!(!line.to_lowercase().contains(CANARY), "{line}");
            for encoded in &encoded {
                assert!(!line.contains(encoded), "{encoded}: {line}");
            }
        }
    }
}

/// Reports its events to `printed`.
fn authenticator(source: impl CredentialSource, printed: &Printed) -> Authenticator {
    let events = printed.clone();
    let builder = Authenticator::builder(source)
        .clock(TestClock::new())
        .timing(Timing::default().without_jitter())
        .observer(move |event| events.debug(event));
    printed.debug(&builder);
    builder.build()
}

fn client() -> ClientAuth {
    ClientAuth::basic("app", CLIENT_SECRET).unwrap()
}

fn held() -> Credentials {
    let credentials = Credentials::new("canary-at-0").unwrap();
    credentials.with_refresh_token("canary-rt-0 \"%+&=").unwrap().with_field("id_token", "canary.id.0")
}

fn in_memory(server: &TokenServer) -> TokenEndpoint {
    TokenEndpoint::new("https://id.test/token").unwrap().transport(server.transport())
}

/// A good response to any request: a token object, PILOT's envelope, or an HPC token.
fn good(seen: &Seen) -> Reply {
    let path = seen.uri.path();
    if path.ends_with("/device") {
        Reply::json(
            200,
            r#"{"device_code":"canary-dc","user_code":"canary-uc","verification_uri":"https://id.test/x?canary","expires_in":600}"#,
        )
    } else if path.ends_with("/hpc/auth") {
        Reply::json(200, r#"{"code":200,"result":"canary-at-hpc"}"#)
    } else if path.contains("/users/") {
        Reply::pilot("canary-at-1", "canary-rt-1")
    } else {
        Reply::tokens("canary-at-1", "canary-rt-1")
    }
}

/// Runs `check` with a source of every kind that asks through this transport.
async fn with_every_source(
    transport: &TokenTransport,
    base: &str,
    mut check: impl AsyncFnMut(&str, Authenticator),
    printed: &Printed,
) {
    use reauth::oauth2::{ClientCredentials, DeviceCode, Password, RefreshToken};
    let endpoint = || TokenEndpoint::new(&format!("{base}/token")).unwrap().transport(transport.clone());
    let revoke = || TokenEndpoint::new(&format!("{base}/revoke")).unwrap();
    let portal = || TokenEndpoint::new(base).unwrap().transport(transport.clone());

    macro_rules! with {
        ($name:literal, $source:expr) => {{
            let source = $source;
            printed.debug(&source);
            check($name, authenticator(source, printed)).await;
        }};
    }
    let post = ClientAuth::post("app", CLIENT_SECRET).unwrap();
    let raw = ClientAuth::basic_raw("app", CLIENT_SECRET).unwrap();
    let service = ClientCredentials::new(endpoint(), client()).unwrap();
    with!("service", service.extra_field("key", PASSWORD).unwrap().revocation_endpoint(revoke()));
    with!("service, raw", ClientCredentials::new(endpoint(), raw).unwrap().revocation_endpoint(revoke()));
    let user = Password::new(endpoint(), post, "ada", PASSWORD).unwrap();
    with!("user", user.scope("api").revocation_endpoint(revoke()));
    let holder = RefreshToken::new(endpoint(), client(), held()).unwrap();
    with!("holder", holder.revocation_endpoint(revoke()));
    let bearer = reauth::oauth2::JwtBearer::new(endpoint(), || async { Ok("canary.a.b".to_owned()) });
    with!("assertion", bearer.unwrap().client(client()).revocation_endpoint(revoke()));
    let subject = reauth::oauth2::TokenExchange::new(endpoint(), Authenticator::new(held())).unwrap();
    with!("exchange", subject.client(client()).revocation_endpoint(revoke()));
    let signing = ClientAuth::assertion("app", || async { Ok("canary.c.d".to_owned()) }).unwrap();
    with!(
        "service, signing",
        ClientCredentials::new(endpoint(), signing).unwrap().revocation_endpoint(revoke())
    );
    with!("PILOT", Pilot::new(portal(), "ada", PASSWORD).unwrap());
    with!("PILOT with credentials", Pilot::from_credentials(portal(), held()).unwrap());
    with!("HPC", HpcLogin::new(portal(), "ada", PASSWORD, "hpc-1").unwrap());
    with!("PILOT with an API key", ApiKey::new(portal(), "canary-key/%+&=").unwrap());
    let realm = endpoint();
    let device = DeviceCode::new(
        endpoint(),
        TokenEndpoint::new(&format!("{base}/device")).unwrap(),
        client(),
        async |prompt| {
            assert!(prompt.user_code().contains(CANARY));
            Ok(())
        },
    );
    with!("device", device.unwrap().revocation_endpoint(revoke()));
    with!("PILOT with a device", DeviceLogin::new(realm, async |_| Ok(())).unwrap());
    with!("Vathos device", ServiceAccount::new(endpoint(), "app", CLIENT_SECRET).unwrap());
    with!("Vathos person", ClientGrant::new(endpoint(), "app", CLIENT_SECRET, "ada", PASSWORD).unwrap());
    with!("credentials as they are", held());
}

/// Everything that a program can ask of an authenticator.
async fn exercise(auth: &Authenticator, printed: &Printed) {
    printed.debug(auth);
    let first = auth.credentials().await;
    printed.outcome(&first);
    printed.outcome(&auth.refresh().await);
    if let Ok(first) = first {
        printed.outcome(&auth.reject(&first).await);
    }
    printed.outcome(&auth.set_credentials(held()).await);
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    printed.outcome(&auth.refresh().await);
    printed.outcome(&auth.reject(&held()).await);
    printed.outcome(&auth.credentials().await);
    printed.outcome(&auth.log_out().await);
    printed.outcome(&auth.credentials().await);
}

fn display(printed: &Printed, value: &impl Display) {
    printed.line(value.to_string());
}

/// The search itself: it has to find what it looks for.
#[test]
fn the_canary_is_found_in_plain_text_and_in_base64() {
    use base64::Engine as _;
    for before in ["", "a", "ab", "abc", "app:"] {
        for text in ["canary-pw", "CANARY-pw"] {
            let plain = Printed::default();
            plain.line(format!("{before}{text}"));
            assert!(std::panic::catch_unwind(|| plain.check()).is_err());
        }
        let encoded = Printed::default();
        encoded.line(base64::engine::general_purpose::STANDARD.encode(format!("{before}canary-pw")));
        assert!(std::panic::catch_unwind(|| encoded.check()).is_err(), "{before}");
    }
}
