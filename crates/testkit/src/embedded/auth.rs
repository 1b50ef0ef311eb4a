//! Who is let in.

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Certificate, PublicKey};
use russh::{MethodKind, MethodSet};

/// The names, keys and passwords a node accepts.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuthRules {
    /// None means that any name will do.
    pub(crate) users: Vec<String>,
    pub(crate) keys: Vec<KeyData>,
    /// Keys whose certificates are accepted, as with OpenSSH's `TrustedUserCAKeys`.
    pub(crate) authorities: Vec<KeyData>,
    /// User and password.
    pub(crate) passwords: Vec<(String, String)>,
    /// User and the answer to the one question asked.
    pub(crate) answers: Vec<(String, String)>,
    /// Anyone may come in without any proof.
    pub(crate) open: bool,
}

impl AuthRules {
    /// What clients are told they can try.
    pub(crate) fn methods(&self) -> MethodSet {
        let mut methods = MethodSet::empty();
        let offers = [
            (
                MethodKind::PublicKey,
                !self.keys.is_empty() || !self.authorities.is_empty(),
            ),
            (MethodKind::Password, !self.passwords.is_empty()),
            (MethodKind::KeyboardInteractive, !self.answers.is_empty()),
        ];
        for (method, offered) in offers {
            if offered {
                methods.push(method);
            }
        }
        if methods.is_empty() {
            // A client must be told something; OpenSSH's server always offers keys.
            methods.push(MethodKind::PublicKey);
        }
        methods
    }

    pub(crate) fn open_for(&self, user: &str) -> bool {
        self.open && self.knows(user)
    }

    fn knows(&self, user: &str) -> bool {
        self.users.is_empty() || self.users.iter().any(|name| name == user)
    }

    /// Is it worth the client's while to sign with this key? The key of a certificate looks like
    /// any other here, so with an authority in place every key is.
    pub(crate) fn may_sign(&self, user: &str, key: &PublicKey) -> bool {
        !self.authorities.is_empty() || self.accepts_key(user, key)
    }

    pub(crate) fn accepts_key(&self, user: &str, key: &PublicKey) -> bool {
        self.knows(user) && self.keys.contains(key.key_data())
    }

    /// Signature and dates were checked by the library. What OpenSSH looks at as well: the kind,
    /// who signed, that the user is among the principals (none at all is a refusal), and that
    /// there is no restriction that is not understood.
    pub(crate) fn accepts_certificate(&self, user: &str, certificate: &Certificate) -> bool {
        self.knows(user)
            && certificate.cert_type() == CertType::User
            && self.authorities.contains(certificate.signature_key())
            && certificate
                .valid_principals()
                .iter()
                .any(|name| name == user)
            && certificate.critical_options().is_empty()
    }

    pub(crate) fn accepts_password(&self, user: &str, password: &str) -> bool {
        holds(&self.passwords, user, password)
    }

    pub(crate) fn accepts_answer(&self, user: &str, answer: &[u8]) -> bool {
        std::str::from_utf8(answer).is_ok_and(|answer| holds(&self.answers, user, answer))
    }
}

fn holds(pairs: &[(String, String)], user: &str, secret: &str) -> bool {
    pairs
        .iter()
        .any(|(name, right)| name == user && right == secret)
}
