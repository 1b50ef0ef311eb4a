//! What a user can prove who they are with: key files, certificates, the keys of an agent.
//!
//! Loading happens before a fan-out, once: reading files, asking for passphrases, asking the agent
//! what it holds. What is then tried on a host, and in which order, is a plan: a pure value.
//!
//! Nothing here asks the user, prints, or opens a connection other than to the agent.

mod agent;
mod certificate;
mod error;
mod format;
mod load;
mod locked;
mod login;
mod offer;
mod plan;
mod short_scalar;

pub use agent::{AgentError, AgentKeys, agent_keys};
pub use certificate::{UserCertificate, UserCertificateFault};
pub use error::{IdentityError, KeyFault};
pub use load::{Identities, Identity, IdentityFile, SecretKey, load_identity};
pub use locked::LockedKey;
pub use offer::Offer;
pub use plan::{AuthPlan, AuthSources, PublicKeyStep, Signer, Skipped, plan_auth};
