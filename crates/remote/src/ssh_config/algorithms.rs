//! Algorithm lists, which may be relative to the defaults of whoever uses them.

use super::pattern;

/// Algorithm lists as the user gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Algorithms {
    /// `Ciphers`.
    pub ciphers: Option<AlgorithmList>,
    /// `MACs`.
    pub macs: Option<AlgorithmList>,
    /// `KexAlgorithms`.
    pub kex: Option<AlgorithmList>,
    /// `HostKeyAlgorithms`.
    pub host_key: Option<AlgorithmList>,
    /// `PubkeyAcceptedAlgorithms`.
    pub pubkey_accepted: Option<AlgorithmList>,
    /// `CASignatureAlgorithms`.
    pub ca_signature: Option<AlgorithmList>,
    /// `HostbasedAcceptedAlgorithms`.
    pub hostbased_accepted: Option<AlgorithmList>,
}

/// A list of algorithms, perhaps relative to the defaults of whoever uses it. The names are not checked: each client
/// knows others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlgorithmList {
    /// Just these.
    Replace(Vec<String>),
    /// `+`: the defaults, then these.
    Append(Vec<String>),
    /// `^`: these, then the defaults.
    Prepend(Vec<String>),
    /// `-`: the defaults without these.
    Remove(Vec<String>),
}

impl AlgorithmList {
    /// Reads a list as it stands in a configuration.
    pub fn parse(text: &str) -> Self {
        let names = |text: &str| text.split(',').map(str::to_owned).collect();
        match text.as_bytes().first() {
            Some(b'+') => Self::Append(names(&text[1..])),
            Some(b'^') => Self::Prepend(names(&text[1..])),
            Some(b'-') => Self::Remove(names(&text[1..])),
            _ => Self::Replace(names(text)),
        }
    }

    /// The names in order, each once, out of those that are `supported`. Names in the list may be patterns.
    pub fn resolve<'s>(&self, defaults: &[&'s str], supported: &[&'s str]) -> Vec<&'s str> {
        let mut out: Vec<&'s str> = Vec::new();
        let mut add = |patterns: &[String]| {
            for pattern in patterns {
                for name in supported
                    .iter()
                    .filter(|name| pattern::matches(name, pattern))
                {
                    if !out.contains(name) {
                        out.push(name);
                    }
                }
            }
        };
        let own: Vec<String> = defaults.iter().map(|&name| name.to_owned()).collect();
        match self {
            Self::Replace(names) => add(names),
            Self::Append(names) => {
                add(&own);
                add(names);
            }
            Self::Prepend(names) => {
                add(names);
                add(&own);
            }
            Self::Remove(names) => {
                let unwanted = |name: &str| names.iter().any(|glob| pattern::matches(name, glob));
                out.extend(defaults.iter().filter(|name| !unwanted(name)));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_relative_to_the_defaults() {
        let (defaults, supported) = (["b", "c1"], ["a", "b", "c1", "c2"]);
        for (text, names) in [
            ("a,b", vec!["a", "b"]),
            ("c*,b,unknown", vec!["c1", "c2", "b"]),
            ("+a,b", vec!["b", "c1", "a"]),
            ("^a,c1", vec!["a", "c1", "b"]),
            ("-c*", vec!["b"]),
        ] {
            assert_eq!(
                AlgorithmList::parse(text).resolve(&defaults, &supported),
                names,
                "{text}"
            );
        }
    }
}
