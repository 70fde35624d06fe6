//! The number of the attempt, which layers below can read.

use http::StatusCode;

use super::api::{Api, authorizer, get, holding_first, nth};
use super::ways;

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
