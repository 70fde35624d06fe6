//! R42: servers that say back what they were sent, in the words that clients show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// All that a careless server may quote of a request: as it came, and as it was read.
fn quoted(seen: &Seen) -> Vec<String> {
    let mut quoted = vec![seen.text().to_owned()];
    quoted.extend(seen.form().into_iter().map(|(_, value)| value));
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(&seen.body) {
        quoted.extend(members.values().filter_map(|value| value.as_str().map(str::to_owned)));
    }
    if let Some(proof) = seen.header("authorization") {
        quoted.push(proof.to_owned());
        let pair = String::from_utf8(STANDARD.decode(proof.trim_start_matches("Basic ")).unwrap()).unwrap();
        let secret = pair.split_once(':').unwrap().1.to_owned();
        // A server that decodes what is not encoded quotes something else than the secret.
        if !secret.contains('&') {
            let field = format!("x={secret}");
            quoted.extend(form_urlencoded::parse(field.as_bytes()).map(|(_, value)| value.into_owned()));
        }
        quoted.extend([pair, secret]);
    }
    quoted
}

/// The `n`th thing to quote, as an `error`, an `error_description` and PILOT's `error_msg`.
fn echo(seen: &Seen, status: u16, n: usize) -> Reply {
    let quoted = quoted(seen);
    let said = format!("I did not like {} at all", quoted[n % quoted.len()]);
    let body = serde_json::json!({
        "error": said, "error_description": said, "code": status, "error_msg": said, "result": said,
    });
    Reply::json(status, body.to_string())
}

#[tokio::test(start_paused = true)]
async fn r42_what_a_server_quotes_of_a_request_is_not_shown() {
    for status in [200, 400, 404, 500] {
        for n in 0..8 {
            let printed = Printed::default();
            #[cfg(feature = "tracing")]
            let _capture = capture::start(&printed);
            let server = TokenServer::new(move |seen| echo(seen, status, n));
            let run = async |_: &str, auth: Authenticator| exercise(&auth, &printed).await;
            with_every_source(&server.transport(), "https://id.test", run, &printed).await;
            if status == 400 {
                assert!(printed.contains("I did not like"), "the rest is shown");
                assert!(printed.contains("[redacted]"));
            }
            printed.check();
        }
    }
}

#[tokio::test]
async fn r42_a_quotation_that_is_cut_short_by_us_shows_no_part_of_a_secret() {
    // The secret stands where the message ends.
    for filler in 150..230 {
        let server = TokenServer::new(move |seen| {
            let said = format!("{}{}", "x".repeat(filler), seen.field("key").unwrap());
            Reply::error(400, "invalid_request", &said)
        });
        let source = reauth::oauth2::ClientCredentials::new(in_memory(&server), client()).unwrap();
        let printed = Printed::default();
        printed.outcome(&source.extra_field("key", PASSWORD).unwrap().login().await);
        printed.check();
        assert!(!printed.contains("xca"), "not the beginning either");
    }
}

/// R42: secrets that this request did not show, or not as they are quoted.
#[tokio::test]
async fn r42_a_server_that_quotes_the_old_token_or_the_bare_proof_of_identity_is_not_repeated() {
    let proof = STANDARD.encode("app:s3cret");
    for quoted in ["at-old".to_owned(), proof] {
        let said = format!("not with {quoted}");
        let server = TokenServer::new(move |_| Reply::error(400, "invalid_request", &said));
        let basic = ClientAuth::basic("app", "s3cret").unwrap();
        let source = reauth::oauth2::ClientCredentials::new(in_memory(&server), basic).unwrap();
        let source = source.revocation_endpoint(in_memory(&server));
        let held = Credentials::new("at-old").unwrap().with_refresh_token("rt-old").unwrap();
        let errors = [source.refresh(&held).await.unwrap_err(), source.revoke(&held).await.unwrap_err()];
        for error in errors.map(|error| format!("{error} {error:?}")) {
            assert!(error.contains("[redacted]") && !error.contains(&quoted), "{error}");
        }
    }
}
