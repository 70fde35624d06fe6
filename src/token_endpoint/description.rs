//! What a server says of itself, made fit to be shown: short, without control characters and secrets.

/// The longest piece of a server's words that is echoed, in characters.
const MAX_ECHO: usize = 200;

/// Makes a server's words fit for an error message (R42). It knows the secrets that were just sent, because
/// some servers say them back.
pub(crate) struct Description<'a> {
    secrets: &'a [Option<&'a str>],
}

impl<'a> Description<'a> {
    pub(crate) fn without(secrets: &'a [Option<&'a str>]) -> Self {
        Self { secrets }
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().flatten().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "[redacted]");
        }
        let mut clean: String =
            text.chars().map(|c| if is_shown(c) { c } else { ' ' }).take(MAX_ECHO).collect();
        if text.chars().nth(MAX_ECHO).is_some() {
            clean.push('…');
        }
        clean
    }
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
        let description = Description::without(&secrets);
        assert_eq!(description.clean("no\r\n\u{1b}[31m hunter2!"), "no   [31m [redacted]!");
        assert_eq!(description.clean(&"x".repeat(500)).chars().count(), MAX_ECHO + 1);
    }
}
