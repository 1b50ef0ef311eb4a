//! What must never be shown: passwords, tokens, private keys.

mod redact;
mod trie;

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

pub use redact::{RedactedStream, Redactor};

/// What stands in the place of a secret wherever a person or a log would see it.
pub const MASK: &str = "[redacted]";

/// Bytes that must never be shown. They are overwritten when the last clone is dropped.
///
/// It has no `Debug`, `Display` or `Serialize`, so that what would print it does not compile:
///
/// ```compile_fail
/// println!("{:?}", towline_core::secret::Secret::new("hunter2"));
/// ```
///
/// A clone shares the bytes, it does not copy them.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes over `bytes`. From a `Vec<u8>` or a `String` nothing is copied, so no second copy is
    /// left behind; from a borrowed text it is, and the original is the caller's to wipe.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes.into())))
    }

    /// The bytes, to hand to what needs them: a stdin, a signer.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Stands for a [`Secret`] in a hand-written `Debug` of what contains one; prints [`MASK`].
#[derive(Clone, Copy)]
pub struct Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile when the type implements the trait: the two blanket implementations then
    /// both fit and the compiler can not choose.
    macro_rules! assert_lacks {
        ($type:ty: $($forbidden:path),+) => {$(
            const _: fn() = || {
                trait Chosen<Which> {
                    fn pick() {}
                }
                struct Has;
                impl<T: ?Sized> Chosen<()> for T {}
                impl<T: ?Sized + $forbidden> Chosen<Has> for T {}
                <$type as Chosen<_>>::pick();
            };
        )+};
    }

    assert_lacks!(
        Secret: fmt::Debug, fmt::Display, serde::Serialize, AsRef<[u8]>, AsRef<str>,
        std::ops::Deref, ToString
    );

    #[test]
    fn takes_text_and_bytes_over_without_copying() {
        let text = String::from("hunter2");
        let address = text.as_ptr();
        let secret = Secret::new(text);
        assert_eq!(secret.expose(), b"hunter2");
        assert_eq!(secret.expose().as_ptr(), address);
        assert_eq!(secret.clone().expose().as_ptr(), address);
    }

    #[test]
    fn is_wiped_on_drop() {
        fn wiped_on_drop<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        wiped_on_drop(&*Secret::new("x").0);
    }

    #[test]
    fn its_place_holder_shows_the_mask() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only its Debug is looked at")]
        struct Become {
            password: Option<Redacted>,
        }
        let shown = format!(
            "{:?}",
            Become {
                password: Some(Redacted)
            }
        );
        assert_eq!(shown, "Become { password: Some([redacted]) }");
    }
}
