//! F45: a redirect of the token endpoint does not carry the secrets elsewhere.

use reauth::CredentialSource;

use super::*;
use crate::support::server::{hyper_transport, reqwest_transport};

/// A reqwest client that was set to follow redirects. As a transport it does not.
fn eager_reqwest() -> TokenTransport {
    let follow = reqwest::redirect::Policy::limited(10);
    TokenTransport::reqwest(reqwest::Client::builder().no_proxy().redirect(follow)).unwrap()
}

#[tokio::test]
async fn r32_f45_a_redirect_is_a_clear_error_and_the_secrets_arrive_nowhere_else() {
    for status in [301, 302, 303, 307, 308] {
        for transport in [hyper_transport(), reqwest_transport(), eager_reqwest()] {
            let elsewhere = TokenServer::always(Reply::tokens("at-stolen", "rt-stolen"));
            let trap = elsewhere.listen().await;
            let server = TokenServer::always(Reply::bare(status, "").header("location", trap.url("/trap")));
            let listening = server.listen().await;

            let source = user(at(&listening.url("/token"), transport));
            let held = credentials("at-0", Some("rt-0"), None);
            for result in [source.login().await, source.refresh(&held).await] {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Misconfigured, "{status}: {error:?}");
                assert!(error.to_string().contains(&status.to_string()), "{error}");
                assert!(error.to_string().contains("redirects are not followed"), "{error}");
                assert!(!shown(&error).contains("/trap"), "{error:?}");
            }
            assert_eq!((server.requests(), elsewhere.requests()), (2, 0), "{status}");
        }
    }
}

/// A redirect says nothing about the refresh token: it is sent again once the URL is corrected.
#[tokio::test(start_paused = true)]
async fn r32_a_redirected_refresh_keeps_the_refresh_token() {
    let server = TokenServer::script([
        Reply::bare(307, "").header("location", "https://elsewhere.test/"),
        Reply::tokens("at-1", "rt-1"),
    ]);
    let auth = authenticator(refresher(in_memory(&server)));
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::Misconfigured);
    tokio::time::advance(Timing::TERMINAL_MEMORY).await;
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(spent(&server), ["rt-0", "rt-0"]);
}
