//! Bad input is refused at construction. The error names the field, and does not show its value.

use reauth::Credentials;
use reauth::oauth2::{JwtBearer, TokenExchange};
use reauth::pilot::{HpcLogin, Pilot};
use reauth::vathos::{ClientGrant, ServiceAccount};

use super::*;

/// A word in every value. No error may repeat it.
const MARK: &str = "zxq-marker";

/// Every constructor that takes the URL of a server to which secrets are sent.
fn every_constructor(url: &str) -> Vec<(&'static str, Result<(), Error>)> {
    let given = || credentials("at", Some("rt"), None);
    vec![
        ("TokenEndpoint", TokenEndpoint::new(url).map(drop)),
        ("&str", TokenEndpoint::try_from(url).map(drop)),
        ("&String", TokenEndpoint::try_from(&url.to_owned()).map(drop)),
        ("String", TokenEndpoint::try_from(url.to_owned()).map(drop)),
        ("ClientCredentials", ClientCredentials::new(url, client()).map(drop)),
        ("Password", Password::new(url, client(), "ada", "p").map(drop)),
        ("RefreshToken", RefreshToken::new(url, client(), given()).map(drop)),
        ("JwtBearer", JwtBearer::new(url, || async { Ok(String::new()) }).map(drop)),
        ("TokenExchange", TokenExchange::new(url, Authenticator::new(given())).map(drop)),
        ("Pilot", Pilot::new(url, "ada", "p").map(drop)),
        ("Pilot with credentials", Pilot::from_credentials(url, given()).map(drop)),
        ("HpcLogin", HpcLogin::new(url, "ada", "p", "issuer").map(drop)),
        ("ServiceAccount", ServiceAccount::new(url, "app", "s").map(drop)),
        ("ClientGrant", ClientGrant::new(url, "app", "s", "ada", "p").map(drop)),
    ]
}

fn check(name: &str, result: Result<(), Error>, field: &str) {
    let error = result.expect_err(name);
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{name}: {error}");
    assert!(error.to_string().contains(field), "{name}: {error}");
    assert!(!shown(&error).contains(MARK), "{name}: {error}");
}

#[test]
fn r43_plain_http_is_refused_unless_it_is_loopback() {
    for url in [
        "http://id.zxq-marker.test/token",
        "http://zxq-marker.test",
        "http://10.0.0.1/zxq-marker",
        "http://localhost.zxq-marker.test/",
        "http://127.0.0.1.zxq-marker.test/",
        "http://[::2]/zxq-marker",
        "http://0.0.0.0/zxq-marker",
    ] {
        for (name, result) in every_constructor(url) {
            check(name, result, "plain http");
        }
    }
    for url in ["https://id.test/token", "HTTPS://ID.TEST", "https://id.test:8443/a/b"] {
        for (name, result) in every_constructor(url) {
            assert!(result.is_ok(), "{name} {url}: {result:?}");
        }
    }
    for url in ["http://localhost:8080/a", "http://LOCALHOST/", "http://127.1.2.3/", "http://[::1]:8080/a"] {
        for (name, result) in every_constructor(url) {
            assert!(result.is_ok(), "{name} {url}: {result:?}");
        }
    }
}

#[test]
fn r43_no_url_no_host_and_user_info_are_refused() {
    for url in [
        "",
        "zxq-marker",
        "/zxq-marker",
        "id.test/zxq-marker",
        "https://",
        "https:///zxq-marker",
        "ftp://zxq-marker.test/",
        "https://zxq-marker@id.test/",
        "https://zxq-marker:pw@id.test/",
        "https://zxq-marker.test@zxq-marker.test/",
        "http://zxq-marker:pw@127.0.0.1/",
        "https://zxq-marker.test:99999/",
        "https://zxq-marker.test:port/",
        "https://zxq marker.test/",
        "https://zxq-marker.test/\n",
    ] {
        for (name, result) in every_constructor(url) {
            check(name, result, "endpoint");
        }
    }
    check("a fragment", TokenEndpoint::new("https://id.test/#zxq-marker").map(drop), "fragment");
}

#[tokio::test]
async fn r43_danger_accepts_plain_http_in_so_many_words_and_nothing_else() {
    let server = TokenServer::always(Reply::token("at"));
    let endpoint = TokenEndpoint::danger_accept_plain_http("http://id.test/token").unwrap();
    let source = service(endpoint.transport(server.transport()));
    reauth::CredentialSource::login(&source).await.unwrap();
    assert_eq!(server.only().uri, "http://id.test/token");
    for url in
        ["http://zxq-marker@id.test/", "ftp://zxq-marker.test/", "http://id.test/#zxq-marker", "zxq-marker"]
    {
        check(url, TokenEndpoint::danger_accept_plain_http(url).map(drop), "token endpoint");
    }
}

#[test]
fn an_empty_or_impossible_value_is_refused_by_the_name_of_its_field() {
    let server = TokenServer::always(Reply::token("at"));
    let endpoint = || in_memory(&server);
    let pilot = |user: &str, password: &str| Pilot::new("https://pilot.test", user, password).map(drop);
    let device = |id: &str, secret: &str| ServiceAccount::new(endpoint(), id, secret).map(drop);
    let person = |fields: [&str; 4]| {
        let [id, secret, user, password] = fields;
        ClientGrant::new(endpoint(), id, secret, user, password).map(drop)
    };
    let hpc = |user: &str, password: &str, issuer: &str| {
        HpcLogin::new("https://pilot.test", user, password, issuer).map(drop)
    };
    for (field, result) in [
        ("client id", ClientAuth::basic("", MARK).map(drop)),
        ("client id", ClientAuth::basic_raw("", MARK).map(drop)),
        ("client id", ClientAuth::basic_raw(format!("{MARK}:x"), MARK).map(drop)),
        ("client id", ClientAuth::post("", MARK).map(drop)),
        ("client id", ClientAuth::none("").map(drop)),
        ("client id", ClientAuth::assertion("", || async { Ok(MARK.to_owned()) }).map(drop)),
        ("user name", Password::new(endpoint(), client(), "", MARK).map(drop)),
        ("password", Password::new(endpoint(), client(), MARK, "").map(drop)),
        ("refresh token", RefreshToken::new(endpoint(), client(), credentials(MARK, None, None)).map(drop)),
        ("user name", pilot("", MARK)),
        ("password", pilot(MARK, "")),
        ("user name", hpc("", MARK, MARK)),
        ("password", hpc(MARK, "", MARK)),
        ("token issuer", hpc(MARK, MARK, "")),
        ("client id", device("", MARK)),
        ("client secret", device(MARK, "")),
        ("client id", person(["", MARK, MARK, MARK])),
        ("client secret", person([MARK, "", MARK, MARK])),
        ("user name", person([MARK, MARK, "", MARK])),
        ("password", person([MARK, MARK, MARK, ""])),
        ("access token", Credentials::new("").map(drop)),
        ("access token", Credentials::new(format!("{MARK}\r\nx: y")).map(drop)),
        ("access token", Credentials::new(format!("{MARK} ü")).map(drop)),
        ("refresh token", credentials("at", None, None).with_refresh_token("").map(drop)),
        ("refresh token", credentials("at", None, None).with_refresh_token(format!("{MARK}\n")).map(drop)),
    ] {
        check(field, result, field);
    }
}

proptest::proptest! {
    #[test]
    fn r22_f40_any_token_makes_credentials_whose_request_can_be_sent_or_an_error_without_it(token: String) {
        match Credentials::new(token.clone()) {
            Ok(credentials) => {
                let value = format!("Bearer {}", credentials.access_token());
                assert!(http::HeaderValue::from_str(&value).is_ok(), "{token:?}");
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Misconfigured);
                assert!(token.chars().count() < 4 || !shown(&error).contains(&token), "{error}");
            }
        }
    }
}
