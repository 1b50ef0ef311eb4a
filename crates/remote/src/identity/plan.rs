//! What is tried to log in, and in which order.

use std::{fmt, path::PathBuf, sync::Arc, time::SystemTime};

use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, agent::AgentIdentity};

use super::{
    certificate::{self, UserCertificate, UserCertificateFault},
    error::IdentityError,
    load::{Identities, Identity, SecretKey},
    offer::Offer,
};

/// What there is to log in with.
#[derive(Clone, Copy)]
pub struct AuthSources<'a> {
    /// Keys and certificates in files.
    pub identities: &'a Identities,
    /// What the agent holds, in its order.
    pub agent: &'a [AgentIdentity],
    /// `IdentitiesOnly`: of the agent's keys, only those that a file names.
    pub identities_only: bool,
    /// The time, for certificates.
    pub now: SystemTime,
}

/// A key or certificate to be offered.
#[derive(Clone)]
pub struct PublicKeyStep {
    /// What is shown to the server.
    pub offer: Offer,
    /// What signs for it.
    pub signer: Signer,
    /// The file that names it, if one does.
    pub path: Option<PathBuf>,
    /// The agent's comment on it, else nothing.
    pub comment: String,
}

/// What signs.
#[derive(Clone)]
pub enum Signer {
    /// The agent, by the key that it holds: for a certificate in a file that may be the plain one.
    Agent(Box<AgentIdentity>),
    /// A key that was read from a file.
    Key(Arc<PrivateKey>),
}

/// Something that is not tried, and why: to be told when nothing else was accepted.
#[derive(Clone, Debug)]
pub enum Skipped {
    /// The key needs a passphrase that nobody gave.
    Locked(PathBuf),
    /// The key can not be used from its file.
    Unusable(Arc<IdentityError>),
    /// The certificate would be refused.
    Certificate {
        /// Its file, or the agent's comment on it.
        name: String,
        /// What is wrong with it.
        fault: UserCertificateFault,
    },
    /// No file and no agent holds the key of the certificate.
    NoKeyFor(PathBuf),
    /// The agent holds a key of a type that is no longer accepted anywhere.
    Outdated {
        /// The agent's comment on it.
        name: String,
    },
}

/// What is tried, in order, and what is not.
#[derive(Clone, Default)]
pub struct AuthPlan {
    /// What is tried.
    pub steps: Vec<PublicKeyStep>,
    /// What is not.
    pub skipped: Vec<Skipped>,
}

impl fmt::Display for PublicKeyStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.offer)?;
        if let Some(path) = &self.path {
            write!(f, " ({})", path.display())?;
        } else if !self.comment.is_empty() {
            write!(f, " ({})", self.comment)?;
        }
        match self.signer {
            Signer::Agent(_) => f.write_str(" from the agent"),
            Signer::Key(_) => Ok(()),
        }
    }
}

/// What to try, in the order of OpenSSH: named certificates; the agent's keys that a file names,
/// in the agent's order; its other keys, unless only named ones count; then keys in files.
///
/// One thing differs: a certificate goes before its plain key, where OpenSSH tries those beside a
/// key or in the agent after it. Whoever has a certificate means it to be used, and servers count
/// failed tries.
#[must_use]
pub fn plan_auth(sources: &AuthSources<'_>) -> AuthPlan {
    let mut planner = Planner {
        sources,
        plan: AuthPlan::default(),
    };
    let unread = sources.identities.problems.iter().cloned();
    planner.plan.skipped.extend(unread.map(Skipped::Unusable));
    let (in_files, skipped) = planner.offers_of_files();
    let named = planner.named_certificates();
    let (held, others): (Vec<_>, Vec<_>) = planner
        .agent_steps()
        .into_iter()
        .map(|mut step| {
            let file = in_files.iter().find(|file| file.offer == step.offer);
            step.path = file.map(|file| file.path.clone());
            step
        })
        .partition(|step| step.path.is_some());

    let mut steps = named;
    steps.extend(held);
    if !sources.identities_only {
        steps.extend(others);
    }
    let from_files = in_files.into_iter().filter_map(FileOffer::into_step);
    steps.extend(from_files);

    let mut plan = planner.plan;
    let tried = |key: &PublicKey| steps.iter().any(|step| step.offer.key() == *key);
    for (public, why) in skipped {
        if !public.is_some_and(|key| tried(&key)) {
            plan.skipped.push(why);
        }
    }
    plan.steps = certificates_first(without_repetition(steps));
    plan
}

/// What a file offers.
struct FileOffer {
    path: PathBuf,
    offer: Offer,
    /// Nothing: only the agent can use it, when it holds it.
    signer: Option<Signer>,
}

impl FileOffer {
    fn into_step(self) -> Option<PublicKeyStep> {
        Some(PublicKeyStep {
            offer: self.offer,
            signer: self.signer?,
            path: Some(self.path),
            comment: String::new(),
        })
    }
}

struct Planner<'a> {
    sources: &'a AuthSources<'a>,
    plan: AuthPlan,
}

impl Planner<'_> {
    /// What the key files offer, and which of them can only be used through an agent.
    fn offers_of_files(&mut self) -> (Vec<FileOffer>, Vec<(Option<PublicKey>, Skipped)>) {
        let (mut offers, mut skipped) = (Vec::new(), Vec::new());
        for identity in &self.sources.identities.keys {
            let key = match &identity.secret {
                SecretKey::Ready(key) => Some(key.clone()),
                SecretKey::Locked(key) => {
                    skipped.push((bare(identity), Skipped::Locked(key.path().to_owned())));
                    None
                }
                SecretKey::Unusable(why) => {
                    skipped.push((bare(identity), Skipped::Unusable(why.clone())));
                    None
                }
            };
            let key = key.map(Signer::Key);
            let mut offer = |offer, signer| {
                let path = identity.path.clone();
                offers.push(FileOffer {
                    path,
                    offer,
                    signer,
                });
            };
            // A certificate in the place of a key names itself only.
            let own = identity.certificate.as_ref();
            if own.is_none_or(|own| own.path != identity.path)
                && let Some(public) = &identity.public
            {
                offer(Offer::key_of(public), key.clone());
            }
            if let Some(certificate) = own
                && self.is_valid(&certificate.path.display(), &certificate.certificate)
            {
                let signer = key.or_else(|| self.signer_for(&certificate.certificate));
                offer(Offer::certificate_of(&certificate.certificate), signer);
            }
        }
        (offers, skipped)
    }

    /// Certificates of `CertificateFile`, with whatever holds their keys.
    fn named_certificates(&mut self) -> Vec<PublicKeyStep> {
        let mut steps = Vec::new();
        for UserCertificate { path, certificate } in &self.sources.identities.certificates {
            if !self.is_valid(&path.display(), certificate) {
                continue;
            }
            match self.signer_for(certificate) {
                Some(signer) => steps.push(PublicKeyStep {
                    offer: Offer::certificate_of(certificate),
                    signer,
                    path: Some(path.clone()),
                    comment: String::new(),
                }),
                None => self.plan.skipped.push(Skipped::NoKeyFor(path.clone())),
            }
        }
        steps
    }

    /// Looks for the key of a certificate: in the agent, where it needs no passphrase, then in files.
    fn signer_for(&self, certificate: &Certificate) -> Option<Signer> {
        let wanted = certificate.public_key();
        let held = self
            .sources
            .agent
            .iter()
            .filter(|held| held.public_key().key_data() == wanted);
        // The very certificate if the agent has it, else the plain key.
        let held = held.max_by_key(|held| match held {
            AgentIdentity::Certificate {
                certificate: own, ..
            } => 2 * u8::from(Offer::certificate_of(own) == Offer::certificate_of(certificate)),
            AgentIdentity::PublicKey { .. } => 1,
        });
        if let Some(held) = held {
            return Some(Signer::Agent(Box::new(held.clone())));
        }
        self.sources.identities.keys.iter().find_map(|identity| {
            let same = identity.public.as_ref()?.key_data() == wanted;
            match &identity.secret {
                SecretKey::Ready(key) if same => Some(Signer::Key(key.clone())),
                _ => None,
            }
        })
    }

    /// What the agent offers, in its order.
    fn agent_steps(&mut self) -> Vec<PublicKeyStep> {
        let mut steps = Vec::new();
        for held in self.sources.agent {
            let comment = held.comment().to_owned();
            let offer = Offer::of(held);
            if let AgentIdentity::Certificate { certificate, .. } = held
                && !self.is_valid(&format_args!("{comment} of the agent"), certificate)
            {
                continue;
            }
            if matches!(offer.algorithm(), Algorithm::Dsa | Algorithm::Other(_)) {
                let name = comment;
                self.plan.skipped.push(Skipped::Outdated { name });
                continue;
            }
            steps.push(PublicKeyStep {
                offer,
                signer: Signer::Agent(Box::new(held.clone())),
                path: None,
                comment,
            });
        }
        steps
    }

    fn is_valid(&mut self, name: &dyn fmt::Display, certificate: &Certificate) -> bool {
        let fault = certificate::fault(certificate, self.sources.now);
        if let Some(fault) = fault {
            let name = name.to_string();
            self.plan.skipped.push(Skipped::Certificate { name, fault });
        }
        fault.is_none()
    }
}

/// The public half without its comment.
fn bare(identity: &Identity) -> Option<PublicKey> {
    let public = identity.public.as_ref()?;
    Some(public.key_data().clone().into())
}

/// What is offered twice, say by the agent and from a file, is tried once.
fn without_repetition(steps: Vec<PublicKeyStep>) -> Vec<PublicKeyStep> {
    let mut once: Vec<PublicKeyStep> = Vec::with_capacity(steps.len());
    for step in steps {
        if !once.iter().any(|earlier| earlier.offer == step.offer) {
            once.push(step);
        }
    }
    once
}

/// Moves each certificate before its plain key; all else keeps its order.
fn certificates_first(mut steps: Vec<PublicKeyStep>) -> Vec<PublicKeyStep> {
    let mut at = 0;
    while at < steps.len() {
        if let Offer::Certificate(_) = steps[at].offer {
            let key = steps[at].offer.key();
            let plain = steps[..at]
                .iter()
                .position(|step| matches!(&step.offer, Offer::Key(own) if *own == key));
            if let Some(plain) = plain {
                steps[plain..=at].rotate_right(1);
            }
        }
        at += 1;
    }
    steps
}
