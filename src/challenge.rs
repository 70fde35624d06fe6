//! `WWW-Authenticate` (RFC 9110 section 11.6.1): several challenges in one header, several headers in one
//! answer. What can't be read is skipped; a backend that sends nonsense still gets its 401 answered.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// One challenge of a server, such as `Bearer realm="api", error="invalid_token"` (RFC 6750 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The scheme, in the server's spelling: compare it without case.
    pub scheme: String,
    /// Its parameters, names in lower case, in order.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// Every challenge in the headers of an answer.
    pub fn parse_all(headers: &HeaderMap) -> Vec<Self> {
        let mut challenges = Vec::new();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            if let Ok(value) = value.to_str() {
                parse(value, &mut challenges);
            }
        }
        challenges
    }

    /// Whether it is of this scheme.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of a parameter; `name` in lower case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A comma separates both challenges and their parameters; a word that is not followed by `=` begins a
/// challenge.
fn parse(value: &str, challenges: &mut Vec<Challenge>) {
    for item in split_outside_quotes(value) {
        let item = item.trim();
        let (first, rest) = match item.find([' ', '\t', '=']) {
            Some(at) if !item[at..].trim_start().starts_with('=') || challenges.is_empty() => {
                (item[..at].trim(), item[at..].trim())
            }
            Some(_) => ("", item),
            None => (item, ""),
        };
        if !first.is_empty() && first.bytes().all(is_token_byte) {
            challenges.push(Challenge { scheme: first.to_owned(), params: Vec::new() });
        }
        let Some(challenge) = challenges.last_mut() else { continue };
        if let Some((name, value)) = rest.split_once('=') {
            let name = name.trim();
            if !name.is_empty() && name.bytes().all(is_token_byte) {
                challenge.params.push((name.to_ascii_lowercase(), unquote(value.trim())));
            }
        }
    }
}

fn split_outside_quotes(value: &str) -> Vec<&str> {
    let (mut items, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&value[start..]);
    items
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
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
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
        assert_eq!(parsed(&["Negotiate YWJj=="])[0].scheme, "Negotiate");
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
