//! From a plan to what the connection layer logs in with.

use std::path::PathBuf;

use russh::keys::agent::AgentIdentity;
use towline_core::secret::Secret;

use super::{
    offer::Offer,
    plan::{AuthPlan, PublicKeyStep, Signer, Skipped},
};
use crate::{
    error::{AuthAttempt, AuthResult},
    ssh::{Credential, Login},
};

impl AuthPlan {
    /// The login of `user` by this plan, and then by `password` if there is one. `agent` is the
    /// socket of the agent that the plan was made with.
    #[must_use]
    pub fn login(&self, user: String, password: Option<Secret>, agent: Option<PathBuf>) -> Login {
        let mut ways: Vec<_> = self.steps.iter().map(way).collect();
        if let Some(password) = password {
            ways.push(("the password".to_owned(), Credential::Password(password)));
        }
        Login {
            user,
            ways,
            agent,
            unusable: self.skipped.iter().map(attempt).collect(),
        }
    }
}

fn way(step: &PublicKeyStep) -> (String, Credential) {
    let credential = match (&step.offer, &step.signer) {
        (Offer::Key(_), Signer::Key(key)) => Credential::Key(key.clone()),
        (Offer::Certificate(certificate), Signer::Key(key)) => {
            Credential::Certificate(key.clone(), certificate.clone())
        }
        (Offer::Key(key), Signer::Agent(_)) => Credential::AgentKey(Box::new(key.clone())),
        (Offer::Certificate(certificate), Signer::Agent(held)) => match &**held {
            AgentIdentity::Certificate { .. } => Credential::AgentCertificate(certificate.clone()),
            AgentIdentity::PublicKey { .. } => {
                Credential::CertificateOfAgentKey(certificate.clone())
            }
        },
    };
    (step.to_string(), credential)
}

fn attempt(skipped: &Skipped) -> AuthAttempt {
    let (what, why) = match skipped {
        Skipped::Locked(path) => (
            format!("key {}", path.display()),
            "its passphrase was not given".to_owned(),
        ),
        Skipped::Unusable(error) => (
            format!("key {}", error.path.display()),
            error.fault.to_string(),
        ),
        Skipped::Certificate { name, fault } => (format!("certificate {name}"), fault.to_string()),
        Skipped::NoKeyFor(path) => (
            format!("certificate {}", path.display()),
            "its key is in no file and no agent".to_owned(),
        ),
        Skipped::Outdated { name } => (
            format!("agent key {name}"),
            "it is of a type that is no longer accepted".to_owned(),
        ),
    };
    AuthAttempt {
        what,
        result: AuthResult::Unusable(why),
    }
}
