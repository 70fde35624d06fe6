//! What is an origin, and which requests are within a scope.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;

const NOT_AN_ORIGIN: &[&str] = &[
    "",
    " ",
    "/",
    "*",
    "canary",
    "canary.test",
    "canary.test:443",
    "//canary.test",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:canary.test",
    "ftp://canary.test",
    "wss://canary.test",
    "file:///canary",
    "javascript:canary",
    // A path, a query, a fragment.
    "https://canary.test/v1",
    "https://canary.test//",
    "https://canary.test/?",
    "https://canary.test?",
    "https://canary.test?q=1",
    "https://canary.test#",
    "https://canary.test/#top",
    // User info.
    "https://ada@canary.test",
    "https://ada:pw@canary.test",
    "https://@canary.test",
    "https://:@canary.test",
    // Wildcards.
    "https://*",
    "https://*.canary.test",
    "https://canary.*",
    "https://canary.test:*",
    // Ports.
    "https://canary.test:",
    "https://canary.test:0",
    "https://canary.test:00",
    "https://canary.test:65536",
    "https://canary.test:99999999999999999999",
    "https://canary.test:-1",
    "https://canary.test:+443",
    "https://canary.test:4 43",
    "https://canary.test:http",
    "https://canary.test:443:443",
    "https://:443",
    "http://localhost:",
    // Text around it, and what is no ASCII host.
    " https://canary.test",
    "https://canary.test ",
    "https://canary.test\n",
    "https://can ary.test",
    "https://c\u{e4}nary.test",
    "https://[::1",
    "https://::1",
    "https://[canary]:443:1",
    "https://a.test,https://canary.test",
    "https://a.test https://canary.test",
];

#[test]
fn what_is_no_origin_is_refused_by_the_name_of_the_field_and_not_by_its_value() {
    for text in NOT_AN_ORIGIN {
        let first = Origins::new(text);
        let later = Origins::new("https://a.test").unwrap().and(text);
        for error in [first, later, text.parse()].map(|refused| refused.map(|scope| panic_on(&scope))) {
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{text:?}");
            assert!(error.to_string().starts_with("scope: it is not of the form "), "{text:?}: {error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }
}

fn panic_on(scope: &Origins) {
    unreachable!("{scope:?} was taken for an origin");
}

#[test]
fn plain_http_is_for_loopback_only() {
    for text in [
        "http://canary.test",
        "http://canary.test:80",
        "HTTP://canary.test",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://192.168.0.1",
        "http://[::]",
        "http://[fe80::1]",
        "http://[2001:db8::1]:8080",
        "http://localhost.canary.test",
        "http://localhost.",
        "http://127.0.0.1.canary.test",
        "http://127.1",
        "http://2130706433",
        "http://canary-localhost",
    ] {
        let error = Origins::new(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{text}");
        assert!(error.to_string().starts_with("scope: plain http "), "{text}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    for text in [
        "http://localhost",
        "http://LocalHost:8080",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.255.255.254:65535",
        "http://[::1]",
        "http://[::1]:8080",
        "http://[0:0:0:0:0:0:0:1]",
    ] {
        Origins::new(text).unwrap();
    }
}

fn within(scope: &Origins, uri: &str) -> bool {
    let by_uri = scope.find(&uri.parse().unwrap());
    #[cfg(feature = "reqwest")]
    assert_eq!(by_uri, scope.find_url(&uri.parse().unwrap()), "both adapters say the same of {uri}");
    by_uri.is_some()
}

#[test]
fn r20_a_request_is_within_the_scope_of_its_scheme_host_and_port() {
    let scope = Origins::new("https://API.example.com/").unwrap();
    for uri in [
        "https://api.example.com",
        "https://api.example.com/",
        "https://api.example.com/a/b?c",
        "https://api.example.com:443/a",
        "https://Api.Example.COM/a",
        "HTTPS://api.example.com/a",
    ] {
        assert!(within(&scope, uri), "{uri}");
    }
    for uri in [
        "http://api.example.com/",
        "http://api.example.com:443/",
        "https://api.example.com:8443/",
        "https://api.example.com.evil.test/",
        "https://evil-api.example.com/",
        "https://example.com/",
        "https://api.example.com@evil.test/",
        "https://evil.test/https://api.example.com/",
        "https://evil.test/?https://api.example.com",
        "https://api.example.co/",
        "ftp://api.example.com/",
    ] {
        assert!(!within(&scope, uri), "{uri}");
    }
    // Not what reqwest makes of it: it takes the user name, and an empty port, off the URL.
    assert!(scope.find(&"https://ada@api.example.com/".parse().unwrap()).is_none());
    assert!(scope.find(&"https://api.example.com:/".parse().unwrap()).is_none());
    // Not absolute: nobody knows where it goes.
    assert!(scope.find(&"/a".parse().unwrap()).is_none());
    assert!(scope.find(&"api.example.com:443".parse().unwrap()).is_none());
    assert!(scope.find(&"*".parse().unwrap()).is_none());
}

#[test]
fn r20_several_origins_each_with_its_port() {
    let scope = Origins::new("https://a.test").unwrap().and("https://b.test:8443").unwrap();
    assert!(within(&scope, "https://a.test/") && within(&scope, "https://b.test:8443/"));
    assert!(!within(&scope, "https://a.test:8443/") && !within(&scope, "https://b.test/"));
    assert_eq!(format!("{scope:?}"), "Origins { origins: [https://a.test:443, https://b.test:8443] }");
}

#[test]
fn r20_loopback_is_a_host_like_any_other_once_it_is_in_scope() {
    let v6 = Origins::new("http://[::1]:8080").unwrap();
    assert!(within(&v6, "http://[::1]:8080/a"));
    assert!(!within(&v6, "http://[::1]/a") && !within(&v6, "http://127.0.0.1:8080/a"));
    let v6 = Origins::new("https://[2001:db8::1]").unwrap();
    assert!(within(&v6, "https://[2001:DB8::1]:443/a"));
    let name = Origins::new("http://localhost:3000").unwrap();
    assert!(within(&name, "http://LOCALHOST:3000/") && !within(&name, "http://127.0.0.1:3000/"));
    assert!(!within(&name, "https://localhost:3000/"));
    let plain = Origins::new("http://localhost").unwrap();
    assert!(within(&plain, "http://localhost/") && within(&plain, "http://localhost:80/"));
    assert!(!within(&plain, "http://localhost:443/"));
}

#[cfg(feature = "reqwest")]
#[test]
fn r20_a_user_name_in_a_url_is_no_part_of_its_origin_and_does_not_pass_for_one() {
    let scope = Origins::new("https://other.example.com").unwrap().and("https://api.example.com").unwrap();
    let find = |url: &str| scope.find_url(&url.parse().unwrap());
    // A program may make such a URL, and a redirect may lead to one.
    for user in ["ada", "ada:pw", "evil.test", "other.example.com:443"] {
        assert_eq!(find(&format!("https://{user}@api.example.com/a")), Some(1), "{user}");
        assert_eq!(find(&format!("https://{user}@evil.test/a")), None, "{user}");
    }
    assert_eq!(find("https://api.example.com@evil.test/"), None);
}

#[test]
fn r20_a_scheme_is_compared_without_case_also_in_a_uri_that_was_put_together() {
    for (origin, scheme) in [("https://a.test", "HTTPS"), ("http://127.0.0.1", "hTTp")] {
        let authority = origin.split_once("//").unwrap().1;
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().unwrap();
        assert_eq!(uri.scheme_str(), Some(scheme), "a parsed one is in lower case");
        assert!(Origins::new(origin).unwrap().find(&uri).is_some(), "{uri}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "https?://[a-z0-9.:@/?#*\\[\\]%_-]{0,24}",
        "[hHtTpPsS]{4,5}:/{1,3}[a-z0-9.-]{0,12}(:[0-9+ ]{0,7})?/?",
    ]
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_taken_is_an_origin(text in any_text()) {
        let Ok(scope) = Origins::new(&text) else { return Ok(()) };
        // Shown as scheme, host and port, it is the same scope.
        let shown = format!("{:?}", scope.origins[0]);
        prop_assert_eq!(Origins::new(&shown).unwrap(), scope.clone());
        prop_assert!(text.to_ascii_lowercase().starts_with("http"));
        prop_assert!(!text.contains(['@', '*', '#', '?', ' ']), "{text}");
        // A request to it is within it.
        let uri = format!("{shown}/path?query").parse().unwrap();
        prop_assert!(scope.find(&uri).is_some());
    }
}

#[test]
fn r20_the_scope_of_a_url_is_its_origin() {
    let scope = Origins::of_url("https://api.example.com/v1?q").unwrap();
    assert_eq!(scope, Origins::new("https://api.example.com").unwrap());
    for bad in ["/v1", "http://far.test/v1", "https://ada:canary@api.example.com/", "canary"] {
        let error = Origins::of_url(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().starts_with("scope") && !error.to_string().contains("canary"), "{error}");
    }
}
