//! How a log-in in a browser ends, and what it leaves behind: nothing.

use std::io::Read as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn f162_what_the_provider_refuses_is_told_apart() {
    for (fields, kind, said) in [
        (
            vec![("error", "access_denied"), ("error_description", "no\u{1b}[2J")],
            ErrorKind::LoginRequired,
            "declined",
        ),
        (vec![("error", "server_error")], ErrorKind::LoginRequired, "later"),
        (vec![("error", "consent_required")], ErrorKind::LoginRequired, "refused"),
        (vec![("error", "invalid_scope")], ErrorKind::Misconfigured, "scope"),
        (vec![], ErrorKind::InvalidResponse, "neither"),
    ] {
        let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
        let (source, mut urls) = source(&server);
        let waiting = waiting(source, &mut urls).await;
        let (status, page) = open(&waiting.url.back(&fields)).await;
        assert!(status == 200 && page.contains("failed"), "{page}");
        let error = waiting.login.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), kind, "{fields:?}: {error}");
        assert!(error.to_string().contains(said) && !error.to_string().contains('\u{1b}'), "{error}");
        assert_eq!(error.code(), fields.first().map(|(_, code)| *code));
        assert_eq!(server.requests(), 0);
        assert!(is_free(waiting.url.port()).await);
    }
}

/// RFC 9207 section 2.4.
#[tokio::test]
async fn r91_f163_a_response_of_another_issuer_is_refused() {
    for (iss, is_good) in [
        (Some("https://id.test"), true),
        (Some("https://evil.test"), false),
        (Some("https://id.test/"), false),
        (None, false),
    ] {
        let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
        let (source, mut urls) = source(&server);
        let waiting = waiting(source.issuer("https://id.test"), &mut urls).await;
        let fields: Vec<_> = iss.into_iter().map(|iss| ("iss", iss)).chain([("code", "c-1")]).collect();
        open(&waiting.url.back(&fields)).await;
        let outcome = waiting.login.await.unwrap();
        assert_eq!((outcome.is_ok(), server.requests()), (is_good, usize::from(is_good)), "{iss:?}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains("issuer") && !error.to_string().contains("evil"), "{error}");
        }
        assert!(is_free(waiting.url.port()).await);
    }
}

#[tokio::test]
async fn f161_a_wrong_state_is_in_the_error_when_the_time_is_over() {
    for is_other in [false, true] {
        let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
        let (source, mut urls) = source(&server);
        let waiting = waiting(source.login_limit(Duration::from_secs(1000)), &mut urls).await;
        if is_other {
            open(&waiting.url.back_without_state(&[("code", "c-1"), ("state", "another")])).await;
        }
        tokio::time::pause();
        let error = waiting.login.await.unwrap().unwrap_err();
        tokio::time::resume();
        assert_eq!(error.kind(), ErrorKind::LoginRequired);
        assert!(error.to_string().contains("in time"), "{error}");
        assert_eq!(error.to_string().contains("`state`"), is_other, "{error}");
        assert!(is_free(waiting.url.port()).await);
    }
}

#[tokio::test]
async fn f164_a_port_in_use_is_an_error_that_names_it_and_nothing_is_opened() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let (source, mut urls) = source(&server);
    let error = source.port(port).login().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains(&format!("port {port} of 127.0.0.1")), "{error}");
    assert!(urls.try_recv().is_err());
}

/// A browser may hold a connection on which it asks for nothing. Nobody waits for it with tokens in hand, which a log-out would lose.
#[tokio::test]
async fn r90_the_tokens_are_asked_for_when_the_browser_is_done() {
    let idle = Arc::new(Mutex::new(None::<TcpStream>));
    let is_closed = Arc::new(Mutex::new(None));
    let server = TokenServer::new({
        let (idle, is_closed) = (idle.clone(), is_closed.clone());
        move |_| {
            let read = idle.lock().unwrap().as_ref().unwrap().read(&mut [0]);
            *is_closed.lock().unwrap() = Some(matches!(read, Ok(0)));
            Reply::tokens("at-1", "rt-1")
        }
    });
    let (source, mut urls) = source(&server);
    let waiting = waiting(source, &mut urls).await;
    let connection = TcpStream::connect(("127.0.0.1", waiting.url.port())).unwrap();
    connection.set_nonblocking(true).unwrap();
    *idle.lock().unwrap() = Some(connection);
    open(&waiting.url.back(&[("code", "c-1")])).await;
    assert_eq!(waiting.login.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(*is_closed.lock().unwrap(), Some(true));
}

#[tokio::test]
async fn r90_f160_a_log_out_closes_the_port() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let (source, mut urls) = source(&server);
    let auth = Authenticator::new(source);
    let caller = tokio::spawn({
        let auth = auth.clone();
        async move { auth.credentials().await }
    });
    let url = urls.recv().await.unwrap();
    assert!(!is_free(url.port()).await);
    auth.log_out().await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    auth.settled().await;
    assert!(is_free(url.port()).await);
}

#[tokio::test]
async fn r91_an_error_of_the_closure_ends_the_log_in() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let client = ClientAuth::none("app").unwrap();
    let cancelled = async |_| Err(Error::login_required("there is no browser"));
    let source = AuthorizationCode::new(endpoint(&server), "https://id.test/authorize", client, cancelled);
    assert_eq!(source.unwrap().login().await.unwrap_err().to_string(), "there is no browser");
}

#[tokio::test]
async fn r91_f165_a_browser_that_cant_be_opened_is_not_opened_again() {
    for failure in [Error::transient("no browser"), Error::misconfigured("no browser")] {
        let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
        let (opened, result) = (Arc::<Mutex<usize>>::default(), failure.clone());
        let counter = opened.clone();
        let open = move |_| {
            *counter.lock().unwrap() += 1;
            std::future::ready(Err(result.clone()))
        };
        let client = ClientAuth::none("app").unwrap();
        let source = AuthorizationCode::new(endpoint(&server), "https://id.test/authorize", client, open);
        let error = Authenticator::new(source.unwrap()).credentials().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRequired, "{failure:?}");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("no browser"));
        assert_eq!(*opened.lock().unwrap(), 1);
    }
}

/// A code that was sent may be spent, and the user would have to be asked again: that is for the program to decide.
#[tokio::test]
async fn f165_an_exchange_that_fails_does_not_ask_the_user_again() {
    for (reply, kind) in [
        (Reply::error(400, "invalid_grant", "the code is used"), ErrorKind::LoginRequired),
        (Reply::broken(std::io::ErrorKind::ConnectionReset), ErrorKind::LoginRequired),
        (Reply::bare(500, ""), ErrorKind::LoginRequired),
        (Reply::error(401, "invalid_client", "no"), ErrorKind::Misconfigured),
    ] {
        let server = TokenServer::always(reply);
        let (source, mut urls) = source(&server);
        let auth = Authenticator::new(source);
        let caller = tokio::spawn({
            let auth = auth.clone();
            async move { auth.credentials().await }
        });
        let url = urls.recv().await.unwrap();
        open(&url.back(&[("code", "c-1")])).await;
        assert_eq!(caller.await.unwrap().unwrap_err().kind(), kind);
        assert_eq!(server.requests(), 1);
        assert!(urls.try_recv().is_err());
    }
}

#[tokio::test]
async fn f165_a_code_that_was_not_sent_is_sent_again() {
    let server = TokenServer::script([Reply::bare(503, ""), Reply::tokens("at-1", "rt-1")]);
    let (source, mut urls) = source(&server);
    let waiting = waiting(source, &mut urls).await;
    open(&waiting.url.back(&[("code", "c-1")])).await;
    // Nothing is left but the wait between the requests.
    tokio::time::pause();
    assert_eq!(waiting.login.await.unwrap().unwrap().access_token(), "at-1");
    let codes: Vec<_> = server.seen().iter().map(|seen| seen.field("code")).collect();
    assert_eq!(codes, [Some("c-1".to_owned()), Some("c-1".to_owned())]);
}

/// The code is sent again when the provider wants it, or not at all.
#[tokio::test]
async fn r10_f165_a_code_is_not_sent_again_before_the_time_that_the_provider_asks_for() {
    for (wait, is_sent) in [("9", true), ("600", false)] {
        let times = Arc::<Mutex<Vec<Instant>>>::default();
        let asked = times.clone();
        let server = TokenServer::new(move |_| {
            let mut asked = asked.lock().unwrap();
            asked.push(Instant::now());
            match asked.len() {
                1 => Reply::bare(503, "").header("retry-after", wait),
                _ => Reply::tokens("at-1", "rt-1"),
            }
        });
        let (source, mut urls) = source(&server);
        let waiting = waiting(source, &mut urls).await;
        open(&waiting.url.back(&[("code", "c-1")])).await;
        tokio::time::pause();
        let outcome = waiting.login.await.unwrap();
        tokio::time::resume();
        let times = times.lock().unwrap();
        if is_sent {
            assert_eq!(outcome.unwrap().access_token(), "at-1");
            assert!(times[1] - times[0] >= Duration::from_secs(9), "{times:?}");
        } else {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LoginRequired);
            assert_eq!((error.retry_after(), times.len()), (Some(Duration::from_secs(600)), 1));
        }
    }
}

#[tokio::test]
async fn r90_f108_processes_with_one_store_open_one_browser() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let (source, mut urls) = source(&server);
    let store = MemoryStore::new();
    let callers: Vec<_> = (0..5)
        .map(|_| {
            let auth = Authenticator::builder(source.clone()).store(store.clone()).build();
            tokio::spawn(async move { auth.credentials().await })
        })
        .collect();
    let url = urls.recv().await.unwrap();
    open(&url.back(&[("code", "c-1")])).await;
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    }
    assert!(urls.try_recv().is_err());
    assert_eq!(server.requests(), 1);
}
