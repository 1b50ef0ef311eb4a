//! The settings of the SSH library, and why they are what they are.

use std::{borrow::Cow, sync::Arc, time::Duration};

use russh::{
    cipher, client, compression, kex,
    keys::{Algorithm, EcdsaCurve, HashAlg},
    mac,
};

/// How a connection is set up.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Silence after which the server is asked whether it is still there.
    pub keepalive_interval: Option<Duration>,
    /// Unanswered questions after which the connection is given up.
    pub keepalive_max: usize,
    /// Bytes a server may send on a channel before they are taken: the most that a process can
    /// have in flight. 256 KiB keeps a thousand talkative nodes small; transfers want far more.
    pub window: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            // Load balancers and NAT boxes commonly forget a connection after one silent minute.
            keepalive_interval: Some(Duration::from_secs(20)),
            keepalive_max: 3,
            window: 256 * 1024,
        }
    }
}

/// Messages the library holds for a channel before the connection is read no further. Times the
/// packet size of 32 KiB, this and the window bound the memory of a node that nobody listens to.
const MESSAGES: usize = 16;

/// Key exchanges, best first. The hybrid post-quantum one costs little and is what newer servers
/// prefer too; group exchange is left out, as every server that has it has a better one.
const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Ciphers for a processor with AES instructions: half the time of ChaCha20, and a fourth of CTR
/// with its separate MAC, which is here only for servers that have nothing else.
const CIPHERS_AES: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Ciphers for a processor without.
const CIPHERS_SOFT: &[cipher::Name] = &[
    cipher::CHACHA20_POLY1305,
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

const MACS: &[mac::Name] = &[
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
];

/// Never compress: the delayed form loses its place in the stream, and fast links gain nothing.
const COMPRESSION: &[compression::Name] = &[compression::NONE];

/// Host key algorithms, best first. SHA-1 signatures are not among them.
#[must_use]
pub(crate) fn host_key_algorithms() -> Vec<Algorithm> {
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP384,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP521,
        },
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        },
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        },
    ]
}

fn has_aes_instructions() -> bool {
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    {
        std::arch::is_x86_feature_detected!("aes")
    }
    #[cfg(target_arch = "aarch64")]
    {
        std::arch::is_aarch64_feature_detected!("aes")
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
    {
        false
    }
}

impl Tuning {
    /// The silence after which a connection is given up.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let questions = u32::try_from(self.keepalive_max).unwrap_or(u32::MAX);
        let interval = self.keepalive_interval?;
        // None at all is the library's word for any number.
        (questions > 0).then(|| interval.saturating_mul(questions.saturating_add(1)))
    }

    /// The library's configuration for a server from which these host key algorithms are wanted,
    /// and with a certificate in these.
    pub(crate) fn config(
        &self,
        host_keys: Vec<Algorithm>,
        host_certificates: Vec<Algorithm>,
    ) -> Arc<client::Config> {
        Arc::new(client::Config {
            client_id: russh::SshId::Standard(Cow::Borrowed(concat!(
                "SSH-2.0-Towline_",
                env!("CARGO_PKG_VERSION")
            ))),
            window_size: self.window,
            channel_buffer_size: MESSAGES,
            preferred: russh::Preferred {
                kex: Cow::Borrowed(KEX),
                key: Cow::Owned(host_keys),
                host_key_certificates: Cow::Owned(host_certificates),
                cipher: Cow::Borrowed(if has_aes_instructions() {
                    CIPHERS_AES
                } else {
                    CIPHERS_SOFT
                }),
                mac: Cow::Borrowed(MACS),
                compression: Cow::Borrowed(COMPRESSION),
            },
            keepalive_interval: self.keepalive_interval,
            keepalive_max: self.keepalive_max,
            nodelay: true,
            ..client::Config::default()
        })
    }
}
