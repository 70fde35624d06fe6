//! The names in Redis.

/// The keys of one entry. They have one hash tag: a cluster keeps them on one node.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// A hash: the version, the text, the id of an open exchange, and room for the next save.
    pub(super) entry: String,
    /// A string: who has the guard.
    pub(super) lease: String,
    /// A copy of the last entry that could not be read.
    pub(super) damaged: String,
    /// The channel where each write is published.
    pub(super) changed: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, profile: &str) -> Self {
        let (prefix, profile) = (without(prefix, "{}%"), without(profile, "{}%:"));
        let key = |name| format!("{{{prefix}:{profile}}}:{name}");
        Self { entry: key("entry"), lease: key("lease"), damaged: key("damaged"), changed: key("changed") }
    }
}

/// In the spelling of URLs. Otherwise two pairs of names could have the same keys, and a tag could end early.
fn without(name: &str, signs: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for char in name.chars() {
        match signs.contains(char) {
            true => text.push_str(&format!("%{:02X}", u32::from(char))),
            false => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f71_no_two_pairs_of_names_have_the_same_keys() {
        let names = ["a", "a:b", "b:c", "c", "b", "{", "}", "%7B", "a}", "", "é"];
        let mut entries: Vec<_> = names
            .iter()
            .flat_map(|prefix| names.iter().map(move |profile| Keys::new(prefix, profile).entry))
            .collect();
        entries.sort();
        let count = entries.len();
        entries.dedup();
        assert_eq!(entries.len(), count);
        for entry in entries {
            assert!(entry.starts_with('{') && entry.ends_with("}:entry"), "{entry}");
            assert_eq!(entry.matches(['{', '}']).count(), 2, "{entry}");
        }
        assert_eq!(Keys::new("my-app:auth", "default").lease, "{my-app:auth:default}:lease");
    }
}
