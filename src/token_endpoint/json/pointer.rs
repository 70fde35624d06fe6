//! The parts of a JSON Pointer (RFC 6901).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Whether this is the name of a member, or a pointer without a wrong escape (RFC 6901 section 3).
pub(in crate::token_endpoint) fn is_valid(name: &str) -> bool {
    !name.starts_with('/') || unescaped(name).is_some()
}

/// One step of a pointer: the member of an object, or the element of an array (RFC 6901 section 4).
pub(super) fn child<'a>(value: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let name = unescaped(name)?;
    match value.get().as_bytes().first()? {
        b'{' => serde_json::from_str::<BTreeMap<String, _>>(value.get()).ok()?.get(&*name).copied(),
        // An index is written in one way alone: without a sign, and without zeros before it.
        b'[' => {
            let index = name.parse().ok().filter(|index: &usize| index.to_string() == name)?;
            serde_json::from_str::<Vec<_>>(value.get()).ok()?.get(index).copied()
        }
        _ => None,
    }
}

/// The name that a part of a pointer stands for; `None` if it has another escape than `~0` and `~1`.
pub(super) fn unescaped(part: &str) -> Option<Cow<'_, str>> {
    let is_wrong = |(_, rest): (usize, &str)| !rest.starts_with(['0', '1']);
    let mut escapes = part.match_indices('~').map(|(at, _)| (at, &part[at + 1..]));
    match part.contains('~') {
        false => Some(part.into()),
        true if escapes.any(is_wrong) => None,
        true => Some(part.replace("~1", "/").replace("~0", "~").into()),
    }
}
