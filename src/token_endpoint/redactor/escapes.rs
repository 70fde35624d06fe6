//! Undoes the escapes of URLs and forms, of strings in JSON and in programming languages, and of HTML.

/// A character, and which letters of the original text it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) c: char,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What an escape stands for.
#[derive(Clone, Copy)]
enum Unit {
    Char(char),
    /// A byte of UTF-8: `%C3`, `\xC3`.
    Byte(u8),
    /// A half of a UTF-16 pair, or a character: `\u00FC`, `%u00FC`.
    Wide(u16),
}

/// The text with one layer of escapes undone, or `None` if it has none. A `+` stays: it is compared like a space.
pub(super) fn undo(text: &[Letter]) -> Option<Vec<Letter>> {
    let (mut undone, mut run, mut at) = (Vec::new(), Vec::new(), 0);
    let mut any = false;
    while let Some(letter) = text.get(at) {
        let (unit, length) = unit(&text[at..]).unwrap_or((Unit::Char(letter.c), 1));
        any |= length > 1;
        let place = Letter { c: ' ', from: letter.from, to: text[at + length - 1].to };
        if run.first().is_some_and(|(first, _)| !is_same_kind(first, &unit)) {
            decode(&run, &mut undone);
            run.clear();
        }
        run.push((unit, place));
        at += length;
    }
    decode(&run, &mut undone);
    any.then_some(undone)
}

fn is_same_kind(one: &Unit, other: &Unit) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Adds the characters of units of one kind.
fn decode(run: &[(Unit, Letter)], to: &mut Vec<Letter>) {
    let mut at = 0;
    let mut push = |c: char, units: usize| {
        to.push(Letter { c, from: run[at].1.from, to: run[at + units - 1].1.to });
        at += units;
    };
    match run.first() {
        Some((Unit::Byte(_), _)) => {
            let bytes: Vec<u8> = run
                .iter()
                .filter_map(|(unit, _)| if let Unit::Byte(b) = unit { Some(*b) } else { None })
                .collect();
            for chunk in bytes.utf8_chunks() {
                chunk.valid().chars().for_each(|c| push(c, c.len_utf8()));
                // As Latin-1.
                chunk.invalid().iter().for_each(|byte| push(char::from(*byte), 1));
            }
        }
        Some((Unit::Wide(_), _)) => {
            let wide =
                run.iter().filter_map(|(unit, _)| if let Unit::Wide(w) = unit { Some(*w) } else { None });
            for c in char::decode_utf16(wide) {
                let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                push(c, c.len_utf16());
            }
        }
        _ => {
            for (unit, _) in run {
                if let Unit::Char(c) = unit {
                    push(*c, 1);
                }
            }
        }
    }
}

/// The escape at the start of `text`, and how many letters it has.
fn unit(text: &[Letter]) -> Option<(Unit, usize)> {
    let c = |at: usize| text.get(at).map(|letter| letter.c);
    let hex = |from: usize, digits: usize| {
        (from..from + digits).try_fold(0_u32, |value, at| Some(value * 16 + c(at)?.to_digit(16)?))
    };
    let wide = |from| u16::try_from(hex(from, 4)?).ok().map(|unit| (Unit::Wide(unit), from + 4));
    let byte = |from| u8::try_from(hex(from, 2)?).ok().map(|byte| (Unit::Byte(byte), from + 2));
    match (c(0)?, c(1)?) {
        ('%', 'u' | 'U') => wide(2),
        ('%', _) => byte(1),
        ('\\', 'u' | 'U') => wide(2),
        ('\\', 'x' | 'X') => byte(2),
        ('\\', quoted @ ('"' | '\\' | '/' | '\'')) => Some((Unit::Char(quoted), 2)),
        ('\\', control) => {
            let at = "bfnrt".find(control)?;
            Some((Unit::Char(['\u{8}', '\u{c}', '\n', '\r', '\t'][at]), 2))
        }
        ('&', _) => entity(text),
        _ => None,
    }
}

/// A character of HTML, such as `&amp;`, `&#43;` or `&#x2B;`.
fn entity(text: &[Letter]) -> Option<(Unit, usize)> {
    let end = text.iter().take(12).position(|letter| letter.c == ';')?;
    let name: String = text[1..end].iter().map(|letter| letter.c.to_ascii_lowercase()).collect();
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
            char::from_u32(u32::from_str_radix(digits, radix).ok()?)?
        }
        None => match name.as_str() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "plus" => '+',
            "sol" => '/',
            "equals" => '=',
            "percnt" => '%',
            "lowbar" => '_',
            "nbsp" => ' ',
            _ => return None,
        },
    };
    Some((Unit::Char(c), end + 1))
}
