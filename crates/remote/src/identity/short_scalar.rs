//! ECDSA keys whose number is short.
//!
//! OpenSSH writes the secret number of a P-256 key without its leading zeros, so about one key in
//! 512 takes less than 32 bytes. The SSH library (`ssh-key` 0.7.0-rc.11) refuses those as too
//! short; they are read here. The larger curves' keys are not refused.

use russh::keys::{
    PrivateKey, PublicKey,
    ssh_encoding::Decode,
    ssh_key::{
        cipher::Tag,
        private::{EcdsaKeypair, EcdsaPrivateKey, KeypairData},
        public::{EcdsaPublicKey, KeyData},
    },
};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"openssh-key-v1\0";
/// Length of a P-256 number, in bytes.
const FULL: usize = 32;

/// Reads a key without a passphrase, `bytes` being the decoded file.
pub(super) fn read(bytes: &[u8]) -> Option<PrivateKey> {
    let envelope = Envelope::open(bytes)?;
    from_section(&envelope.section, &envelope.public)
}

/// Reads a key with a passphrase, `locked` being what could be read without.
pub(super) fn unlock(bytes: &[u8], locked: &PrivateKey, passphrase: &[u8]) -> Option<PrivateKey> {
    let mut envelope = Envelope::open(bytes)?;
    let cipher = locked.cipher();
    let (key, iv) = locked.kdf().derive_key_and_iv(cipher, passphrase).ok()?;
    let tag = if envelope.rest.is_empty() {
        None
    } else {
        Some(Tag::try_from(envelope.rest).ok()?)
    };
    cipher.decrypt(&key, &iv, &mut envelope.section, tag).ok()?;
    from_section(&envelope.section, &envelope.public)
}

/// A key file as `PROTOCOL.key` of OpenSSH has it.
struct Envelope<'a> {
    public: PublicKey,
    /// The private half, encrypted or not.
    section: Zeroizing<Vec<u8>>,
    /// The tag of a cipher that has one.
    rest: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        for _ in ["cipher", "key derivation", "its options"] {
            Vec::<u8>::decode(&mut rest).ok()?;
        }
        if u32::decode(&mut rest).ok()? != 1 {
            return None;
        }
        let public = Vec::<u8>::decode(&mut rest).ok()?;
        Some(Self {
            public: PublicKey::from_bytes(&public).ok()?,
            section: Zeroizing::new(Vec::<u8>::decode(&mut rest).ok()?),
            rest,
        })
    }
}

/// Two equal check numbers, then type, curve, point and number.
fn from_section(mut section: &[u8], public: &PublicKey) -> Option<PrivateKey> {
    let section = &mut section;
    if u32::decode(section).ok()? != u32::decode(section).ok()? {
        return None;
    }
    let kind = String::decode(section).ok()?;
    let curve = String::decode(section).ok()?;
    let point = Vec::<u8>::decode(section).ok()?;
    let number = Zeroizing::new(Vec::<u8>::decode(section).ok()?);
    let KeyData::Ecdsa(EcdsaPublicKey::NistP256(expected)) = public.key_data() else {
        return None;
    };
    let same = kind == public.algorithm().as_str()
        && curve == "nistp256"
        && point == expected.as_bytes()
        && number.len() < FULL;
    if !same {
        return None;
    }
    let mut full = [0; FULL];
    full[FULL - number.len()..].copy_from_slice(&number);
    let pair = EcdsaKeypair::NistP256 {
        public: *expected,
        private: EcdsaPrivateKey::from(full),
    };
    PrivateKey::new(KeypairData::Ecdsa(pair), "").ok()
}
