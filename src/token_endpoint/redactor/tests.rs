//! Secrets in every spelling, whole and cut short, and what has to stay readable.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here fails the test")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

/// No run of 20 token characters, so that the comparison alone has to find it.
const TOKEN: &str = "zq/7+K=xw\"9<Vb&%u'ü";

#[test]
fn r42_capped_control_free_and_without_what_was_sent() {
    let secrets = ["hunter2", ""];
    assert_eq!(clean("no\r\n\u{1b}[31m hunter2!", &secrets), "no   [31m [redacted]!");
    let long = clean(&"x ".repeat(50_000), &secrets);
    assert_eq!(long.chars().count(), MAX_ECHO + 1);
    assert!(long.ends_with('…'));
}

#[test]
fn r42_a_secret_is_redacted_in_every_form_in_which_it_was_sent() {
    let secrets = [r#"a "b" +ü"#];
    for quoted in [r#"a "b" +ü"#, "a+%22b%22+%2B%C3%BC", r#"a \"b\" +ü"#] {
        assert_eq!(clean(&format!("<{quoted}>"), &secrets), "<[redacted]>");
    }
}

/// As the libraries of these languages write it.
fn spellings() -> Vec<(&'static str, &'static str)> {
    vec![
        ("as it is", "zq/7+K=xw\"9<Vb&%u'ü"),
        (".NET JSON", r"zq/7\u002BK=xw\u00229\u003CVb\u0026%u\u0027\u00FC"),
        ("PHP json_encode", r#"zq\/7+K=xw\"9<Vb&%u'\u00fc"#),
        ("PHP rawurlencode", "zq%2F7%2BK%3Dxw%229%3CVb%26%25u%27%C3%BC"),
        ("PHP htmlspecialchars", "zq/7+K=xw&quot;9&lt;Vb&amp;%u&#039;ü"),
        ("Python urlencode", "zq%2F7%2BK%3Dxw%229%3CVb%26%25u%27%C3%BC"),
        ("Python html.escape", "zq/7+K=xw&quot;9&lt;Vb&amp;%u&#x27;ü"),
        ("Python repr of bytes", r#"zq/7+K=xw"9<Vb&%u\'\xc3\xbc"#),
        ("Python repr of a string", r#"zq/7+K=xw"9<Vb&%u\'\xfc"#),
        ("Go json.Marshal", r#"zq/7+K=xw\"9\u003cVb\u0026%u'ü"#),
        ("Go template.HTMLEscape", "zq/7&#43;K=xw&#34;9&lt;Vb&amp;%u&#39;ü"),
        ("JavaScript encodeURIComponent", "zq%2F7%2BK%3Dxw%229%3CVb%26%25u'%C3%BC"),
        ("JavaScript escape", "zq/7+K%3Dxw%229%3CVb%26%25u%27%FC"),
        ("JavaScript string", r#"zq\x2F7\x2BK=xw\x229\x3CVb\x26%u\x27\u00FC"#),
        ("upper case", "ZQ/7+K=XW\"9<VB&%U'Ü"),
        ("a form, read once too often", "zq/7 K=xw\"9<Vb&%u'ü"),
        ("lower hex", "zq%2f7%2bk%3dxw%229%3cVb%26%25u%27%c3%bc"),
        ("a form in a form", "zq%252F7%252BK%253Dxw%25229%253CVb%2526%2525u%2527%25C3%25BC"),
        ("a form in JSON in a page", r"zq%2F7\u00252BK%3Dxw%229&#37;3CVb%26%25u%27%C3%BC"),
    ]
}

#[test]
fn r42_f133_the_spellings_of_net_php_python_go_and_javascript() {
    for (who, spelling) in spellings() {
        assert_eq!(clean(&format!("no: <{spelling}>"), &[TOKEN]), "no: <[redacted]>", "{who}");
    }
}

#[test]
fn r42_f133_base64_of_a_secret_alone_and_in_the_middle_of_something() {
    for secret in ["s3cret", "p%w+d x", "a/b+c=d"] {
        for before in ["", "x", "xy", "app:"] {
            for after in ["", "!", "??"] {
                let pair = format!("{before}{secret}{after}");
                for encoded in [STANDARD.encode(&pair), URL_SAFE.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)]
                {
                    let shown = clean(&format!("Basic {encoded} no"), &[secret]);
                    assert!(
                        shown.starts_with("Basic ") && shown.contains(REDACTED),
                        "{pair} {encoded}: {shown}"
                    );
                }
            }
        }
    }
}

#[test]
fn r42_f133_every_beginning_and_every_end_of_eight_characters() {
    let letters: Vec<char> = TOKEN.chars().collect();
    for length in 8..letters.len() {
        let beginning: String = letters[..length].iter().collect();
        let end: String = letters[letters.len() - length..].iter().collect();
        for cut in [beginning, end] {
            assert_eq!(clean(&format!("no <{cut}>"), &[TOKEN]), "no <[redacted]>", "{cut}");
            let form: String = form_urlencoded::byte_serialize(cut.as_bytes()).collect();
            assert_eq!(clean(&format!("no <{form}>"), &[TOKEN]), "no <[redacted]>", "{form}");
        }
    }
}

#[test]
fn r42_f133_any_run_of_twenty_characters_of_a_token_is_cut() {
    let run = "aB3-._~+/aB3-._~+/==";
    assert_eq!(clean(&format!("no <{run}>"), &[]), "no <[redacted]>");
    assert_eq!(clean(&format!("no <{}>", &run[..19]), &[]), format!("no <{}>", &run[..19]));
    // The escapes do not hide it.
    assert_eq!(clean(r"no <aB3\/aB3\/aB3\/aB3\/aB3\/>", &[]), "no <[redacted]>");
    assert_eq!(clean("no <aB3%2FaB3%2FaB3%2FaB3%2FaB3%2F>", &[]), "no <[redacted]>");
}

#[test]
fn r42_a_secret_that_begins_with_another_is_redacted_whole() {
    assert_eq!(clean("abc-def abc", &["abc", "abc-def"]), "[redacted] [redacted]");
}

#[test]
fn r42_a_short_secret_is_not_redacted_in_the_middle_of_a_word() {
    assert_eq!(clean("user not found, no", &["no"]), "user not found, [redacted]");
}

#[test]
fn r42_a_secret_that_looks_like_an_escape_is_compared_as_it_is_too() {
    for secret in ["%41%42%43", r"\u0041", "&amp;&lt;", "100%25sure"] {
        assert_eq!(clean(&format!("<{secret}>"), &[secret]), "<[redacted]>");
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        assert_eq!(clean(&format!("<{form}>"), &[secret]), "<[redacted]>");
    }
}

#[test]
fn r42_ordinary_words_of_servers_are_shown_as_they_are() {
    for said in [
        "Maximum allowed refresh token reuse exceeded",
        "Invalid client or Invalid client credentials",
        "AADSTS50126: Error validating credentials due to invalid username or password.",
        "Unable to get token : Token is not active",
        "100% of C:\\users & more; see \\u or %zz &nothing;",
    ] {
        assert_eq!(clean(said, &["s3cret", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"]), said);
    }
}

#[test]
fn r42_no_beginning_of_a_secret_is_shown_where_the_search_ends() {
    for filler in MAX_SEARCHED - 120..MAX_SEARCHED {
        // One redaction after the other, so that the message does not end before the search.
        let text = format!(
            "{}{}",
            "aB3-._~+/".repeat(300).get(..filler).unwrap(),
            " &#x43;&#x61;&#x6e;&#x61;ry-secret"
        );
        let shown = clean(&text, &["Canary-secret"]);
        assert!(!shown.contains("43") && !shown.contains("anary"), "{filler}: {shown}");
    }
}

#[test]
fn r42_a_code_is_short_and_of_the_characters_of_rfc_6749() {
    for code in ["invalid_grant", "unsupported_grant_type", "invalid_authorization_details", "1.2 (odd)"] {
        assert_eq!(clean_code(code, &["s3cret-value"]).as_deref(), Some(code));
    }
    for text in ["a\"b", "a\\b", "a\nb", "ü", "\u{1b}[31m", &"e".repeat(65)] {
        assert_eq!(clean_code(text, &[]), None, "{text}");
    }
    assert_eq!(clean_code("no s3cret-value", &["s3cret-value"]).as_deref(), Some("no [redacted]"));
    assert_eq!(clean_code("hunter", &["hunter"]).as_deref(), Some("[redacted]"));
    assert_eq!(clean_code("aB3aB3aB3aB3aB3aB3aB3", &[]).as_deref(), Some("[redacted]"));
}

#[test]
fn r09_a_media_type_is_shown_without_its_parameters() {
    assert_eq!(clean_media_type("Text/HTML; charset=utf-8", &[]).as_deref(), Some("text/html"));
    assert_eq!(
        clean_media_type("application/problem+json", &[]).as_deref(),
        Some("application/problem+json")
    );
    for text in ["", "html", "text/<b>", "text/hunter2", &format!("a/{}", "b".repeat(64))] {
        assert_eq!(clean_media_type(text, &["hunter2"]), None, "{text}");
    }
}

#[test]
fn r42_a_sign_before_a_secret_does_not_hide_it() {
    for before in ["%", "%%", "\\", "&", "%u", "\\x"] {
        for secret in ["0a0!aaAA", "41!b/c+d", "n\"tabcde"] {
            let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let shown = clean(&format!("{before}{form}"), &[secret]);
            assert!(!shown.contains(&form), "{shown}");
        }
    }
}

proptest! {
    #[test]
    fn r42_no_text_panics_and_no_secret_of_eight_characters_is_shown(
        before: String,
        secret in "[!-~]{8,40}",
        after: String,
        json: bool,
    ) {
        let quoted = match json {
            true => serde_json::to_string(&secret).unwrap(),
            false => form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        };
        let shown = clean(&format!("{before}{quoted}{after}"), &[&secret]);
        prop_assert!(!shown.contains(&quoted) && !shown.contains(&secret), "{}", shown);
    }
}
