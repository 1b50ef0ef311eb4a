//! Proving who we are, one way after the other.

use std::{path::PathBuf, sync::Arc, time::Duration};

use russh::{
    MethodKind, MethodSet,
    client::{AuthResult as Answer, Handle, KeyboardInteractiveAuthResponse as Interactive},
    keys::{
        Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey,
        agent::client::{AgentClient, AgentStream},
    },
};
use towline_core::secret::Secret;

use super::{
    signers::{KeySigner, PlainKeySigner},
    trust::Gatekeeper,
};
use crate::error::{AuthAttempt, AuthResult, RemoteError, Stage};

/// A way to prove who we are.
#[derive(Clone)]
pub enum Credential {
    /// A private key at hand.
    Key(Arc<PrivateKey>),
    /// A private key at hand, with what an authority says of it.
    Certificate(Arc<PrivateKey>, Box<Certificate>),
    /// A private key that the agent holds.
    AgentKey(Box<PublicKey>),
    /// A private key that the agent holds, with what an authority says of it.
    AgentCertificate(Box<Certificate>),
    /// A private key that the agent holds by itself, the certificate being in a file.
    CertificateOfAgentKey(Box<Certificate>),
    /// A password: as one, or as the answer to the one question asked.
    Password(Secret),
}

/// Who we say we are, and the ways to prove it, in the order they are tried.
pub struct Login {
    /// The account.
    pub user: String,
    /// The ways, each with its name for messages.
    pub ways: Vec<(String, Credential)>,
    /// Where the agent listens, when any of the ways needs it.
    pub agent: Option<PathBuf>,
    /// What could not be used at all, to be told when nothing else helped.
    pub unusable: Vec<AuthAttempt>,
}

/// The state of one login.
struct Attempt<'a> {
    login: &'a Login,
    handle: &'a mut Handle<Gatekeeper>,
    /// What the server still takes, as far as it has said.
    remaining: Option<MethodSet>,
    agent: Option<AgentClient<Box<dyn AgentStream + Send + Unpin>>>,
    rsa_hash: Option<Option<HashAlg>>,
    tried: Vec<AuthAttempt>,
}

impl Login {
    /// Proves who we are to the server behind `handle`.
    pub(super) async fn log_in(
        &self,
        handle: &mut Handle<Gatekeeper>,
        address: &str,
    ) -> Result<(), RemoteError> {
        let mut attempt = Attempt {
            login: self,
            handle,
            remaining: None,
            agent: None,
            rsa_hash: None,
            tried: Vec::new(),
        };
        for (at, (name, way)) in self.ways.iter().enumerate() {
            match attempt.try_one(way).await {
                Ok(true) => return Ok(()),
                Ok(false) => attempt.note(name, AuthResult::Refused),
                Err(Skip::Said(result)) => attempt.note(name, result),
                // After a refusal it is one as well, and never tried again on its own account.
                Err(Skip::Lost) if attempt.was_refused() => {
                    attempt.note(name, AuthResult::HungUp);
                    if let others @ 1.. = self.ways.len() - at - 1 {
                        attempt.note(&format!("{others} more"), AuthResult::HungUp);
                    }
                    break;
                }
                Err(Skip::Lost) => {
                    return Err(RemoteError::Dropped {
                        address: address.to_owned(),
                        stage: Stage::Authentication,
                        source: None,
                    });
                }
            }
        }
        let Attempt {
            remaining,
            mut tried,
            ..
        } = attempt;
        tried.extend(self.unusable.iter().cloned());
        Err(RemoteError::AuthDenied {
            user: self.user.clone(),
            address: address.to_owned(),
            attempts: tried,
            accepts: remaining
                .map(|set| {
                    set.iter()
                        .map(|kind| <&str>::from(kind).to_owned())
                        .collect()
                })
                .unwrap_or_default(),
        })
    }
}

/// Why a way led nowhere without being refused.
enum Skip {
    Said(AuthResult),
    Lost,
}

impl Attempt<'_> {
    fn note(&mut self, what: &str, result: AuthResult) {
        self.tried.push(AuthAttempt {
            what: what.to_owned(),
            result,
        });
    }

    /// Whether a refusal that names no other way is none: the library says the same when the
    /// connection is lost, a moment before it is known to be.
    async fn is_lost(&mut self) -> bool {
        let closed = async {
            while !self.handle.is_closed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(50), closed)
            .await
            .is_ok()
    }

    fn was_refused(&self) -> bool {
        self.tried
            .iter()
            .any(|attempt| attempt.result == AuthResult::Refused)
    }

    async fn try_one(&mut self, way: &Credential) -> Result<bool, Skip> {
        if self.handle.is_closed() {
            return Err(Skip::Lost);
        }
        let user = self.login.user.clone();
        let answer = match way {
            Credential::Key(key) => {
                self.expect(MethodKind::PublicKey)?;
                let hash = self.hash_for(&key.algorithm()).await?;
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                self.handle.authenticate_publickey(user, key).await
            }
            Credential::Certificate(key, certificate) => {
                self.expect(MethodKind::PublicKey)?;
                let hash = self.hash_for(&certificate.algorithm()).await?;
                let certificate = Certificate::clone(certificate);
                let mut signer = KeySigner(Arc::clone(key));
                let signed = self
                    .handle
                    .authenticate_certificate_with(user, certificate, hash, &mut signer)
                    .await;
                return self
                    .judge(signed.map_err(|error| key_failed(&error))?)
                    .await;
            }
            Credential::AgentKey(key) => {
                self.expect(MethodKind::PublicKey)?;
                let hash = self.hash_for(&key.algorithm()).await?;
                let mut agent = self.agent().await?;
                let key = PublicKey::clone(key);
                let signed = self
                    .handle
                    .authenticate_publickey_with(user, key, hash, &mut agent)
                    .await;
                self.agent = Some(agent);
                return self
                    .judge(signed.map_err(|error| agent_failed(&error))?)
                    .await;
            }
            Credential::AgentCertificate(certificate) => {
                self.expect(MethodKind::PublicKey)?;
                let hash = self.hash_for(&certificate.algorithm()).await?;
                let mut agent = self.agent().await?;
                let certificate = Certificate::clone(certificate);
                let signed = self
                    .handle
                    .authenticate_certificate_with(user, certificate, hash, &mut agent)
                    .await;
                self.agent = Some(agent);
                return self
                    .judge(signed.map_err(|error| agent_failed(&error))?)
                    .await;
            }
            Credential::CertificateOfAgentKey(certificate) => {
                self.expect(MethodKind::PublicKey)?;
                let hash = self.hash_for(&certificate.algorithm()).await?;
                let mut signer = PlainKeySigner(self.agent().await?);
                let certificate = Certificate::clone(certificate);
                let signed = self
                    .handle
                    .authenticate_certificate_with(user, certificate, hash, &mut signer)
                    .await;
                self.agent = Some(signer.0);
                return self
                    .judge(signed.map_err(|error| agent_failed(&error))?)
                    .await;
            }
            Credential::Password(password) => return self.password(password).await,
        };
        self.judge(answer.map_err(|_| Skip::Lost)?).await
    }

    /// A server that has said what it takes is not asked for anything else.
    fn expect(&self, kind: MethodKind) -> Result<(), Skip> {
        match &self.remaining {
            Some(remaining) if !remaining.contains(&kind) => {
                Err(Skip::Said(AuthResult::NotOffered))
            }
            _ => Ok(()),
        }
    }

    async fn judge(&mut self, answer: Answer) -> Result<bool, Skip> {
        match answer {
            Answer::Success => Ok(true),
            Answer::Failure {
                remaining_methods,
                partial_success,
            } => {
                if remaining_methods.is_empty() && !partial_success && self.is_lost().await {
                    return Err(Skip::Lost);
                }
                if !remaining_methods.is_empty() {
                    self.remaining = Some(remaining_methods);
                }
                if partial_success {
                    return Err(Skip::Said(AuthResult::Partial));
                }
                Ok(false)
            }
        }
    }

    /// RSA signatures need a hash that the server knows; others have theirs built in.
    async fn hash_for(&mut self, algorithm: &Algorithm) -> Result<Option<HashAlg>, Skip> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        if self.rsa_hash.is_none() {
            let best = self
                .handle
                .best_supported_rsa_hash()
                .await
                .map_err(|_| Skip::Lost)?;
            // A server that does not say may be old, but SHA-1 is refused by all that are not.
            self.rsa_hash = Some(best.flatten().or(Some(HashAlg::Sha256)));
        }
        Ok(self.rsa_hash.flatten())
    }

    async fn agent(&mut self) -> Result<AgentClient<Box<dyn AgentStream + Send + Unpin>>, Skip> {
        if let Some(agent) = self.agent.take() {
            return Ok(agent);
        }
        let failed = |why: String| Skip::Said(AuthResult::AgentFailed(why));
        let Some(path) = &self.login.agent else {
            return Err(failed("no agent is known".to_owned()));
        };
        match AgentClient::connect_uds(path).await {
            Ok(agent) => Ok(agent.dynamic()),
            Err(error) => Err(failed(format!("agent {}: {error}", path.display()))),
        }
    }

    async fn password(&mut self, password: &Secret) -> Result<bool, Skip> {
        let user = self.login.user.clone();
        let text = String::from_utf8(password.expose().to_vec())
            .map_err(|_| Skip::Said(AuthResult::Unusable("it is not UTF-8".to_owned())))?;
        let mut refused = Err(Skip::Said(AuthResult::NotOffered));
        if self.expect(MethodKind::Password).is_ok() {
            let answer = self
                .handle
                .authenticate_password(user.clone(), text.clone())
                .await;
            refused = self.judge(answer.map_err(|_| Skip::Lost)?).await;
            if !matches!(refused, Ok(false)) {
                return refused;
            }
        }
        if self.expect(MethodKind::KeyboardInteractive).is_err() {
            return refused;
        }
        let started = self
            .handle
            .authenticate_keyboard_interactive_start(user, None)
            .await;
        let mut answer = started.map_err(|_| Skip::Lost)?;
        loop {
            let prompts = match answer {
                Interactive::Success => return Ok(true),
                Interactive::Failure {
                    remaining_methods,
                    partial_success,
                } => {
                    let failure = Answer::Failure {
                        remaining_methods,
                        partial_success,
                    };
                    return self.judge(failure).await;
                }
                Interactive::InfoRequest { prompts, .. } => prompts,
            };
            // The password answers the one question that hides what is typed. Of anything else
            // nothing is known here, and a person can not be asked in the middle of a fan-out.
            let mut given = false;
            let responses = prompts.iter().map(|prompt| {
                let answers = !prompt.echo && !given;
                given |= answers;
                if answers { text.clone() } else { String::new() }
            });
            let responses = responses.collect();
            let next = self
                .handle
                .authenticate_keyboard_interactive_respond(responses)
                .await;
            answer = next.map_err(|_| Skip::Lost)?;
        }
    }
}

fn key_failed(error: &russh::AgentAuthError) -> Skip {
    match error {
        russh::AgentAuthError::Send(_) => Skip::Lost,
        russh::AgentAuthError::Key(error) => {
            Skip::Said(AuthResult::Unusable(format!("it did not sign: {error}")))
        }
    }
}

fn agent_failed(error: &russh::AgentAuthError) -> Skip {
    match error {
        russh::AgentAuthError::Send(_) => Skip::Lost,
        russh::AgentAuthError::Key(error) => Skip::Said(AuthResult::AgentFailed(format!(
            "the agent did not sign: {error}"
        ))),
    }
}
