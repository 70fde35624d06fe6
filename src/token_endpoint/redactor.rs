//! Makes the words of a server fit for an error message (R42).

mod escapes;
mod needles;

use escapes::Letter;
use needles::Needle;

/// The most characters of a server's words that are shown.
const MAX_ECHO: usize = 200;
/// The most characters that are searched for secrets.
const MAX_SEARCHED: usize = 2000;
/// The last of these are not shown if there are more: a secret may begin in them, and 8 escaped characters are not longer.
const MARGIN: usize = 100;
/// How often escapes are undone: a form in a JSON string in a page is three.
const MAX_LAYERS: usize = 4;
/// A run of this many characters of a token (RFC 6750 section 2.1) is not shown, whatever it is.
const LONG_RUN: usize = 20;
/// The longest code of an error that is shown.
const MAX_CODE: usize = 64;
/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// Shortens a server's words, and removes control characters, the secrets that were just sent, and whatever else looks
/// like a token. Some servers repeat what they got, in spellings of their own, or without its end.
pub(crate) fn clean(text: &str, secrets: &[&str]) -> String {
    let letters = letters(text);
    let is_cut = letters.len() == MAX_SEARCHED;
    let shown = if is_cut { letters.len() - MARGIN } else { letters.len() };
    show(&letters[..shown], &hidden(&letters, secrets, true), is_cut)
}

/// The code of an error (RFC 6749 section 5.2), if that is what the text is. A longer text, or other characters, are not.
pub(crate) fn clean_code(text: &str, secrets: &[&str]) -> Option<String> {
    let is_allowed = |c| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    if text.len() > MAX_CODE || !text.chars().all(is_allowed) {
        return None;
    }
    // The codes of the RFCs are such words, and longer than a token has to be.
    let is_word = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let letters = letters(text);
    Some(show(&letters, &hidden(&letters, secrets, !is_word), false))
}

/// The media type of a response, if it can be shown.
pub(crate) fn clean_media_type(text: &str, secrets: &[&str]) -> Option<String> {
    let name = text.split(';').next()?.trim().to_ascii_lowercase();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/.+-".contains(c);
    let letters = letters(&name);
    let is_type = name.len() <= MAX_CODE && name.contains('/') && name.chars().all(is_allowed);
    let is_secret = || hidden(&letters, secrets, false).contains(&true);
    (is_type && !is_secret()).then_some(name)
}

fn letters(text: &str) -> Vec<Letter> {
    text.chars().take(MAX_SEARCHED).enumerate().map(|(at, c)| Letter { c, from: at, to: at + 1 }).collect()
}

/// Which letters must not be shown. They are compared as they are, and after each layer of escapes is undone.
fn hidden(letters: &[Letter], secrets: &[&str], runs: bool) -> Vec<bool> {
    let needles = needles::of(secrets);
    let mut hidden = vec![false; letters.len()];
    let mut hide = |found: &[Letter]| {
        if let (Some(first), Some(last)) = (found.first(), found.last()) {
            hidden[first.from..last.to].fill(true);
        }
    };
    let mut view = letters.to_vec();
    for _ in 0..MAX_LAYERS {
        for at in 0..view.len() {
            let found = needles.iter().filter_map(|needle: &Needle| needle.find(&view, at)).max();
            found.into_iter().for_each(|length| hide(&view[at..at + length]));
        }
        for at in 1..=view.len() {
            let found = needles.iter().filter_map(|needle| needle.find_end(&view[..at])).max();
            found.into_iter().for_each(|length| hide(&view[at - length..at]));
        }
        if runs {
            let same = |one: &Letter, next: &Letter| is_of_token(one.c) == is_of_token(next.c);
            let long = view.chunk_by(same).filter(|run| run.len() >= LONG_RUN && is_of_token(run[0].c));
            long.for_each(&mut hide);
        }
        match escapes::undo(&view) {
            Some(next) => view = next,
            None => break,
        }
    }
    hidden
}

fn show(letters: &[Letter], hidden: &[bool], is_cut: bool) -> String {
    let (mut clean, mut shown, mut was_hidden) = (String::new(), 0, false);
    for (letter, &is_hidden) in letters.iter().zip(hidden) {
        if shown >= MAX_ECHO {
            clean.push('…');
            return clean;
        }
        if !is_hidden {
            clean.push(if is_shown(letter.c) { letter.c } else { ' ' });
            shown += 1;
        } else if !was_hidden {
            clean += REDACTED;
            shown += REDACTED.len();
        }
        was_hidden = is_hidden;
    }
    if is_cut {
        clean.push('…');
    }
    clean
}

/// A character of a token: `b64token` with its padding.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

/// Whether a character is harmless: not a control character, and not one that changes the order of the text on a
/// screen.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
