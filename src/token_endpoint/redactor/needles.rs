//! What is searched for: each secret as it is, in a form and in base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::escapes::{self, Letter};

/// A secret of at least this many characters is redacted anywhere, and so is a beginning or an end of it that is as long.
/// A shorter one is redacted only where it stands alone.
const LONG: usize = 8;
/// Base64 of a secret in the middle of something else is searched for if at least this much of it is certain.
const CERTAIN: usize = 6;

/// A secret in one spelling. Upper and lower case are the same, and so are a plus sign and a space.
pub(super) struct Needle {
    text: Zeroizing<Vec<char>>,
    /// It is redacted in the middle of a word, too.
    anywhere: bool,
}

/// All that stands for these secrets.
pub(super) fn of(secrets: &[&str]) -> Vec<Needle> {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.flat_map(|secret| spellings(secret)).collect()
}

fn spellings(secret: &str) -> Vec<Needle> {
    let mut needles = vec![Needle::new(secret.chars(), LONG)];
    // A secret may have in it what looks like an escape, which is undone in the text too.
    let mut letters: Vec<_> = secret.chars().map(|c| Letter { c, from: 0, to: 0 }).collect();
    for _ in 0..super::MAX_LAYERS {
        let Some(undone) = escapes::undo(&letters) else { break };
        needles.push(Needle::new(undone.iter().map(|letter| letter.c), LONG));
        letters = undone;
    }
    // A `%` before a form turns its beginning into an escape: `%` and `0a%21` are `%0a%21`.
    let form = Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>());
    if *form != secret {
        needles.push(Needle::new(form.chars(), LONG));
    }
    // Alone, and behind one or two other bytes: base64 has three ways to write a text in the middle of another.
    for before in 0..3 {
        let bytes = Zeroizing::new([&[0; 2][..before], secret.as_bytes()].concat());
        let certain = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(engine.encode(&*bytes));
            if before == 0 {
                needles.push(Needle::new(encoded.chars(), LONG));
            }
            if certain.len() >= CERTAIN {
                needles.push(Needle::new(encoded[certain.clone()].chars(), CERTAIN));
            }
        }
    }
    needles
}

impl Needle {
    fn new(text: impl Iterator<Item = char>, long: usize) -> Self {
        let text: Vec<_> = text.map(folded).collect();
        Self { anywhere: text.len() >= long, text: text.into() }
    }

    /// How many letters of it are at this place: all of it, or a beginning that says much of it.
    pub(super) fn find(&self, text: &[Letter], at: usize) -> Option<usize> {
        let pairs = self.text.iter().zip(&text[at..]);
        let same = pairs.take_while(|(c, letter)| **c == folded(letter.c)).count();
        let is_word = |letter: Option<&Letter>| letter.is_some_and(|letter| letter.c.is_alphanumeric());
        // In the middle of a word a short secret is there by chance, and redacting it would reveal it
        // ("user [redacted]t found").
        let alone = || !is_word(text[..at].last()) && !is_word(text.get(at + same));
        (same >= LONG || same == self.text.len() && (self.anywhere || alone())).then_some(same)
    }

    /// How many letters of its end are at the end of this text, if they say much of it.
    pub(super) fn find_end(&self, text: &[Letter]) -> Option<usize> {
        let pairs = self.text.iter().rev().zip(text.iter().rev());
        let same = pairs.take_while(|(c, letter)| **c == folded(letter.c)).count();
        (same >= LONG).then_some(same)
    }
}

fn folded(c: char) -> char {
    match c {
        '+' => ' ',
        c => c.to_lowercase().next().unwrap_or(c),
    }
}
