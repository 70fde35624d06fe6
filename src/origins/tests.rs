//! Which texts are origins, and which URIs and URLs belong to one.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

mod random;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

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
    // Text around it, and hosts that are not ASCII.
    " https://canary.test",
    "https://canary.test ",
    "https://canary.test\n",
    "https://can ary.test",
    "https://c\u{e4}nary.test",
    "https://[::1",
    "https://::1",
    "https://[canary]:443:1",
    // What the URL standard refuses, and `Uri` takes for a host and something else (F132).
    "http://[::1]8:0",
    "http://[::1]canary.test:8080",
    "http://[::1]canary.test",
    "https://[::1]x",
    "https://[::1]8443",
    "https://[canary]",
    "https://[v1.canary]",
    "https://[::1%25canary]",
    "https://[1.2.3.4]",
    // A host that ends in a number is an IPv4 address.
    "https://1.2.3.4.5",
    "https://256.256.256.256",
    "https://canary.1",
    "https://canary.0x1",
    "https://1.2.3.09",
    "https://4294967296",
    "https://a.test,https://canary.test",
    "https://a.test https://canary.test",
];

#[test]
fn the_error_for_a_text_that_is_not_an_origin_never_shows_the_text() {
    for text in NOT_AN_ORIGIN {
        let first = Origins::new(text);
        let later = Origins::new("https://a.test").unwrap().and(text);
        for result in [first, later, text.parse()] {
            let error = result.unwrap_err();
            let message = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{text:?}");
            assert!(message.starts_with("origin: not of the form https://host "), "{text:?}: {message}");
            assert!(!format!("{message} {error:?}").contains("canary"), "{message}");
        }
    }
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
        assert!(error.to_string().starts_with("origin: plain http "), "{text}: {error}");
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

fn of_uri(origins: &Origins, uri: &str) -> Option<usize> {
    uri.parse::<Uri>().unwrap().find_in(origins)
}

/// The index of the origin: the same for a URI and for a URL.
fn index(origins: &Origins, uri: &str) -> Option<usize> {
    let by_uri = of_uri(origins, uri);
    #[cfg(feature = "reqwest")]
    assert_eq!(by_uri, uri.parse::<reqwest::Url>().unwrap().find_in(origins), "{uri}");
    by_uri
}

fn is_in(origins: &Origins, uri: &str) -> bool {
    index(origins, uri).is_some()
}

#[test]
fn r20_scheme_host_and_port_make_an_origin() {
    let origins = Origins::new("https://API.example.com/").unwrap();
    for uri in [
        "https://api.example.com",
        "https://api.example.com/",
        "https://api.example.com/a/b?c",
        "https://api.example.com:443/a",
        "https://Api.Example.COM/a",
        "HTTPS://api.example.com/a",
    ] {
        assert_eq!(index(&origins, uri), Some(0), "{uri}");
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
        assert_eq!(index(&origins, uri), None, "{uri}");
    }
    // reqwest removes a user name and an empty port from its URLs; in a URI they are not of the origin.
    for uri in ["https://ada@api.example.com/", "https://api.example.com:/"] {
        assert_eq!(of_uri(&origins, uri), None, "{uri}");
    }
    // These are not absolute, so their origin is unknown.
    for uri in ["/a", "api.example.com:443", "*"] {
        assert_eq!(of_uri(&origins, uri), None, "{uri}");
    }
}

#[test]
fn r20_several_origins_each_with_its_port() {
    let origins = Origins::new("https://a.test").unwrap().and("https://b.test:8443").unwrap();
    assert_eq!(index(&origins, "https://a.test/"), Some(0));
    assert_eq!(index(&origins, "https://b.test:8443/"), Some(1));
    assert_eq!(index(&origins, "https://a.test:8443/").or(index(&origins, "https://b.test/")), None);
    assert_eq!(format!("{origins:?}"), "Origins { origins: [https://a.test:443, https://b.test:8443] }");
}

#[test]
fn r20_loopback_is_compared_as_any_other_host() {
    let v6 = Origins::new("http://[::1]:8080").unwrap();
    assert!(is_in(&v6, "http://[::1]:8080/a"));
    assert!(!is_in(&v6, "http://[::1]/a") && !is_in(&v6, "http://127.0.0.1:8080/a"));
    let v6 = Origins::new("https://[2001:db8::1]").unwrap();
    assert!(is_in(&v6, "https://[2001:DB8::1]:443/a"));
    let name = Origins::new("http://localhost:3000").unwrap();
    assert!(is_in(&name, "http://LOCALHOST:3000/") && !is_in(&name, "http://127.0.0.1:3000/"));
    assert!(!is_in(&name, "https://localhost:3000/"));
    let plain = Origins::new("http://localhost").unwrap();
    assert!(is_in(&plain, "http://localhost/") && is_in(&plain, "http://localhost:80/"));
    assert!(!is_in(&plain, "http://localhost:443/"));
}

#[cfg(feature = "reqwest")]
#[test]
fn r20_a_user_name_in_a_url_is_not_part_of_its_origin_and_cannot_pass_for_one() {
    let origins = Origins::new("https://other.example.com").unwrap().and("https://api.example.com").unwrap();
    let find = |url: &str| url.parse::<reqwest::Url>().unwrap().find_in(&origins);
    // A program may build such a URL, and a redirect may lead to one.
    for user in ["ada", "ada:pw", "evil.test", "other.example.com:443"] {
        assert_eq!(find(&format!("https://{user}@api.example.com/a")), Some(1), "{user}");
        assert_eq!(find(&format!("https://{user}@evil.test/a")), None, "{user}");
    }
    assert_eq!(find("https://api.example.com@evil.test/"), None);
}
