//! The host field of a line: names, patterns, negations, or one hashed name.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use sha1::Sha1;

use super::line::LineFault;

const HASH_PREFIX: &[u8] = b"|1|";
/// Length of an SHA-1 digest, and of the salt, in bytes.
const DIGEST: usize = 20;
/// OpenSSH gives up on a list that holds a longer pattern.
const LONGEST_PATTERN: usize = 1022;

/// What a host field is made of, which decides how lines are found again.
pub(super) enum HostField<'a> {
    /// Only names: they can be looked up in an index.
    Names(Vec<&'a [u8]>),
    /// With wildcards or negations: must be tried one by one.
    Patterns,
    /// One hashed name.
    Hashed(HashedName),
}

/// Reads a host field.
pub(super) fn classify(hosts: &[u8]) -> Result<HostField<'_>, LineFault> {
    if hosts.starts_with(b"|") {
        return HashedName::parse(hosts).map(HostField::Hashed);
    }
    let names: Vec<_> = hosts.split(|&byte| byte == b',').collect();
    let special = |name: &&[u8]| {
        name.len() > LONGEST_PATTERN || name.iter().any(|byte| b"*?!".contains(byte))
    };
    if names.iter().any(special) {
        return Ok(HostField::Patterns);
    }
    Ok(HostField::Names(names))
}

/// Whether a list of patterns is for `name` (lower case): one of them matches and no negated one does.
pub(super) fn list_matches(hosts: &[u8], name: &[u8]) -> bool {
    let mut found = false;
    for pattern in hosts.split(|&byte| byte == b',') {
        let (negated, pattern) = match pattern.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        if pattern.len() > LONGEST_PATTERN {
            return false;
        }
        if glob(pattern, name) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// `*` is any number of bytes, `?` one; letters of the pattern in either case. Never exponential.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some(&byte) if byte == b'?' || byte.to_ascii_lowercase() == name[n] => {
                p += 1;
                n += 1;
                continue;
            }
            _ => {}
        }
        let Some((at, taken)) = star else {
            return false;
        };
        star = Some((at, taken + 1));
        (p, n) = (at + 1, taken + 1);
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// A hashed name: `HMAC-SHA1(salt, name)`.
///
/// The keyed state is kept, which halves the cost of trying a name: two blocks of SHA-1, not four.
pub(super) struct HashedName {
    keyed: Hmac<Sha1>,
    hash: [u8; DIGEST],
}

impl HashedName {
    fn parse(hosts: &[u8]) -> Result<Self, LineFault> {
        let mut parts = hosts
            .strip_prefix(HASH_PREFIX)
            .ok_or(LineFault::Hash)?
            .split(|&byte| byte == b'|');
        let mut part = || {
            let decoded = STANDARD
                .decode(parts.next().unwrap_or_default())
                .map_err(|_| LineFault::Hash)?;
            <[u8; DIGEST]>::try_from(decoded).map_err(|_| LineFault::Hash)
        };
        let (salt, hash) = (part()?, part()?);
        if parts.next().is_some() {
            return Err(LineFault::Hash);
        }
        Ok(Self {
            keyed: keyed(&salt),
            hash,
        })
    }

    /// Whether it stands for `name` (lower case).
    pub(super) fn is(&self, name: &[u8]) -> bool {
        digest(&self.keyed, name) == self.hash
    }
}

/// Hashes `name` with a fresh salt, as `HashKnownHosts` asks for.
pub(super) fn hashed(name: &str) -> std::io::Result<String> {
    let mut salt = [0; DIGEST];
    let mut filled = 0;
    while filled < DIGEST {
        filled += getrandom(&mut salt[filled..], GetRandomFlags::empty())?;
    }
    let hash = digest(&keyed(&salt), name.as_bytes());
    let (salt, hash) = (STANDARD.encode(salt), STANDARD.encode(hash));
    Ok(format!("|1|{salt}|{hash}"))
}

#[expect(
    clippy::expect_used,
    reason = "HMAC takes keys of any length; the error is for ciphers with fixed ones"
)]
fn keyed(salt: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(salt).expect("HMAC takes any key")
}

fn digest(keyed: &Hmac<Sha1>, name: &[u8]) -> [u8; DIGEST] {
    let mut mac = keyed.clone();
    mac.update(name);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_wildcards_negation_and_either_case() {
        let cases: [(&str, &str, bool); 14] = [
            ("a,b", "b", true),
            ("A.Example", "a.example", true),
            ("*.example.org", "web.example.org", true),
            ("*.example.org", "example.org", false),
            ("web-?", "web-1", true),
            ("web-?", "web-10", false),
            ("*,!secret", "secret", false),
            ("!secret,*", "secret", false),
            ("!secret", "web", false),
            ("[*.example.org]:2222", "[web.example.org]:2222", true),
            ("*", "[web]:2222", true),
            ("", "web", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
        ];
        for (hosts, name, expected) in cases {
            let got = list_matches(hosts.as_bytes(), name.as_bytes());
            assert_eq!(got, expected, "{hosts} for {name}");
        }
    }

    #[test]
    fn many_stars_are_not_exponential() {
        let hosts = "*a".repeat(200);
        let name = "a".repeat(199);
        assert!(!list_matches(hosts.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn a_hash_is_found_again_under_its_name_only() {
        let field = hashed("[web]:2222").unwrap();
        let Ok(HostField::Hashed(name)) = classify(field.as_bytes()) else {
            panic!("{field} is no hash");
        };
        assert!(name.is(b"[web]:2222"));
        assert!(!name.is(b"web"));
        assert_ne!(hashed("[web]:2222").unwrap(), field, "the salt is fresh");
    }

    #[test]
    fn malformed_hashes_are_faults() {
        for field in [
            "|",
            "|1|",
            "|1|AAAA|AAAA",
            "|2|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=,b",
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|x",
        ] {
            assert!(classify(field.as_bytes()).is_err(), "{field}");
        }
    }
}
