//! The marks of `per_request`: in the extensions of a request, and beside it with `Authorizer::marked`.

use std::time::Duration;

use http::{Request, StatusCode};
use reauth::per_request::{NoReplay, ValidFor, WithAuthenticator, WithoutCredentials};
use reauth::{Authorizer, Origins, PassedKind};

use super::api::{
    Api, Body, ORIGIN, authenticator, authorizer, get, holding_first, nth, passed, renewal_error,
};
use super::ways::{self, Way};
use crate::support::source::{Script, credentials};

/// A request with a mark in each of the places where a way in sees it.
fn marked<M>(way: &dyn Way, auth: &Authorizer, mark: M) -> Vec<(Authorizer, Request<Body>)>
where
    M: reauth::Mark + Clone + Send + Sync + 'static,
{
    let mut both = vec![(auth.marked(mark.clone()), get("/x"))];
    if way.traits().sees_extensions {
        let mut request = get("/x");
        request.extensions_mut().insert(mark);
        both.push((auth.clone(), request));
    }
    both
}

#[tokio::test(start_paused = true)]
async fn r45_r23_no_replay_sends_once_and_replaces_the_token() {
    for way in ways::with(|traits| traits.sends_again) {
        let name = way.traits().name;
        let auth = || authorizer(&holding_first().then_ok(nth(2)));
        let mut cases = vec![(auth().never_replay(), get("/x"))];
        let places = marked(way, &auth(), NoReplay).len();
        for place in 0..places {
            cases.push(marked(way, &auth(), NoReplay).swap_remove(place));
        }
        for (auth, request) in cases {
            let api = Api::taking("at-2");
            let response = way.send(&auth, &api, request).await.unwrap();
            assert_eq!((response.status(), api.tokens().len()), (StatusCode::UNAUTHORIZED, 1), "{name}");
            assert_eq!((passed(&response), renewal_error(&response).is_none()), (None, true), "{name}");
            let response = way.send(&auth, &api, get("/x")).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{name}: the token was replaced");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r30_no_replay_holds_after_a_redirect_too() {
    for way in ways::with(|traits| traits.sends_again) {
        let api = Api::linking("https://api.example.com/there", "at-1");
        let auth = authorizer(&holding_first()).marked(NoReplay);
        let response = way.send(&auth, &api, get("/link")).await.unwrap();
        assert_eq!(passed(&response), Some(PassedKind::Redirected), "{}", way.traits().name);
        assert_eq!(api.seen().len(), 1, "{}", way.traits().name);
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r20_without_credentials_nothing_is_added_and_nothing_rejected() {
    for way in ways::all() {
        let (script, name) = (holding_first(), way.traits().name);
        for (auth, request) in marked(way, &authorizer(&script), WithoutCredentials) {
            let api = Api::taking("never");
            let response = way.send(&auth, &api, request).await.unwrap();
            assert_eq!((response.status(), passed(&response)), (StatusCode::UNAUTHORIZED, None), "{name}");
            assert_eq!((api.tokens(), script.requests()), (vec!["-".to_owned()], 0), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r44_with_an_authenticator_another_identity_is_used_and_renewed() {
    for way in ways::all() {
        let places = marked(way, &authorizer(&Script::new()), NoReplay).len();
        for place in 0..places {
            let (theirs, name) = (holding_first(), way.traits().name);
            let ada = Script::new().holding(credentials("ada-1", Some("r"), None));
            let ada = ada.then_ok(credentials("ada-2", None, None));
            let mark = WithAuthenticator(authenticator(&ada));
            let (auth, request) = marked(way, &authorizer(&theirs), mark).swap_remove(place);
            let api = Api::taking("ada-2");
            let response = way.send(&auth, &api, request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert_eq!(api.tokens(), ["ada-1", "ada-2"], "{name}");
            assert_eq!((ada.requests(), theirs.requests()), (1, 0), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r39_without_an_identity_only_marked_requests_get_a_token() {
    for way in ways::all() {
        let (auth, name) = (Authorizer::per_request(Origins::new(ORIGIN).unwrap()), way.traits().name);
        let api = Api::taking("at-1");
        let response = way.send(&auth, &api, get("/x")).await.unwrap();
        assert_eq!(passed(&response), Some(PassedKind::NoAuthenticator), "{name}");
        for (auth, request) in marked(way, &auth, WithAuthenticator(authenticator(&holding_first()))) {
            assert_eq!(way.send(&auth, &api, request).await.unwrap().status(), StatusCode::OK, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_a_request_that_takes_long_gets_a_token_that_lasts() {
    for way in ways::all() {
        let places = marked(way, &authorizer(&Script::new()), NoReplay).len();
        for (place, least, expected) in
            (0..places).flat_map(|place| [(place, 299, "at-1"), (place, 301, "at-2")])
        {
            let lasting = credentials("at-2", None, Some(3600));
            let script = holding_first().then_ok(lasting);
            let mark = ValidFor(Duration::from_secs(least));
            let (auth, request) = marked(way, &authorizer(&script), mark).swap_remove(place);
            let api = Api::taking(expected);
            let response = way.send(&auth, &api, request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{} {least}", way.traits().name);
            assert_eq!(api.tokens(), [expected], "{} {least}", way.traits().name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_what_a_request_says_comes_before_what_is_said_beside_it() {
    for way in ways::with(|traits| traits.sees_extensions) {
        let auth_of =
            |token| WithAuthenticator(authenticator(&Script::new().holding(credentials(token, None, None))));
        let auth = authorizer(&holding_first()).marked(auth_of("beside"));
        let mut request = get("/x");
        request.extensions_mut().insert(auth_of("within"));
        let api = Api::taking("within");
        let response = way.send(&auth, &api, request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", way.traits().name);
    }
}
