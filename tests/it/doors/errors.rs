//! Errors keep their type, and turn into those of a program.

use http::StatusCode;
use reauth::{AuthError, Error, ErrorKind};

use super::api::{Api, authorizer, get, holding_first, nth, status};
use super::ways;
use crate::support::source::Script;
use crate::tower_layer::api::Broken;

#[tokio::test(start_paused = true)]
async fn r45_r31_the_error_of_the_client_keeps_its_type() {
    for way in ways::all() {
        let api = Api::new(|_| Err(Broken("the cable is cut")));
        let error = way.send(&authorizer(&holding_first()), &api, get("/x")).await.unwrap_err();
        let name = way.traits().name;
        assert!(matches!(error, AuthError::Service(Broken("the cable is cut"))), "{name}: {error:?}");
        // In the second attempt too.
        let api = Api::new(|seen| match seen.token() {
            Some("at-1") => Ok(status(StatusCode::UNAUTHORIZED)),
            _ => Err(Broken("the cable is cut")),
        });
        let script = holding_first().then_ok(nth(2));
        let error = way.send(&authorizer(&script), &api, get("/x")).await.unwrap_err();
        assert!(matches!(error, AuthError::Service(Broken(_))), "{name}: {error:?}");
        // And for a request that gets no token.
        let error = way.send(&authorizer(&script), &api, get("https://other.test/x")).await.unwrap_err();
        assert!(matches!(error, AuthError::Service(Broken(_))), "{name}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r31_without_a_token_nothing_is_sent_and_the_reason_is_an_error_of_this_crate() {
    for way in ways::all() {
        let script = Script::new().then_err(Error::misconfigured("the secret is wrong"));
        let api = Api::taking("at-1");
        let error = way.send(&authorizer(&script), &api, get("/x")).await.unwrap_err();
        let name = way.traits().name;
        assert!(
            matches!(&error, AuthError::Credentials(error) if error.kind() == ErrorKind::Misconfigured),
            "{name}: {error:?}"
        );
        assert_eq!(api.seen().len(), 0, "{name}");
    }
}

/// The error of a program.
#[derive(Debug)]
enum MyError {
    Login(Error),
    Http(Broken),
}

impl From<Error> for MyError {
    fn from(error: Error) -> Self {
        Self::Login(error)
    }
}

impl From<Broken> for MyError {
    fn from(error: Broken) -> Self {
        Self::Http(error)
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r31_both_kinds_become_an_error_of_the_program() {
    for way in ways::all() {
        let name = way.traits().name;
        let api = Api::new(|_| Err(Broken("the cable is cut")));
        let send = async |script: Script| -> Result<(), MyError> {
            way.send(&authorizer(&script), &api, get("/x")).await.map_err(AuthError::flatten::<MyError>)?;
            Ok(())
        };
        match send(holding_first()).await {
            Err(MyError::Http(error)) => assert_eq!(error, Broken("the cable is cut"), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        let refused = Script::new().then_err(Error::login_required("the password is wrong"));
        match send(refused).await {
            Err(MyError::Login(error)) => assert_eq!(error.kind(), ErrorKind::LoginRequired, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn r31_map_service_changes_the_type_of_one_kind_alone() {
    let service: AuthError<Broken> = AuthError::Service(Broken("x"));
    assert!(matches!(service.map_service(|Broken(text)| text.len()), AuthError::Service(1)));
    let credentials: AuthError<Broken> = AuthError::Credentials(Error::transient("away"));
    assert!(matches!(credentials.map_service(|_| ()), AuthError::Credentials(_)));
}

#[test]
fn r31_an_error_of_another_middleware_stays_one() {
    let other = reqwest_middleware::Error::middleware(Broken("x"));
    let AuthError::Service(reqwest_middleware::Error::Middleware(error)) = AuthError::from(other) else {
        panic!("it is not of this crate");
    };
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken("x"));
    let ours = reqwest_middleware::Error::middleware(Error::transient("away"));
    assert!(
        matches!(AuthError::from(ours), AuthError::Credentials(error) if error.kind() == ErrorKind::Transient)
    );
}
