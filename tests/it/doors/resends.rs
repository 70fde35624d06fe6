//! The number of the attempt, which layers below can read.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use reauth::AuthMiddleware;
use reauth::per_request::ResendCount;
use reqwest_middleware::ClientBuilder;

use super::api::{Api, ORIGIN, authorizer, get, holding_first, nth};
use super::ways;
use crate::reqwest_middleware::in_memory::{middleware, response_to};

fn resends(api: &Api) -> Vec<Option<u32>> {
    api.seen().iter().map(|seen| seen.resends).collect()
}

#[tokio::test(start_paused = true)]
async fn r45_the_first_attempt_has_no_resend_count_and_the_second_has_one() {
    for way in ways::with(|traits| traits.counts_resends) {
        let (script, api) = (holding_first().then_ok(nth(2)), Api::taking("at-2"));
        let response = way.send(&authorizer(&script), &api, get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(resends(&api), [None, Some(1)], "{}", way.traits().name);
    }
}

#[tokio::test(start_paused = true)]
async fn r45_a_straight_request_counts_as_a_resend_too() {
    for way in ways::with(|traits| traits.counts_resends) {
        let script = holding_first().then_ok(nth(2));
        let api = Api::linking("https://api.example.com/there", "at-2");
        let response = way.send(&authorizer(&script), &api, get("/link")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(resends(&api), [None, Some(1), Some(2)], "{}", way.traits().name);
    }
}

/// Its attempts share their extensions.
#[tokio::test(start_paused = true)]
async fn r45_a_retry_outside_begins_without_a_count() {
    let script = holding_first().then_ok(nth(2));
    let counts = Arc::new(Mutex::new(Vec::new()));
    let seen = counts.clone();
    let twice = middleware(|request, extensions, next| {
        Box::pin(async move {
            next.clone().run(request.try_clone().unwrap(), extensions).await?;
            next.run(request, extensions).await
        })
    });
    let api = middleware(move |request, extensions, _| {
        seen.lock().unwrap().push(extensions.get::<ResendCount>().map(|count| count.0));
        let mut response = response_to(&request, "");
        if request.headers()["authorization"] == "Bearer at-1" {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        Box::pin(std::future::ready(Ok(response.into())))
    });
    let auth = AuthMiddleware::try_from(authorizer(&script)).unwrap();
    let client = ClientBuilder::new(reqwest::Client::new()).with(twice).with(auth).with(api).build();
    assert_eq!(client.get(format!("{ORIGIN}/x")).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(*counts.lock().unwrap(), [None, Some(1), None]);
}
