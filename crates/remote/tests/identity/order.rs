//! The order in which keys are tried, with the system's `ssh` as the judge.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use russh::keys::HashAlg;
use tempfile::TempDir;
use tokio::process::Command;
use towline_remote::identity::{
    AuthPlan, AuthSources, Identities, Offer, Signer, Skipped, agent_keys, plan_auth,
};
use towline_testkit::embedded::EmbeddedNode;

use super::support::{TestAgent, certify, keygen, named, plain, public};

/// A key by its fingerprint, and whether it is a certificate.
type Tried = (String, bool);

struct Scene {
    folder: TempDir,
    agent: TestAgent,
    files: Vec<PathBuf>,
    certificates: Vec<PathBuf>,
    identities_only: bool,
}

impl Scene {
    /// Keys `a`, `b`, `c` and `d`; `a` and `c` have a certificate beside them.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in [
            ("ca", "ed25519"),
            ("a", "ed25519"),
            ("b", "ecdsa"),
            ("c", "ecdsa"),
            ("d", "ed25519"),
        ] {
            plain(&folder, name, kind);
        }
        certify(&folder, "ca", "a", &[]);
        certify(&folder, "ca", "c", &[]);
        let agent = TestAgent::start(&folder);
        Self {
            folder,
            agent,
            files: Vec::new(),
            certificates: Vec::new(),
            identities_only: false,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn files(mut self, names: &[&str]) -> Self {
        self.files = names.iter().map(|name| self.path(name)).collect();
        self
    }

    fn certificates(mut self, names: &[&str]) -> Self {
        self.certificates = names.iter().map(|name| self.path(name)).collect();
        self
    }

    fn held(self, names: &[&str]) -> Self {
        for name in names {
            self.agent.add(&self.path(name));
        }
        self
    }

    fn only_named(mut self) -> Self {
        self.identities_only = true;
        self
    }

    async fn plan(&self) -> AuthPlan {
        let files: Vec<_> = self.files.iter().map(|path| named(path)).collect();
        let identities = Identities::load(&files, &self.certificates);
        let patience = Duration::from_secs(10);
        let held = agent_keys(&self.agent.socket, patience).await.unwrap();
        plan_auth(&AuthSources {
            identities: &identities,
            agent: &held.keys,
            identities_only: self.identities_only,
            now: SystemTime::now(),
        })
    }

    /// What `ssh` says that it will try.
    async fn tried_by_openssh(&self, node: &EmbeddedNode) -> Vec<Tried> {
        let mut ssh = Command::new("ssh");
        ssh.args(["-v", "-F", "none", "-o", "BatchMode=yes"])
            .args(["-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "PreferredAuthentications=publickey"])
            .args(["-p", &node.addr().port().to_string(), "-l", "nobody"])
            .env("SSH_AUTH_SOCK", &self.agent.socket);
        for file in &self.files {
            ssh.arg("-i").arg(file);
        }
        for file in &self.certificates {
            ssh.arg("-o")
                .arg(format!("CertificateFile={}", file.display()));
        }
        if self.identities_only {
            ssh.args(["-o", "IdentitiesOnly=yes"]);
        }
        ssh.args([&node.addr().ip().to_string(), "true"]);
        let said = ssh.output().await.unwrap();
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        let tried: Vec<Tried> = said
            .lines()
            .filter_map(|line| line.strip_prefix("debug1: Will attempt key: "))
            .map(|line| {
                let mut words = line.split(' ').skip(1);
                let kind = words.next().unwrap();
                (words.next().unwrap().to_owned(), kind.ends_with("-CERT"))
            })
            .collect();
        assert!(!tried.is_empty(), "ssh tried nothing: {said}");
        tried
    }
}

fn tried_by_us(plan: &AuthPlan) -> Vec<Tried> {
    let tried = plan.steps.iter().map(|step| {
        let key = step.offer.key().fingerprint(HashAlg::Sha256);
        let certified = matches!(step.offer, Offer::Certificate(_));
        (key.to_string(), certified)
    });
    tried.collect()
}

/// The two differences that are meant (a third one, that certificates without a key are left
/// out, is kept out of the scenes): nothing twice, and certificates before their plain key.
fn as_meant(tried: Vec<Tried>) -> Vec<Tried> {
    let mut meant: Vec<Tried> = Vec::new();
    for (key, certified) in tried {
        if meant.contains(&(key.clone(), certified)) {
            continue;
        }
        let plain = meant.iter().position(|step| *step == (key.clone(), false));
        match plain.filter(|_| certified) {
            Some(at) => meant.insert(at, (key, true)),
            None => meant.push((key, certified)),
        }
    }
    meant
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_tried_in_openssh_s_order() {
    let node = EmbeddedNode::builder().start().await.unwrap();
    let scenes = [
        Scene::new().files(&["a", "b"]),
        Scene::new().files(&["b", "a", "d"]).held(&["d"]),
        Scene::new().files(&["a", "b"]).held(&["d", "c", "b", "a"]),
        Scene::new()
            .files(&["a", "b"])
            .held(&["d", "c", "b", "a"])
            .only_named(),
        Scene::new()
            .files(&["b", "d", "c"])
            .certificates(&["c-cert.pub"])
            .held(&["d"]),
        Scene::new()
            .files(&["a", "c"])
            .certificates(&["c-cert.pub", "a-cert.pub"]),
        Scene::new()
            .files(&["a.pub", "d.pub"])
            .held(&["c", "d", "a"])
            .only_named(),
        Scene::new()
            .files(&["a-cert.pub", "b"])
            .held(&["a", "b"])
            .only_named(),
        Scene::new().files(&["d", "d", "b"]).held(&["b"]),
    ];
    for (number, scene) in scenes.iter().enumerate() {
        let plan = scene.plan().await;
        let judged = as_meant(scene.tried_by_openssh(&node).await);
        assert_eq!(tried_by_us(&plan), judged, "scene {number}");
    }
    node.stop().await;
}

#[tokio::test]
async fn the_agent_signs_for_what_it_holds() {
    let scene = Scene::new().files(&["a", "b"]).held(&["a"]);
    let plan = scene.plan().await;
    let agent =
        |step: &towline_remote::identity::PublicKeyStep| matches!(step.signer, Signer::Agent(_));
    let by: Vec<_> = plan.steps.iter().map(agent).collect();
    assert_eq!(by, [true, true, false], "certificate and key of a, then b");
    assert!(plan.skipped.is_empty());
    let said = plan.steps[0].to_string();
    assert!(
        said.starts_with("certificate ssh-ed25519 SHA256:"),
        "{said}"
    );
    assert!(said.ends_with("/a) from the agent"), "{said}");
}

#[tokio::test]
async fn a_named_certificate_is_signed_for_by_whatever_holds_its_key() {
    let scene = Scene::new()
        .certificates(&["c-cert.pub", "a-cert.pub"])
        .files(&["c"]);
    // The plain key only.
    let copy = scene.path("copy");
    std::fs::copy(scene.path("a"), &copy).unwrap();
    scene.agent.add(&copy);
    let plan = scene.plan().await;
    let signers: BTreeSet<_> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.offer, Offer::Certificate(_)))
        .map(|step| {
            (
                step.path.clone().unwrap(),
                matches!(step.signer, Signer::Agent(_)),
            )
        })
        .collect();
    let expected = [
        (scene.path("a-cert.pub"), true),
        (scene.path("c-cert.pub"), false),
    ];
    assert_eq!(signers, BTreeSet::from(expected));
}

#[tokio::test]
async fn what_is_left_out_is_told_with_its_reason() {
    let scene = Scene::new().held(&["d"]);
    for (name, validity) in [("b", "20200101:20210101"), ("d", "20900101:20910101")] {
        certify(&scene.folder, "ca", name, &["-V", validity]);
    }
    let host = plain(&scene.folder, "host", "ed25519");
    certify(&scene.folder, "ca", "host", &["-h"]);
    keygen(
        &scene.folder,
        "shut",
        &["-t", "ed25519", "-a", "1", "-N", "x"],
    );
    plain(&scene.folder, "lost", "ecdsa");
    let scene = scene.files(&["b", "d", "host", "shut", "lost.pub", "d.pub", "nowhere"]);
    let plan = scene.plan().await;
    let told: Vec<_> = plan
        .skipped
        .iter()
        .map(|skipped| match skipped {
            Skipped::Locked(path) => format!("locked {}", name(path)),
            Skipped::Unusable(error) => format!("{} {}", error.fault, name(&error.path)),
            Skipped::Certificate { name: path, fault } => {
                format!("{fault} {}", name(Path::new(path)))
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(told.len(), 6, "{told:#?}");
    for (told, (why, whose)) in told.iter().zip([
        ("there is no such file", "nowhere"),
        ("it has been out of date since 16", "b-cert.pub"),
        ("it is not valid before 37", "d-cert.pub"),
        ("it is a host's", "host-cert.pub"),
        ("locked", "shut"),
        ("it is a public key", "lost.pub"),
    ]) {
        assert!(told.starts_with(why) && told.ends_with(whose), "{told}");
    }
    let tried = tried_by_us(&plan);
    assert!(tried.iter().all(|(_, certified)| !certified));
    let host = public(&host).fingerprint(HashAlg::Sha256).to_string();
    assert!(
        tried.contains(&(host, false)),
        "its plain key is as good as any"
    );
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
