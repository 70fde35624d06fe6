//! TLS, users, and what is wrong with a setting.

use std::error::Error as StdError;
use std::time::Duration;

use reauth::store::{CredentialStore, GuardError, RedisStore};
use reauth::{Error, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::server::free_port;
use crate::support::{Server, entry, is_yes, request, stored, version, waiting};

/// Exactly what `RedisStore` says that its user needs.
const USER: [&str; 22] = [
    "ACL",
    "SETUSER",
    "ada",
    "on",
    ">canary-pw",
    "~{reauth:default}:*",
    "&{reauth:default}:changed",
    "+evalsha",
    "+script|load",
    "+subscribe",
    "+publish",
    "+time",
    "+get",
    "+set",
    "+del",
    "+pexpire",
    "+hmget",
    "+hset",
    "+hdel",
    "+persist",
    "+copy",
    "-@dangerous",
];

/// A whole refresh, also one that finds a damaged entry.
async fn assert_works(store: &RedisStore, server: &Server) {
    store.save(&entry(1)).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    assert!(guard.is_written());
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    drop(guard);
    drop(store.guard(&waiting(Duration::from_secs(20))).await.unwrap());
    assert_eq!(stored(store).await, Some(version(2)));
    server.tell(&["HSET", &server.key("entry"), "text", "damaged"]);
    assert!(is_yes(&store.replace(None, &entry(3)).await.unwrap()));
    assert!(server.ask::<bool>(&["EXISTS", &server.key("damaged")]));
    let (_, subscribers): (String, i64) = server.ask(&["PUBSUB", "NUMSUB", &server.key("changed")]);
    assert_eq!(subscribers, 1);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_a_user_with_these_permissions_is_enough() {
    let server = Server::start();
    server.tell(&USER);
    let url = format!("redis://ada:canary-pw@127.0.0.1:{}/", server.port());
    assert_works(&RedisStore::new(&url).unwrap(), &server).await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_tls_with_a_certificate_of_ones_own_and_a_user() {
    // Other crates of the tests bring a second provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("reauth-redis-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, identity.cert.pem()).unwrap();
    std::fs::write(&key, identity.signing_key.serialize_pem()).unwrap();
    let tls_port = free_port();
    let server = Server::with(&[
        "--tls-port",
        &tls_port.to_string(),
        "--tls-cert-file",
        certificate.to_str().unwrap(),
        "--tls-key-file",
        key.to_str().unwrap(),
        "--tls-ca-cert-file",
        certificate.to_str().unwrap(),
        "--tls-auth-clients",
        "no",
    ]);
    server.tell(&USER);
    std::fs::remove_dir_all(&folder).unwrap();

    let url = format!("rediss://ada:canary-pw@localhost:{tls_port}/");
    let roots = Some(identity.cert.pem().into_bytes());
    let client = redis::Client::build_with_tls(
        url.as_str(),
        redis::TlsCertificates { client_tls: None, root_cert: roots },
    );
    assert_works(&RedisStore::from_client(client.unwrap()), &server).await;

    // Who does not know the certificate, or speaks no TLS, is told so.
    let error = RedisStore::new(&url).unwrap().load().await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_hides_secrets(&error);
    let plain = RedisStore::new(&url.replace("rediss", "redis")).unwrap().timeout(Duration::from_secs(20));
    assert_eq!(plain.load().await.unwrap_err().kind(), ErrorKind::Store);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_wrong_password_is_named_as_such_and_not_shown() {
    let server = Server::with(&["--requirepass", "right"]);
    let at = format!("127.0.0.1:{}", server.port());
    for url in [
        format!("redis://{at}/"),
        format!("redis://:canary-pw@{at}/"),
        format!("redis://canary-user:canary-pw@{at}/"),
    ] {
        let store = RedisStore::new(&url).unwrap();
        let error = store.load().await.unwrap_err();
        assert!(error.to_string().contains("password"), "{error}");
        assert_hides_secrets(&error);
        let Err(GuardError::Unreachable(error)) = store.guard(&request(1, 7)).await else { panic!() };
        assert!(error.to_string().contains("password"), "{error}");
        assert!(!format!("{store:?}").contains("canary"), "{store:?}");
    }
}

/// Responds with this to each command of the set-up, and then closes the connection.
async fn no_redis(response: &'static [u8]) -> RedisStore {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(&response.repeat(4)).await;
            });
        }
    });
    RedisStore::new(&format!("redis://ada:canary-pw@127.0.0.1:{port}/")).unwrap()
}

#[tokio::test]
async fn f65_what_is_not_redis_is_named_as_such() {
    for (response, what) in [
        (&b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..], "not Redis"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "not Redis"),
        (b"", "can't be reached"),
        (
            b"-ERR unknown command `HELLO`, with args beginning with: `3` `AUTH` `ada` `canary-pw`\r\n",
            "Redis 7",
        ),
        (b"-canary-pw is wrong\r\n", "Redis 7"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        (b"-MOVED 1 127.0.0.1:2\r\n", "cluster"),
    ] {
        let store = no_redis(response).await;
        let error = store.load().await.unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error:?}");
        assert_hides_secrets(&error);
        let result = store.guard(&request(1, 7)).await;
        assert!(matches!(result, Err(GuardError::Unreachable(_))), "{result:?}");
    }
}

#[tokio::test]
async fn f65_a_port_where_nobody_listens_is_unreachable_at_once() {
    let store = RedisStore::new(&format!("redis://127.0.0.1:{}/", free_port())).unwrap();
    let error = store.load().await.unwrap_err();
    assert!(error.to_string().contains("can't be reached"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn f65_a_server_that_never_responds_is_given_up_at_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let store = RedisStore::new(&url).unwrap().timeout(Duration::from_millis(50));
    let error = store.load().await.unwrap_err();
    assert!(error.to_string().contains("50ms"), "{error}");
}

#[test]
fn r40_a_url_that_is_no_redis_url_is_an_error_that_does_not_show_it() {
    for url in
        ["", "canary", "https://:canary@example.com", "redis://:canary@example.com:x/", "redis:///canary"]
    {
        let Err(error) = RedisStore::new(url) else { panic!("{url}") };
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("URL"), "{error}");
        assert_hides_secrets(&error);
    }
}

fn assert_hides_secrets(error: &Error) {
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        let printed = format!("{error} {error:?} {error:#?}");
        assert!(!printed.contains("canary-pw") && !printed.contains("canary@"), "{printed}");
        cause = error.source();
    }
}
