//! Makes the words of a server fit for an error message (R42).

use std::cmp::Reverse;

use zeroize::Zeroizing;

/// The most characters of a server's words that are shown.
const MAX_ECHO: usize = 200;
/// A secret of at least this many bytes is redacted anywhere, a shorter one only where it stands alone.
const LONG: usize = 8;
/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// Shortens a server's words, and removes control characters and the secrets that were just sent: some servers
/// repeat them.
pub(crate) fn clean(text: &str, secrets: &[&str]) -> String {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    let mut secrets: Vec<_> = secrets.flat_map(|secret| as_sent(secret)).collect();
    // One secret may begin with another: try the longest first, so that nothing of it is left.
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

/// Whether `text` starts with this secret. A short secret has to stand alone. In the middle of a word it is there by
/// chance, and redacting it would reveal it ("user [redacted]t found").
fn is_quoted(secret: &str, before: Option<char>, text: &str) -> bool {
    let Some(after) = text.strip_prefix(secret) else { return false };
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    secret.len() >= LONG || !(in_word(before) || in_word(after.chars().next()))
}

/// A secret as it is, in a form, and in a JSON string: a server may quote the request that it refuses.
fn as_sent(secret: &str) -> [Zeroizing<String>; 3] {
    let form = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
    let unquoted = json.get(1..json.len().saturating_sub(1)).unwrap_or(secret);
    [secret.to_owned().into(), form.into(), unquoted.to_owned().into()]
}

/// Whether a character is harmless: not a control character, and not one that changes the order of the text on a
/// screen.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r42_capped_control_free_and_without_what_was_sent() {
        let secrets = ["hunter2", ""];
        assert_eq!(clean("no\r\n\u{1b}[31m hunter2!", &secrets), "no   [31m [redacted]!");
        assert_eq!(clean(&"x".repeat(500), &secrets).chars().count(), MAX_ECHO + 1);
    }

    #[test]
    fn r42_a_secret_is_redacted_in_every_form_in_which_it_was_sent() {
        let secrets = [r#"a "b" +ü"#];
        for quoted in [r#"a "b" +ü"#, "a+%22b%22+%2B%C3%BC", r#"a \"b\" +ü"#] {
            assert_eq!(clean(&format!("<{quoted}>"), &secrets), "<[redacted]>");
        }
    }

    #[test]
    fn r42_a_secret_that_begins_with_another_is_redacted_whole() {
        let secrets = ["abc", "abc-def"];
        assert_eq!(clean("abc-def abc", &secrets), "[redacted] [redacted]");
    }

    #[test]
    fn r42_a_short_secret_is_not_redacted_in_the_middle_of_a_word() {
        let secrets = ["no"];
        assert_eq!(clean("user not found, no", &secrets), "user not found, [redacted]");
    }
}
