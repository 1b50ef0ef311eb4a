//! Signatures that the SSH library does not make by itself.

use std::sync::Arc;

use russh::{
    AgentAuthError, Signer,
    keys::{
        self, HashAlg, PrivateKey,
        agent::{
            AgentIdentity,
            client::{AgentClient, AgentStream},
        },
        signature,
        ssh_encoding::Encode,
        ssh_key::{self, Signature, private::KeypairData},
    },
};

/// The agent, asked to sign by the plain key of a certificate that it does not hold.
pub(super) struct PlainKeySigner(pub(super) AgentClient<Box<dyn AgentStream + Send + Unpin>>);

impl Signer for PlainKeySigner {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        offered: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        let plain = AgentIdentity::from(offered.public_key().into_owned());
        self.0.auth_sign(&plain, hash, to_sign).await
    }
}

/// A key at hand that signs for its certificate, with the hash that the server knows.
///
/// The library's own way (`authenticate_openssh_cert`) names RSA certificates by SHA-1, which
/// servers refuse.
pub(super) struct KeySigner(pub(super) Arc<PrivateKey>);

impl Signer for KeySigner {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        _offered: &AgentIdentity,
        hash: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        let failed = |error: ssh_key::Error| AgentAuthError::Key(keys::Error::SshKey(error));
        let signature: Signature = match self.0.key_data() {
            KeypairData::Rsa(pair) => signature::Signer::try_sign(&(pair, hash), &to_sign),
            _ => signature::Signer::try_sign(&*self.0, &to_sign),
        }
        .map_err(|error| failed(error.into()))?;
        signature
            .encode_prefixed(&mut to_sign)
            .map_err(|error| failed(error.into()))?;
        Ok(to_sign)
    }
}
