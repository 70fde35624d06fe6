//! URIs that are only a path, where a layer below adds the origin.

use http::{Request, StatusCode};
use reauth::PassedKind;
use reauth::per_request::WithoutCredentials;

use super::api::{Api, Body, authorizer, holding_first, nth, passed, post};
use super::ways;

fn path() -> Request<Body> {
    Request::get("/orders").body(Body::Text("")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn r45_r20_a_path_passes_without_a_token_and_its_401_says_why() {
    for way in ways::with(|traits| traits.takes_paths) {
        let (script, api) = (holding_first(), Api::taking("never"));
        let response = way.send(&authorizer(&script), &api, path()).await.unwrap();
        let name = way.traits().name;
        assert_eq!(passed(&response), Some(PassedKind::NoOrigin), "{name}");
        assert_eq!((api.tokens(), script.requests()), (vec!["-".to_owned()], 0), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r20_a_path_gets_a_token_where_the_program_says_so() {
    for way in ways::with(|traits| traits.takes_paths) {
        let (script, api) = (holding_first().then_ok(nth(2)), Api::taking("at-2"));
        let auth = authorizer(&script).authorize_paths();
        let response = way.send(&auth, &api, path()).await.unwrap();
        let name = way.traits().name;
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 1), "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
        // Other origins stay other origins, and a decision of the caller stays one.
        let other = Request::get("https://other.test/x").body(Body::Text("")).unwrap();
        let response = way.send(&auth, &api, other).await.unwrap();
        assert_eq!(passed(&response), Some(PassedKind::OtherOrigin), "{name}");
        let response = way.send(&auth.marked(WithoutCredentials), &api, path()).await.unwrap();
        assert_eq!((response.status(), passed(&response)), (StatusCode::UNAUTHORIZED, None), "{name}");
    }
}

/// A layer below has added the origin, so every response comes from another URL than the path.
#[tokio::test(start_paused = true)]
async fn r45_f146_a_response_to_a_path_does_not_look_like_a_redirect() {
    for way in ways::with(|traits| traits.takes_paths) {
        let (script, name) = (holding_first().then_ok(nth(2)), way.traits().name);
        let api = Api::new(|seen| {
            let is_good = seen.token() == Some("at-2");
            let mut response =
                super::api::status(if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED });
            let from = format!("https://api.example.com/v1{}", seen.path());
            response.extensions_mut().insert(super::api::CameFrom(from.parse().unwrap()));
            Ok(response)
        });
        let mut request = post("/x");
        *request.uri_mut() = "/orders".parse().unwrap();
        let response = way.send(&authorizer(&script).authorize_paths(), &api, request).await.unwrap();
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 1), "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
    }
}
