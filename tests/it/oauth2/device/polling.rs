//! What is sent, when, and how it ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn r89_the_requests_are_those_of_the_rfc() {
    let provider = Provider::confirmed_after(seconds(7));
    let source = provider.source().scope("openid api").extra_field("audience", "a").unwrap();
    let got = source.login().await.unwrap();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", Some("rt-1")));
    let seen = provider.server.seen();
    let form = |at: usize| {
        let mut form = seen[at].form();
        form.sort();
        form.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    assert_eq!(form(0), "audience=a&client_id=app&scope=openid api");
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    assert_eq!(form(1), format!("audience=a&client_id=app&device_code=dc-1&grant_type={grant}"));
    assert_eq!(provider.polled(), [5, 10]);
    let prompts = provider.prompts.lock().unwrap();
    let [prompt] = &prompts[..] else { panic!("{prompts:?}") };
    assert_eq!(prompt.verification_uri(), "https://id.test/device");
    assert_eq!(prompt.verification_uri_complete(), Some("https://id.test/device?user_code=WDJB-MJHT"));
    assert_eq!((prompt.user_code(), prompt.expires_in()), ("WDJB-MJHT", seconds(900)));
    assert!(!format!("{prompt:?}").contains("WDJB"), "{prompt:?}");
}

#[tokio::test(start_paused = true)]
async fn r89_f156_slow_down_adds_five_seconds_for_good() {
    let provider = Provider::new(CODE, |number, _| match number {
        1 | 3 => Reply::error(400, "slow_down", "slower"),
        5 => Reply::tokens("at-1", "rt-1"),
        _ => Provider::pending(),
    });
    provider.source().login().await.unwrap();
    assert_eq!(provider.polled(), [5, 15, 25, 40, 55]);
}

/// RFC 8628 section 3.5: a client that gets no response asks half as often.
#[tokio::test(start_paused = true)]
async fn r89_f156_no_response_doubles_the_wait_and_a_server_may_ask_for_more() {
    let provider = Provider::new(CODE, |number, _| match number {
        1 => Reply::broken(std::io::ErrorKind::ConnectionReset),
        2 => Reply::bare(502, ""),
        3 => Reply::bare(503, "").header("retry-after", "100"),
        4 => Provider::pending(),
        _ => Reply::tokens("at-1", "rt-1"),
    });
    provider.source().login().await.unwrap();
    // 5, then 10, 20; then 100 instead of 40; then 40.
    assert_eq!(provider.polled(), [5, 15, 35, 135, 175]);
}

#[tokio::test(start_paused = true)]
async fn f157_the_ways_in_which_it_fails_are_told_apart() {
    for (code, kind, said) in [
        ("access_denied", ErrorKind::LoginRequired, "declined"),
        ("expired_token", ErrorKind::LoginRequired, "in time"),
        ("invalid_grant", ErrorKind::LoginRequired, "refused"),
        ("invalid_client", ErrorKind::Misconfigured, "client"),
    ] {
        let provider = Provider::new(CODE, move |_, _| Reply::error(400, code, "no"));
        let error = provider.source().login().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(error.to_string().contains(said), "{code}: {error}");
        assert_eq!(provider.polled().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f157_it_ends_when_the_code_expires_or_the_limit_of_the_program_is_over() {
    const SHORT: &str =
        r#"{"device_code":"dc-1","user_code":"X","verification_uri":"https://id.test/d","expires_in":12}"#;
    for (code, limit, expected) in [(SHORT, 900, 12), (CODE, 21, 21)] {
        let provider = Provider::new(code, |_, _| Provider::pending());
        let start = Instant::now();
        let error = provider.source().login_limit(seconds(limit)).login().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRequired);
        assert!(error.to_string().contains("in time"), "{error}");
        assert_eq!(start.elapsed().as_secs(), expected);
        assert_eq!(provider.polled().len() as u64, expected / 5);
    }
}

#[tokio::test(start_paused = true)]
async fn r89_a_prompt_that_fails_ends_the_log_in_and_one_that_goes_on_is_dropped() {
    let provider = Provider::new(CODE, |_, _| Provider::pending());
    let cancelled = provider.source_with(async |_| {
        sleep(seconds(7)).await;
        Err(Error::login_required("cancelled by the user"))
    });
    let error = cancelled.login().await.unwrap_err();
    assert_eq!(error.to_string(), "cancelled by the user");
    assert_eq!(provider.polled(), [5]);
    advance(seconds(100)).await;
    assert_eq!(provider.polled(), [5]);

    let provider = Provider::confirmed_after(seconds(7));
    provider.source_with(async |_| std::future::pending().await).login().await.unwrap();
}

/// It is not tried again: the next attempt would ask the user again.
#[tokio::test(start_paused = true)]
async fn r89_f165_a_prompt_that_fails_does_not_ask_the_user_again() {
    for failure in [
        Error::transient("no browser"),
        Error::misconfigured("no browser"),
        Error::invalid_response("no browser"),
    ] {
        let provider = Provider::new(CODE, |_, _| Provider::pending());
        let (prompts, result) = (provider.prompts.clone(), failure.clone());
        let source = provider.source_with(move |prompt| {
            prompts.lock().unwrap().push(prompt);
            std::future::ready(Err(result.clone()))
        });
        let error = authenticator(source).credentials().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRequired, "{failure:?}");
        assert!(error.to_string().contains("log in again"), "{error}");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("no browser"));
        assert_eq!(provider.prompts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f158_a_response_that_cant_be_shown_to_a_user_is_an_error() {
    let good: serde_json::Value = serde_json::from_str(CODE).unwrap();
    for (member, value) in [
        ("device_code", None),
        ("user_code", Some("")),
        ("user_code", Some("\u{1b}[2J")),
        ("verification_uri", None),
        ("verification_uri", Some("javascript:alert(1)")),
        ("verification_uri", Some("https://id.test/\u{7}")),
        ("verification_uri", Some("/device")),
    ] {
        let mut code = good.clone();
        match value {
            Some(value) => code[member] = value.into(),
            None => drop(code.as_object_mut().unwrap().remove(member)),
        }
        let code: &'static str = code.to_string().leak();
        let provider = Provider::new(code, |_, _| Provider::pending());
        let error = provider.source().login().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{member} {value:?}");
        assert!(error.to_string().contains(member), "{error}");
        assert_eq!(provider.prompts(), 0);
    }
}
