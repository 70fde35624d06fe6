//! R33: how a client proves its identity, byte by byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use reauth::CredentialSource;

use super::*;
use crate::support::server::Seen;

const ID: &str = "app:1+ü";
const SECRET: &str = "s %+&=:é";

/// The one request of a log-in as this client.
async fn request(auth: ClientAuth) -> Seen {
    let server = TokenServer::always(Reply::token("at"));
    ClientCredentials::new(in_memory(&server), auth).unwrap().login().await.unwrap();
    server.only()
}

/// The decoded credentials behind `Basic`. The header is sensitive, so that no HTTP library prints it (R40).
fn basic(seen: &Seen) -> String {
    assert!(seen.headers["authorization"].is_sensitive());
    let encoded = seen.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

#[tokio::test]
async fn r33_f41_basic_encodes_id_and_secret_before_base64() {
    let seen = request(ClientAuth::basic(ID, SECRET).unwrap()).await;
    assert_eq!(basic(&seen), "app%3A1%2B%C3%BC:s+%25%2B%26%3D%3A%C3%A9");
    assert_eq!(seen.text(), "grant_type=client_credentials");
}

#[tokio::test]
async fn r33_f41_basic_raw_sends_the_bytes_as_they_are() {
    let seen = request(ClientAuth::basic_raw("app+ü", SECRET).unwrap()).await;
    assert_eq!(basic(&seen), "app+ü:s %+&=:é");
    assert_eq!(seen.text(), "grant_type=client_credentials");
}

#[tokio::test]
async fn r33_f41_post_encodes_id_and_secret_in_the_body() {
    let seen = request(ClientAuth::post(ID, SECRET).unwrap()).await;
    assert_eq!(
        seen.text(),
        "grant_type=client_credentials&client_id=app%3A1%2B%C3%BC&client_secret=s+%25%2B%26%3D%3A%C3%A9"
    );
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn r33_a_public_client_sends_its_id_and_no_proof() {
    let seen = request(ClientAuth::none(ID).unwrap()).await;
    assert_eq!(seen.text(), "grant_type=client_credentials&client_id=app%3A1%2B%C3%BC");
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn r33_an_empty_secret_is_sent_as_one() {
    assert_eq!(basic(&request(ClientAuth::basic("app", "").unwrap()).await), "app:");
    let seen = request(ClientAuth::post("app", "").unwrap()).await;
    assert_eq!(seen.field("client_secret").as_deref(), Some(""));
}

#[tokio::test]
async fn r33_after_a_refusal_no_other_way_is_tried() {
    for auth in [
        ClientAuth::basic("app", "s").unwrap(),
        ClientAuth::basic_raw("app", "s").unwrap(),
        ClientAuth::post("app", "s").unwrap(),
    ] {
        let server = TokenServer::always(Reply::error(401, "invalid_client", "no"));
        let source = ClientCredentials::new(in_memory(&server), auth).unwrap();
        assert_eq!(source.login().await.unwrap_err().kind(), ErrorKind::Misconfigured);
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn r33_f41_user_name_and_password_are_encoded_too() {
    let server = TokenServer::always(Reply::token("at"));
    let source = Password::new(in_memory(&server), client(), "ada+l@x.test", "p %+&=:é").unwrap();
    source.login().await.unwrap();
    assert!(
        server.only().text().contains("&username=ada%2Bl%40x.test&password=p+%25%2B%26%3D%3A%C3%A9&"),
        "{}",
        server.only().text()
    );
}

proptest! {
    /// A server that follows the standard reads the id and the secret, whatever their characters. Only one way is
    /// used, for a log-in and for a refresh.
    #[test]
    fn r33_f41_any_id_and_secret_arrive_and_never_two_ways_at_once(
        id in "\\PC{1,12}",
        secret in "\\PC{0,12}",
        way in 0..4,
    ) {
        let auth = match way {
            0 => ClientAuth::basic(&*id, &*secret),
            1 => ClientAuth::basic_raw(&*id, &*secret),
            2 => ClientAuth::post(&*id, &*secret),
            _ => ClientAuth::none(&*id),
        };
        let Ok(auth) = auth else {
            prop_assert!(way == 1 && id.contains(':'));
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let server = TokenServer::always(Reply::token("at"));
        let source = ClientCredentials::new(in_memory(&server), auth).unwrap();
        runtime.block_on(async {
            source.login().await.unwrap();
            source.refresh(&credentials("at-0", Some("rt-0"), None)).await.unwrap();
        });
        let decoded = |text: &str| {
            // A form's field as a server of RFC 6749 section 2.3.1 reads it.
            form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned()
        };
        for seen in server.seen() {
            let in_body = (seen.field("client_id"), seen.field("client_secret"));
            if way < 2 {
                let pair = basic(&seen);
                let (id_sent, secret_sent) = pair.split_once(':').unwrap();
                let read = |text: &str| if way == 0 { decoded(text) } else { text.to_owned() };
                prop_assert_eq!((read(id_sent), read(secret_sent)), (id.clone(), secret.clone()));
                prop_assert_eq!(in_body, (None, None));
            } else {
                prop_assert_eq!(seen.header("authorization"), None);
                prop_assert_eq!(in_body, (Some(id.clone()), (way == 2).then(|| secret.clone())));
            }
        }
    }
}
