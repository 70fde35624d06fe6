//! What a server says of itself, made fit to be shown: short, without control characters and secrets.

use std::cmp::Reverse;

use zeroize::Zeroizing;

/// The longest piece of a server's words that is echoed, in characters.
const MAX_ECHO: usize = 200;
/// From this length on a secret is known wherever it appears, in bytes.
const LONG: usize = 8;
/// What stands where a secret was.
const REDACTED: &str = "[redacted]";

/// Makes a server's words fit for an error message (R42). It knows the secrets that were just sent, because
/// some servers say them back.
pub(crate) struct Redactor<'a> {
    secrets: &'a [Option<&'a str>],
}

impl<'a> Redactor<'a> {
    pub(crate) fn without(secrets: &'a [Option<&'a str>]) -> Self {
        Self { secrets }
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.iter().flatten().filter(|secret| !secret.is_empty());
        let mut secrets: Vec<_> = secrets.flat_map(|secret| as_sent(secret)).collect();
        // Of a secret that begins with another one, no rest may stay.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        let (mut clean, mut shown, mut rest) = (String::new(), 0, text);
        while let Some(c) = rest.chars().next() {
            if shown >= MAX_ECHO {
                clean.push('…');
                break;
            }
            let before = text[..text.len() - rest.len()].chars().next_back();
            let (piece, length) = match secrets.iter().find(|secret| is_quoted(secret, before, rest)) {
                Some(secret) => (REDACTED.to_owned(), secret.len()),
                None => (if is_shown(c) { c } else { ' ' }.to_string(), c.len_utf8()),
            };
            shown += piece.chars().count();
            clean += &piece;
            rest = &rest[length..];
        }
        clean
    }
}

/// Whether a text goes on with this secret. A short one has to stand alone: in the middle of a word it is
/// chance, and a redaction there would tell what it is ("user [redacted]t found").
fn is_quoted(secret: &str, before: Option<char>, text: &str) -> bool {
    let Some(after) = text.strip_prefix(secret) else { return false };
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    secret.len() >= LONG || !(in_word(before) || in_word(after.chars().next()))
}

/// A secret as it is, in a form and in a JSON string: a server may quote the request that it does not like.
fn as_sent(secret: &str) -> [Zeroizing<String>; 3] {
    let form = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
    let unquoted = json.get(1..json.len().saturating_sub(1)).unwrap_or(secret);
    [secret.to_owned().into(), form.into(), unquoted.to_owned().into()]
}

/// No control character, and none of those that make a terminal or a reader see another order of text.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r42_capped_control_free_and_without_what_was_sent() {
        let secrets = [Some("hunter2"), None, Some("")];
        let redactor = Redactor::without(&secrets);
        assert_eq!(redactor.clean("no\r\n\u{1b}[31m hunter2!"), "no   [31m [redacted]!");
        assert_eq!(redactor.clean(&"x".repeat(500)).chars().count(), MAX_ECHO + 1);
    }

    #[test]
    fn r42_a_secret_is_known_again_in_every_form_in_which_it_was_sent() {
        let secrets = [Some(r#"a "b" +ü"#)];
        let redactor = Redactor::without(&secrets);
        for quoted in [r#"a "b" +ü"#, "a+%22b%22+%2B%C3%BC", r#"a \"b\" +ü"#] {
            assert_eq!(redactor.clean(&format!("<{quoted}>")), "<[redacted]>");
        }
    }

    #[test]
    fn r42_no_rest_stays_of_a_secret_that_begins_with_another() {
        let secrets = [Some("abc"), Some("abc-def")];
        assert_eq!(Redactor::without(&secrets).clean("abc-def abc"), "[redacted] [redacted]");
    }

    #[test]
    fn r42_a_short_secret_is_no_oracle_in_the_middle_of_a_word() {
        let secrets = [Some("no")];
        assert_eq!(Redactor::without(&secrets).clean("user not found, no"), "user not found, [redacted]");
    }
}
