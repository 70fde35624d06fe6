//! Every type that holds a secret, printed.

use reauth::oauth2::{ClientCredentials, Password, RefreshToken};

use super::*;

#[test]
fn r40_no_debug_shows_a_secret() {
    let printed = Printed::default();
    let server = TokenServer::new(good);
    let endpoint = || in_memory(&server);
    let lasting = held().with_lifetime(std::time::Duration::from_secs(300));
    printed.debug(&held());
    printed.debug(&lasting);
    printed.debug(&lasting.clone().with_expires_at(std::time::SystemTime::UNIX_EPOCH));
    printed.debug(&Credentials::from_json(&lasting.expose_json()).unwrap());
    for auth in [
        ClientAuth::basic("app", CLIENT_SECRET),
        ClientAuth::basic_raw("app", CLIENT_SECRET),
        ClientAuth::post("app", CLIENT_SECRET),
        ClientAuth::none("app"),
        ClientAuth::assertion("app", || async { Ok("canary.a.b".to_owned()) }),
    ] {
        let auth = auth.unwrap();
        printed.debug(&auth);
        printed.debug(
            &ClientCredentials::new(endpoint(), auth.clone()).unwrap().extra_field("key", PASSWORD).unwrap(),
        );
        printed.debug(&Password::new(endpoint(), auth.clone(), "ada", PASSWORD).unwrap());
        printed.debug(&RefreshToken::new(endpoint(), auth, held()).unwrap());
    }
    printed.debug(&endpoint());
    let exchange = reauth::oauth2::TokenExchange::new(endpoint(), Authenticator::new(held())).unwrap();
    printed.debug(&exchange.actor(Authenticator::new(held()), "jwt").extra_field("key", PASSWORD).unwrap());
    printed.debug(&reauth::oauth2::JwtBearer::new(endpoint(), || async { Ok("canary.a.b".into()) }).unwrap());
    printed.debug(&server.transport());
    let request = endpoint().request().client(&client()).grant("urn:example:key").redact(CLIENT_SECRET);
    let request = request.field("key", PASSWORD).unwrap().header("x-key", "canary").unwrap();
    printed.debug(&request);
    printed.debug(&TokenEndpoint::new("https://id.test/?key=canary").unwrap().request());
    printed.debug(&TokenEndpoint::new("https://id.test/?key=canary").unwrap());
    let pilot = Pilot::new(endpoint(), "ada", PASSWORD).unwrap();
    printed.debug(&pilot.credentials(held()));
    printed.debug(&Pilot::from_credentials(endpoint(), held()).unwrap());
    printed.debug(&HpcLogin::new("https://pilot.test", "ada", PASSWORD, "hpc-1").unwrap());
    printed.debug(&ClientGrant::new(endpoint(), "app", CLIENT_SECRET, "ada", PASSWORD).unwrap());
    printed.debug(&ServiceAccount::new(endpoint(), "app", CLIENT_SECRET).unwrap());
    let builder = Authenticator::builder(held());
    printed.debug(&builder);
    let auth = builder.build();
    printed.debug(&auth);
    printed.debug(&reauth::AuthLayer::for_origin("https://api.test", auth.clone()).unwrap());
    #[cfg(feature = "reqwest")]
    printed.debug(&reauth::AuthMiddleware::for_origin("https://api.test", auth).unwrap());
    printed.debug(&reauth::Origins::new("https://api.test").unwrap());
    printed.debug(&Timing::default());
    assert!(printed.contains("[redacted]") && printed.contains("ServiceAccount"));
    printed.check();
}

/// The one way out is asked for in so many words.
#[test]
fn expose_json_shows_everything() {
    let json = held().expose_json();
    assert!(json.contains("canary-at-0") && json.contains("canary-rt-0"));
}
