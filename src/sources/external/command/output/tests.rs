use super::*;

fn json(text: &str) -> Result<Credentials, &'static str> {
    read(text.as_bytes(), Format::Any, None)
}

fn exec(status: &str) -> String {
    format!(r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{status}}}"#)
}

fn at(seconds: u64) -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn r87_an_exec_credential_with_and_without_an_expiry() {
    for (expiry, expected) in [
        (r#","expirationTimestamp":"2099-03-01T12:00:00Z""#, at(4_076_049_600)),
        (r#","expirationTimestamp":"2099-03-01T14:00:00.5+02:00""#, None),
        (r#","expirationTimestamp":null"#, None),
        ("", None),
    ] {
        let read = json(&exec(&format!(r#"{{"token":"at-1"{expiry}}}"#)));
        let credentials = read.unwrap_or_else(|what| unreachable!("{what}"));
        assert_eq!(credentials.access_token(), "at-1");
        if expiry.contains("+02:00") {
            let half = at(4_076_049_600).map(|time| time + Duration::from_millis(500));
            assert_eq!(credentials.expires_at(), half);
        } else {
            assert_eq!(credentials.expires_at(), expected, "{expiry}");
        }
    }
}

#[test]
fn r87_what_az_prints() {
    for (expiry, expected) in [
        (r#","expires_on":4076049600"#, at(4_076_049_600)),
        (r#","expires_on":"4076049600""#, at(4_076_049_600)),
        ("", None),
    ] {
        let text = format!(
            "\u{feff}{{\n  \"accessToken\": \"at-1\",\n  \"expiresOn\": \"2099-03-01 12:00:00.000000\",\n  \
             \"tokenType\": \"Bearer\"{expiry}\n}}\n"
        );
        let credentials = json(&text).unwrap_or_else(|what| unreachable!("{what}"));
        assert_eq!((credentials.access_token(), credentials.expires_at()), ("at-1", expected));
    }
}

#[test]
fn r87_a_limit_of_the_program_counts_if_it_is_sooner() {
    let text = exec(r#"{"token":"at-1","expirationTimestamp":"2099-03-01T12:00:00Z"}"#);
    let limited = read(text.as_bytes(), Format::ExecCredential, Some(Duration::from_secs(60)));
    let shown = format!("{limited:?}");
    assert!(shown.contains("After(60s)"), "{shown}");
}

#[test]
fn f153_each_output_that_is_no_token_says_what_it_is() {
    let version = exec(r#"{"token":"canary"}"#).replace("client.authentication.k8s.io/v1", "canary.io/v9");
    for (output, expected) in [
        ("", "nothing"),
        ("canary canary", "something else"),
        ("eyJhbGciOiJub25lIn0.canary", "the beginning"),
        ("{canary", "can't be read"),
        (r#"{"token":"canary"}"#, "without an `accessToken`"),
        (r#"{"accessToken":"canary","expires_on":"canary"}"#, "`expires_on`"),
        (r#"{"accessToken":"canary","expires_on":99999999999999999999}"#, "`expires_on`"),
        (r#"{"accessToken":"canary","expires_on":1000}"#, "expired"),
        (r#"{"accessToken":"canary canary"}"#, "something else"),
        (version.as_str(), "unknown version"),
        (&exec("null"), "without a status"),
        (&exec(r#"{"clientCertificateData":"canary"}"#), "without a token"),
        (&exec(r#"{"token":"canary","expirationTimestamp":"canary"}"#), "`expirationTimestamp`"),
        (&exec(r#"{"token":"canary","expirationTimestamp":7}"#), "`expirationTimestamp`"),
        (&exec(r#"{"token":"canary","expirationTimestamp":"2000-01-01T00:00:00Z"}"#), "expired"),
    ] {
        let what = json(output).err().unwrap_or_default();
        assert!(what.contains(expected) && !what.contains("canary"), "{output}: {what}");
    }
    for output in ["at-1", r#"{"accessToken":"at-1"}"#] {
        assert_eq!(read(output.as_bytes(), Format::ExecCredential, None).err(), Some("no `ExecCredential`"));
    }
}
