//! Every source through every success and every failure, with all of it printed.

use std::io;

use reauth::store::Entry;

use super::*;
use crate::support::clock::in_paused_time;

/// Failures that quote nothing.
fn failures() -> Vec<Reply> {
    let html = "<html>canary</html>";
    vec![
        Reply::bare(200, ""),
        Reply::html(200, html),
        Reply::html(502, html),
        Reply::json(200, r#"{"access_token":"canary"#),
        Reply::json(200, r#"{"access_token":"canary\n"}"#),
        Reply::json(200, r#"{"access_token":"ok","refresh_token":"canary\n"}"#),
        Reply::json(200, r#"{"access_token":"canary","token_type":"DPoP"}"#),
        Reply::json(200, r#"{"code":200,"result":"canary canary"}"#),
        Reply::json(200, r#"{"code":401,"result":["canary"]}"#),
        Reply::json(422, r#"{"detail":[{"input":"canary"}]}"#),
        Reply::json(401, r#"{"message":"canary"}"#),
        Reply::error(400, "invalid_grant", "Token is not active"),
        Reply::error(401, "invalid_client", "no"),
        Reply::pilot_error(500, "Unable to get token"),
        Reply::bare(307, "").header("location", "https://canary.test/?token=canary"),
        Reply::bare(429, "").header("retry-after", "canary"),
        Reply::json(200, r#"{"access_token":"canary"}"#).torn(),
        Reply::json(200, vec![b'x'; reauth::TokenEndpoint::MAX_RESPONSE + 1]),
        Reply::broken(io::ErrorKind::ConnectionRefused),
        Reply::broken(io::ErrorKind::ConnectionReset),
        Reply::hang(),
    ]
}

#[tokio::test(start_paused = true)]
async fn r40_f48_nothing_of_a_success_is_printed() {
    let printed = Printed::default();
    #[cfg(feature = "tracing")]
    let _capture = capture::start(&printed);
    let server = TokenServer::new(good);
    with_every_source(
        &server.transport(),
        "https://id.test",
        async |_, auth| exercise(&auth, &printed).await,
        &printed,
    )
    .await;
    assert!(server.requests() > 20 && printed.contains("RefreshSucceeded"));
    #[cfg(feature = "tracing")]
    assert!(printed.contains("INFO reauth") && printed.contains("DEBUG reauth"));
    #[cfg(feature = "tracing")]
    for name in ["reauth refresh:", "refresh_started", "refresh_succeeded", "rejected", "cleared"] {
        assert!(printed.contains(name), "{name}");
    }
    printed.check();
}

#[tokio::test(start_paused = true)]
async fn r40_f48_nothing_of_a_failure_is_printed() {
    let (mut attempts, mut revocations) = (0, 0);
    for reply in failures() {
        // At the first request, and at those after a success.
        for good_first in [0, 1] {
            let printed = Printed::default();
            #[cfg(feature = "tracing")]
            let _capture = capture::start(&printed);
            let asked = Mutex::new(0);
            let bad = reply.clone();
            let server = TokenServer::new(move |seen| {
                let mut asked = asked.lock().unwrap();
                *asked += 1;
                if *asked <= good_first { good(seen) } else { bad.clone() }
            });
            let run = async |_: &str, auth: Authenticator| exercise(&auth, &printed).await;
            with_every_source(&server.transport(), "https://id.test", run, &printed).await;
            assert!(printed.contains("RefreshFailed"), "{reply:?}");
            #[cfg(feature = "tracing")]
            assert!(printed.contains("WARN reauth") && printed.contains("refresh_failed"), "{reply:?}");
            revocations += usize::from(printed.contains("RevocationFailed"));
            #[cfg(feature = "tracing")]
            let recorded = ["revocation_failed", "RevocationFailed"].map(|name| printed.contains(name));
            #[cfg(feature = "tracing")]
            assert_eq!(recorded[0], recorded[1], "{reply:?}");
            attempts += usize::from(printed.contains("AttemptFailed"));
            #[cfg(feature = "tracing")]
            assert_eq!(printed.contains("AttemptFailed"), printed.contains("attempt_failed"), "{reply:?}");
            printed.check();
        }
    }
    assert!(attempts > 10, "{attempts} runs with an attempt that is tried again");
    assert!(revocations > 10, "{revocations} runs with a revocation that failed");
}

#[tokio::test(start_paused = true)]
async fn r40_neither_a_store_that_fails_nor_what_it_holds_is_printed_with_a_secret() {
    let printed = Printed::default();
    #[cfg(feature = "tracing")]
    let _capture = capture::start(&printed);
    let store = reauth::store::MemoryStore::new();
    reauth::store::CredentialStore::save(&store, &Entry::new(held())).await.unwrap();
    printed.debug(&store);
    // What a store that was tampered with may hold.
    for json in [
        "canary",
        r#"{"access_token":"canary\n"}"#,
        r#"{"access_token":"at","refresh_token":"canary\n"}"#,
        r#"{"access_token":"at","expires_at":18446744073709551615,"x":"canary"}"#,
    ] {
        printed.outcome(&Credentials::from_json(json));
        printed.outcome(&Entry::from_text(json));
    }
    let server = TokenServer::new(good);
    let events = printed.clone();
    let source = reauth::oauth2::ClientCredentials::new(in_memory(&server), client()).unwrap();
    let builder = in_paused_time(source).store(store).observer(move |event| events.debug(event));
    exercise(&builder.build(), &printed).await;
    assert!(printed.contains("Adopted"));
    printed.check();
}
