//! One line of `known_hosts`, taken apart without losing a byte of it.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};
use russh::keys::{Algorithm, PublicKey, ssh_key::known_hosts::Marker};

/// Why a line is left out of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It begins with `@`, but with no marker that is known, or with two of them.
    #[error("unknown marker")]
    Marker,
    /// Host names, key type and key must all be there.
    #[error("host names, key type and key are not all there")]
    Fields,
    /// A hashed name is `|1|salt|hash`, each 20 bytes in base64, and stands alone.
    #[error("malformed hashed name")]
    Hash,
    /// The key is no base64, is cut short, or is of an unknown type.
    #[error("the key can not be read")]
    Key,
    /// The type in the text is not the one inside the key.
    #[error("the key is of another type than the line says")]
    KeyType,
}

/// Where the fields of a line that holds a key stand in it. The key is decoded only when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) marker: Option<Marker>,
    pub(super) hosts: Range<usize>,
    key_type: Range<usize>,
    key: Range<usize>,
}

/// Takes a line apart. `None`: it is empty or a comment.
pub(super) fn parse(line: &[u8]) -> Result<Option<Fields>, LineFault> {
    let mut words = Words { line, at: 0 };
    let Some(mut first) = words.next() else {
        return Ok(None);
    };
    if line[first.start] == b'#' {
        return Ok(None);
    }
    let mut marker = None;
    if line[first.start] == b'@' {
        marker = Some(
            std::str::from_utf8(&line[first])
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(LineFault::Marker)?,
        );
        first = words.next().ok_or(LineFault::Fields)?;
        if line[first.start] == b'@' {
            return Err(LineFault::Marker);
        }
    }
    let key_type = words.next().ok_or(LineFault::Fields)?;
    let key = words.next().ok_or(LineFault::Fields)?;
    Ok(Some(Fields {
        marker,
        hosts: first,
        key_type,
        key,
    }))
}

impl Fields {
    /// The key in its wire form, and its algorithm.
    pub(super) fn key(&self, line: &[u8]) -> Result<(Box<[u8]>, Algorithm), LineFault> {
        let blob = STANDARD
            .decode(&line[self.key.clone()])
            .map_err(|_| LineFault::Key)?;
        let algorithm = PublicKey::from_bytes(&blob)
            .map_err(|_| LineFault::Key)?
            .algorithm();
        if matches!(algorithm, Algorithm::Other(_)) {
            return Err(LineFault::Key);
        }
        // RSA keys may be listed under the name of a signature algorithm.
        let said = std::str::from_utf8(&line[self.key_type.clone()])
            .ok()
            .and_then(|text| text.parse::<Algorithm>().ok());
        let same = match said {
            Some(Algorithm::Rsa { .. }) => matches!(algorithm, Algorithm::Rsa { .. }),
            Some(said) => said == algorithm,
            None => false,
        };
        if same {
            Ok((blob.into(), algorithm))
        } else {
            Err(LineFault::KeyType)
        }
    }
}

/// The words of a line, separated by blanks and tabs.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
        let start = self.at + self.line[self.at..].iter().position(|b| !blank(b))?;
        let length = self.line[start..].iter().position(blank);
        self.at = length.map_or(self.line.len(), |length| start + length);
        Some(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";

    fn key(line: &str) -> Result<Algorithm, LineFault> {
        let fields = parse(line.as_bytes())?.ok_or(LineFault::Fields)?;
        Ok(fields.key(line.as_bytes())?.1)
    }

    #[test]
    fn finds_the_fields_whatever_the_blanks() {
        let line = format!("\t@revoked  a,b\t ssh-ed25519 {KEY}  said by # nobody\r");
        let fields = parse(line.as_bytes()).unwrap().unwrap();
        assert_eq!(fields.marker, Some(Marker::Revoked));
        assert_eq!(&line[fields.hosts.clone()], "a,b");
        assert_eq!(
            fields.key(line.as_bytes()).unwrap().1,
            Algorithm::Ed25519,
            "the comment is no part of the key"
        );
    }

    #[test]
    fn comments_and_empty_lines_are_no_entries() {
        for line in ["", "  \t", "# a ssh-ed25519 x", "  #x", "\r"] {
            assert_eq!(parse(line.as_bytes()), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn faults_are_told_apart() {
        assert_eq!(
            parse(b"@revoke a ssh-ed25519 x").unwrap_err(),
            LineFault::Marker
        );
        assert_eq!(
            parse(b"@revoked @cert-authority a ssh-ed25519 x").unwrap_err(),
            LineFault::Marker
        );
        assert_eq!(parse(b"a ssh-ed25519").unwrap_err(), LineFault::Fields);
        assert_eq!(parse(b"@revoked").unwrap_err(), LineFault::Fields);
        assert_eq!(key("a ssh-ed25519 AAAA*"), Err(LineFault::Key));
        assert_eq!(key("a 1024 35 12345678"), Err(LineFault::Key));
        assert_eq!(
            key(&format!("a ssh-rsa {KEY}")).unwrap_err(),
            LineFault::KeyType
        );
        assert_eq!(
            key(&format!("a ssh-ed25519 {}", &KEY[..40])).unwrap_err(),
            LineFault::Key
        );
        assert_eq!(
            key(&format!("a ssh-ed25519 {KEY}")).unwrap(),
            Algorithm::Ed25519
        );
    }
}
