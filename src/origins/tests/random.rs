//! Schemes, and texts drawn at random: what the URL standard refuses is refused.

use std::net::IpAddr;

use super::*;

#[test]
fn r20_a_scheme_is_compared_without_case_also_in_a_uri_built_from_parts() {
    for (origin, scheme) in [("https://a.test", "HTTPS"), ("http://127.0.0.1", "hTTp")] {
        let authority = origin.split_once("//").unwrap().1;
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().unwrap();
        assert_eq!(uri.scheme_str(), Some(scheme), "a parsed scheme would be in lower case");
        assert!(uri.find_in(&Origins::new(origin).unwrap()).is_some(), "{uri}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "https?://[a-z0-9.:@/?#*\\[\\]%_-]{0,24}",
        "[hHtTpPsS]{4,5}:/{1,3}[a-z0-9.-]{0,12}(:[0-9+ ]{0,7})?/?",
    ]
}

/// What looks like an authority, with all that may be odd about one.
#[cfg(feature = "reqwest")]
fn odd_authority() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[::1]"),
        Just("[::ffff:1.2.3.4]"),
        Just("["),
        Just("]"),
        Just(":"),
        Just("."),
        Just("::1"),
        Just("@"),
        Just("127.0.0.1"),
        Just("127"),
        Just("256"),
        Just("0x7f"),
        Just("0x"),
        Just("010"),
        Just("09"),
        Just("4294967296"),
        Just("localhost"),
        Just("a.test"),
        Just("a-b_c"),
        Just(":8080"),
        Just(":0"),
        Just(":65536"),
        Just(":+1"),
        Just("8"),
        Just("%25"),
        Just("%41"),
        Just("~"),
        Just("!"),
        Just("$"),
        Just("&"),
        Just("'"),
        Just("("),
        Just("*"),
        Just(","),
        Just(";"),
        Just("="),
        Just("<"),
        Just("^"),
        Just("|"),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat()),
        "[a-z0-9.:@\\[\\]%_-]{1,12}",
    ]
}

#[cfg(feature = "reqwest")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn r20_f132_what_the_url_standard_refuses_is_refused(scheme in "https?", authority in odd_authority()) {
        let text = format!("{scheme}://{authority}");
        // Invalid Punycode is refused by the standard, and is no host of anybody here.
        prop_assume!(!text.contains("xn--"));
        let Ok(origins) = Origins::new(&text) else { return Ok(()) };
        let url = reqwest::Url::parse(&text);
        prop_assert!(url.is_ok(), "{text}: {url:?}");
        let (url, origin) = (url.unwrap(), &origins.origins[0]);
        // Plain http is for what both take for loopback.
        if origin.scheme == Scheme::Http {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
            prop_assert!(is_loopback, "{text}: {url}");
        }
        prop_assert_eq!(url.port_or_known_default(), Some(origin.port));
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_every_accepted_text_is_an_origin(text in any_text()) {
        let Ok(origins) = Origins::new(&text) else { return Ok(()) };
        // Its scheme, host and port make the same origin again.
        let shown = format!("{:?}", origins.origins[0]);
        prop_assert_eq!(Origins::new(&shown).unwrap(), origins.clone());
        prop_assert!(text.to_ascii_lowercase().starts_with("http"));
        prop_assert!(!text.contains(['@', '*', '#', '?', ' ']), "{text}");
        // A request to it finds it.
        let uri = format!("{shown}/path?query");
        prop_assert!(of_uri(&origins, &uri).is_some());
    }
}

#[test]
fn r20_a_url_belongs_to_its_origin() {
    let origins = Origins::of_url("https://api.example.com/v1?q").unwrap();
    assert_eq!(origins, Origins::new("https://api.example.com").unwrap());
    for bad in ["/v1", "http://far.test/v1", "https://ada:canary@api.example.com/", "canary"] {
        let error = Origins::of_url(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(
            error.to_string().starts_with("origin: ") && !error.to_string().contains("canary"),
            "{error}"
        );
    }
}
