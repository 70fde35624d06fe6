//! What happens in one moment.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use secrecy::ExposeSecret;

use super::*;
use crate::sources::oauth2::asking::AskUser;

#[tokio::test]
async fn r91_a_code_that_is_there_counts_even_if_the_prompt_fails_in_the_same_moment() {
    let expected = Expected { state: SecretString::from("s-1"), issuer: None };
    let mut listener = Listener::bind(0, "/callback".to_owned(), expected).await.unwrap();
    let visit = Request::get("/callback?code=c-1&state=s-1").body(()).unwrap();
    assert_eq!(listener.visits.visit(&visit).status(), StatusCode::OK);
    let fails = AskUser::new(|_: &str| async { Err(Error::transient("the browser has crashed")) });
    assert_eq!(listener.wait(fails.ask("url")).await.unwrap().expose_secret(), "c-1");
}
