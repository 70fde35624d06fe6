//! `WWW-Authenticate` (RFC 9110 section 11.6.1): several challenges in one header, and several headers in one
//! response. What can't be read is skipped, because a backend may send nonsense with its 401.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// One challenge of a server, such as `Bearer realm="api", error="invalid_token"` (RFC 6750 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The scheme, as the server spells it. To compare it, use [`is`](Self::is), which ignores case.
    pub scheme: String,
    /// The data of a scheme that has a `token68` in place of parameters, such as `YWJj==` in `Negotiate YWJj==`
    /// (RFC 9110 section 11.2).
    pub token68: Option<String>,
    /// The parameters in order, with their names in lower case.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// Returns every challenge in the headers of a response.
    pub fn parse_all(headers: &HeaderMap) -> Vec<Self> {
        let mut challenges = Vec::new();
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        for item in values.flat_map(split_outside_quotes) {
            parse(item.trim(), &mut challenges);
        }
        challenges
    }

    /// Returns whether the challenge is of this scheme.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// Returns the value of a parameter. `name` must be in lower case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Takes what is between two commas: a comma separates both challenges and their parameters. A word without a `=`
/// behind it is a scheme: a new challenge begins there.
fn parse(item: &str, challenges: &mut Vec<Challenge>) {
    let (first, rest) = match item.find([' ', '\t', '=']) {
        Some(at) if !item[at..].trim_start().starts_with('=') || challenges.is_empty() => {
            (item[..at].trim(), item[at..].trim())
        }
        Some(_) => ("", item),
        None => (item, ""),
    };
    if is_token(first) {
        challenges.push(Challenge { scheme: first.to_owned(), token68: None, params: Vec::new() });
    }
    let Some(challenge) = challenges.last_mut() else { return };
    if is_token(first) && is_token68(rest) {
        challenge.token68 = Some(rest.to_owned());
    } else if let Some((name, value)) = rest.split_once('=') {
        let name = name.trim();
        if is_token(name) {
            challenge.params.push((name.to_ascii_lowercase(), unquote(value.trim())));
        }
    }
}

/// Splits at the commas that are not in a quoted string.
fn split_outside_quotes(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == ',' && !quoted,
        }
        false
    })
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    text
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// RFC 9110 section 11.2. `=` may appear only at the end, so `name=value` is not a token68.
fn is_token68(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    let is_token68_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !data.is_empty() && data.bytes().all(is_token68_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(values: &[&'static str]) -> Vec<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, http::HeaderValue::from_static(value));
        }
        Challenge::parse_all(&headers)
    }

    #[test]
    fn r29_several_headers_and_several_challenges_in_one() {
        let all = parsed(&[
            r#"Negotiate, Basic realm="a, b", Bearer realm="api" , error="invalid_token""#,
            r#"DPoP algs = "ES256", bearer"#,
        ]);
        let schemes: Vec<_> = all.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes, ["Negotiate", "Basic", "Bearer", "DPoP", "bearer"]);
        assert_eq!(all[1].param("realm"), Some("a, b"));
        assert_eq!(all[2].param("error"), Some("invalid_token"));
        assert_eq!(all[3].param("algs"), Some("ES256"));
        assert!(all[4].is("BEARER") && all[4].params.is_empty());
    }

    #[test]
    fn r29_quotes_and_escapes() {
        let all = parsed(&[r#"Bearer error_description="say \"no\", \\ then", Scope=a"#]);
        assert_eq!(all[0].param("error_description"), Some(r#"say "no", \ then"#));
        assert_eq!(all[0].param("scope"), Some("a"));
    }

    #[test]
    fn r29_absent_or_malformed_is_tolerated() {
        assert!(parsed(&[]).is_empty());
        assert!(parsed(&["", " , ,", "\"", "=", "{}"]).iter().all(|c| !c.is("bearer")));
        assert_eq!(parsed(&["Bearer error=\"unclosed"])[0].param("error"), Some("unclosed"));
    }

    #[test]
    fn r29_a_token68_is_not_a_parameter() {
        for token68 in ["YWJj==", "YWJj=", "YWJj", "a-._~+/9=", "realm="] {
            let all = parsed(&[&*format!("Negotiate  {token68}, Bearer realm=\"api\"").leak()]);
            assert_eq!(all.len(), 2, "{token68}");
            assert!(all[0].is("negotiate") && all[0].params.is_empty(), "{all:?}");
            assert_eq!(all[0].token68.as_deref(), Some(token68));
            assert_eq!((all[1].token68.as_deref(), all[1].param("realm")), (None, Some("api")));
        }
        for parameter in ["a=b", "a=\"b\"", "a==b", "a =b", "a= b", "a=\"=\""] {
            let all = parsed(&[&*format!("Bearer {parameter}").leak()]);
            assert_eq!((all[0].token68.as_deref(), all[0].params.len()), (None, 1), "{parameter}");
        }
        assert_eq!(parsed(&["Basic"])[0].token68, None);
        // A parameter without a value, as some server may send it, does not hide those that follow.
        assert_eq!(
            parsed(&["Bearer realm=, error=\"invalid_token\""])[0].param("error"),
            Some("invalid_token")
        );
        // With no scheme before it in its item, it is a parameter of the challenge before.
        assert_eq!(parsed(&["Bearer realm=api, error="])[0].param("error"), Some(""));
    }

    proptest::proptest! {
        #[test]
        fn r29_no_input_panics(value in "[ -~]{0,80}") {
            if let Ok(value) = http::HeaderValue::from_str(&value) {
                let mut headers = HeaderMap::new();
                headers.append(WWW_AUTHENTICATE, value);
                Challenge::parse_all(&headers);
            }
        }
    }
}
