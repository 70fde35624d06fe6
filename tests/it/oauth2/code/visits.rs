//! The URL, the pages, and the request for tokens.

use super::*;

#[tokio::test]
async fn r91_the_url_and_the_request_for_tokens_are_those_of_the_rfcs() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let (source, mut urls) = source(&server);
    let source = source.scope("openid api").authorization_field("prompt", "consent").unwrap();
    let waiting = waiting(source.extra_field("audience", "a").unwrap(), &mut urls).await;
    let Url { base, query } = &waiting.url;
    assert_eq!(base, "https://id.test/authorize");
    let redirect_uri = format!("http://127.0.0.1:{}/callback", waiting.url.port());
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", &redirect_uri),
        ("scope", "openid api"),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    assert_eq!((query.len(), query["state"].len()), (8, 43));

    let (status, page) = open(&waiting.url.back(&[("code", "co de+1")])).await;
    assert!(status == 200 && page.contains("You can close this tab"), "{page}");
    assert_eq!(waiting.login.await.unwrap().unwrap().refresh_token(), Some("rt-1"));
    let form: BTreeMap<_, _> = server.only().form().into_iter().collect();
    let verifier = &form["code_verifier"];
    let challenge = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        verifier.as_bytes(),
    ));
    assert_eq!(query["code_challenge"], URL_SAFE_NO_PAD.encode(challenge));
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "co de+1"),
        ("redirect_uri", &redirect_uri),
        ("client_id", "app"),
        ("audience", "a"),
    ] {
        assert_eq!(form[name], value, "{name}");
    }
    assert_eq!(form.len(), 6);
}

#[tokio::test]
async fn r91_f161_what_else_a_browser_asks_for_does_not_end_the_log_in() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let (source, mut urls) = source(&server);
    let waiting = waiting(source, &mut urls).await;
    let origin = format!("http://127.0.0.1:{}", waiting.url.port());
    for (url, status) in [
        (format!("{origin}/favicon.ico"), 404),
        (origin.clone(), 404),
        (format!("{origin}/callback"), 400),
        (waiting.url.back_without_state(&[("code", "canary")]), 400),
        (waiting.url.back_without_state(&[("code", "canary"), ("state", "another")]), 400),
        (waiting.url.back(&[("code", "canary"), ("state", "another")]), 400),
        (waiting.url.back_without_state(&[("error", "access_denied"), ("state", "another")]), 400),
    ] {
        let (got, page) = open(&url).await;
        assert_eq!(got, status, "{url}: {page}");
        assert!(!page.contains("canary") && !page.contains('<'), "{page}");
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let posted = http.post(waiting.url.back(&[("code", "canary")])).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    assert_eq!(server.requests(), 0);
    // A browser opens connections in advance, and never uses them.
    let _silent = tokio::net::TcpStream::connect(("127.0.0.1", waiting.url.port())).await.unwrap();
    open(&waiting.url.back(&[("code", "c-1")])).await;
    assert_eq!(waiting.login.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(server.only().field("code").as_deref(), Some("c-1"));
    assert!(is_free(waiting.url.port()).await);
}

/// The user has opened the URL twice. The second code is not used.
#[tokio::test]
async fn r91_f161_a_second_tab_changes_nothing() {
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let released = Arc::new(tokio::sync::Mutex::new(Some(released)));
    let codes = Arc::<Mutex<Vec<String>>>::default();
    let seen = codes.clone();
    let service = tower::service_fn(move |request: http::Request<http_body_util::Full<bytes::Bytes>>| {
        let (released, seen) = (released.clone(), seen.clone());
        async move {
            use http_body_util::BodyExt as _;
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let code = form_urlencoded::parse(&body).find(|(name, _)| name == "code").unwrap().1.into_owned();
            seen.lock().unwrap().push(code);
            if let Some(released) = released.lock().await.take() {
                released.await.unwrap();
            }
            let body = http_body_util::Full::new(bytes::Bytes::from(r#"{"access_token":"at-1"}"#));
            Ok::<_, std::convert::Infallible>(http::Response::new(body))
        }
    });
    let endpoint = TokenEndpoint::new("https://id.test/token").unwrap();
    let endpoint = endpoint.transport(reauth::TokenTransport::new(service));
    let (sender, mut urls) = mpsc::unbounded_channel();
    let client = ClientAuth::none("app").unwrap();
    let source = AuthorizationCode::new(endpoint, "https://id.test/authorize", client, move |url: String| {
        let _ = sender.send(Url::parse(&url));
        async { Ok(()) }
    });
    let waiting = waiting(source.unwrap(), &mut urls).await;
    // This connection is open before the first tab is back.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (first, second) = (waiting.url.back(&[("code", "c-1")]), waiting.url.back(&[("code", "c-2")]));
    let (one, other) = tokio::join!(http.get(&first).send(), http.get(&second).send());
    // The listener may be gone before the second one is connected.
    let pages = [one.ok().map(|page| page.status().as_u16()), other.ok().map(|page| page.status().as_u16())];
    assert!(pages.contains(&Some(200)), "{pages:?}");
    release.send(()).unwrap();
    assert_eq!(waiting.login.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(codes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn r91_the_redirect_uri_is_that_of_the_program() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (source, mut urls) = source(&server);
    let source = source.port(port).redirect_path("/oauth/done").unwrap();
    let waiting = waiting(source.clone(), &mut urls).await;
    assert_eq!(waiting.url.redirect_uri(), format!("http://127.0.0.1:{port}/oauth/done"));
    open(&waiting.url.back(&[("code", "c-1")])).await;
    assert!(waiting.login.await.unwrap().is_ok());
    for path in ["", "done", "/a?b", "/a#b", "/a b"] {
        let error = source.clone().redirect_path(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{path}");
    }
    for name in ["", "state", "scope"] {
        let error = source.clone().authorization_field(name, "x").unwrap_err();
        assert!(error.to_string().contains("authorization field"), "{error}");
    }
    let client = || ClientAuth::none("app").unwrap();
    for url in ["http://id.test/authorize", "https://id.test/authorize#x", "id.test"] {
        let error = AuthorizationCode::new(endpoint(&server), url, client(), async |_| Ok(())).unwrap_err();
        assert!(error.to_string().starts_with("authorization endpoint:"), "{error}");
    }
}

/// RFC 6749 section 3.1: no parameter may come twice.
#[test]
fn r91_a_parameter_that_the_endpoint_has_is_not_added_again() {
    let server = TokenServer::always(Reply::bare(500, ""));
    let url = "https://id.test/authorize?prompt=login&max%5Fage=0";
    let client = ClientAuth::none("app").unwrap();
    let source = AuthorizationCode::new(endpoint(&server), url, client, async |_| Ok(())).unwrap();
    for (name, is_good) in [("prompt", false), ("max_age", false), ("resource", true)] {
        let added = source.clone().authorization_field(name, "x");
        assert_eq!(added.map_err(|error| error.kind()).err(), (!is_good).then_some(ErrorKind::Misconfigured));
    }
}
