//! A survey of nodes that answer, and of some that do not: real SSH on loopback.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::HashMap, fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Event, FailureKind, Report, Status},
    node::Node,
};
use towline_fleet::{
    facts::{NodeStatus, Section, Survey, UnitName, UnitState},
    fanout::{Policy, spread},
};
use towline_remote::{
    error::RemoteError,
    known_hosts::{HostKeyPolicy, HostName, KnownHosts, Options},
    local::LocalHost,
    pool::{Limits, Pool},
    route::{Route, Router, SshRoute, Through},
    ssh::{Credential, Endpoint, Login, Trust, Tuning},
};
use towline_testkit::embedded::{EmbeddedNode, TestKey};

/// Nodes and the ways to them.
struct World {
    key: TestKey,
    folder: tempfile::TempDir,
    known: KnownHosts,
    routes: HashMap<String, Route>,
    running: Vec<EmbeddedNode>,
}

struct Routes(HashMap<String, Route>);

impl Router for Routes {
    fn route(&self, node: &Node) -> Result<Route, RemoteError> {
        Ok(self.0[node.id.as_str()].clone())
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        Self {
            key: TestKey::ed25519().unwrap(),
            known: KnownHosts::open(&[file], &[], Options::default()).unwrap(),
            folder,
            routes: HashMap::new(),
            running: Vec::new(),
        }
    }

    fn local(&mut self, id: &str) {
        let host = LocalHost::new("/bin/sh");
        self.routes.insert(id.to_owned(), Route::Local(host));
    }

    /// A node whose login shell is a script of the test's own, or the usual one.
    async fn node(&mut self, id: &str, shell: Option<&str>) {
        let mut builder = EmbeddedNode::builder().authorized_key(self.key.public());
        if let Some(text) = shell {
            let path = self.folder.path().join(id);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            builder = builder.shell(path);
        }
        let node = builder.start().await.unwrap();
        self.way(id, node.addr());
        self.running.push(node);
    }

    fn way(&mut self, id: &str, address: std::net::SocketAddr) {
        let key = Arc::new(self.key.private().clone());
        let endpoint = Endpoint {
            host: address.ip().to_string(),
            port: address.port(),
            trust: Trust {
                name: HostName::new(&address.ip().to_string(), address.port()).unwrap(),
                known: self.known.clone(),
                policy: HostKeyPolicy::AcceptNew,
            },
            login: Arc::new(Login {
                user: "ops".to_owned(),
                ways: vec![("test key".to_owned(), Credential::Key(key))],
                agent: None,
                unusable: Vec::new(),
            }),
            connect_timeout: Duration::from_secs(10),
            tuning: Tuning::default(),
        };
        let route = SshRoute {
            key: id.to_owned(),
            endpoint,
            through: Through::Nothing,
        };
        self.routes
            .insert(id.to_owned(), Route::Ssh(Arc::new(route)));
    }

    /// Surveys every node and tells what became of each.
    async fn survey(
        &self,
        units: &[UnitName],
        timeout: Duration,
    ) -> (Report, HashMap<String, NodeStatus>) {
        let pool = Pool::new(Arc::new(Routes(self.routes.clone())), Limits::default());
        let everything = [Section::STATUS, Section::DOCTOR].concat();
        let survey = Survey::new(Arc::clone(&pool) as _, &everything, units, timeout);
        let nodes: Vec<Arc<Node>> = self
            .routes
            .keys()
            .map(|id| Arc::new(Node::new(id.parse().unwrap(), "unused")))
            .collect();
        let (sender, mut events) = mpsc::channel(8);
        let policy = Policy {
            retries: Some(0),
            ..Policy::default()
        };
        let cancel = CancellationToken::new();
        let work = async {
            let report = spread(&nodes, &policy, None, &survey, &sender, &cancel).await;
            drop(sender);
            report
        };
        let listen = async {
            let mut all = HashMap::new();
            while let Some(event) = events.recv().await {
                if let Event::NodeFinished(result) = event {
                    let told = survey.take(&result.node);
                    all.insert(result.node.to_string(), NodeStatus::new(&result, told));
                }
            }
            all
        };
        let done = tokio::join!(work, listen);
        pool.close().await;
        done
    }
}

#[tokio::test]
async fn every_node_tells_what_it_is() {
    let mut world = World::new();
    world.local("here");
    for id in ["n1", "n2", "n3"] {
        world.node(id, None).await;
    }
    let unit: UnitName = "towline-no-such-service".parse().unwrap();
    let (report, all) = world.survey(&[unit], Duration::from_secs(30)).await;
    // They told; what they told of the service is not that it is up.
    assert_eq!((report.failed, report.nodes), (4, 4), "{all:?}");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    for (id, status) in &all {
        let facts = status.facts.as_ref().unwrap();
        assert_eq!(status.status, Status::Failed, "{id}");
        let error = status.error.as_ref().unwrap();
        assert_eq!(error.kind, FailureKind::Unit, "{id}");
        assert_eq!(facts.kernel.as_deref(), Some(kernel.trim()), "{id}");
        assert!(facts.root_disk().is_some() && facts.runs.is_some(), "{id}");
        assert!(matches!(
            facts.units[0].state,
            UnitState::Absent | UnitState::Unknown
        ));
        let latency = status.latency_ms.unwrap();
        assert!(latency > 0.0 && latency < 30_000.0, "{id}: {latency}");
        // They share our clock, so what is measured is the error of the measuring.
        let clock = status.clock.unwrap();
        assert!(
            clock.ahead_ms.unsigned_abs() <= clock.within_ms + 500,
            "{id}: {clock:?}"
        );
    }
}

#[tokio::test]
async fn nodes_that_tell_nothing_say_why() {
    let mut world = World::new();
    world
        .node(
            "nologin",
            Some("#!/bin/sh\necho This account is not available.\necho no >&2\nexit 1\n"),
        )
        .await;
    world
        .node("hangs", Some("#!/bin/sh\nexec sleep 60\n"))
        .await;
    world
        .node(
            "greets",
            Some("#!/bin/sh\necho Hello\nexec /bin/sh \"$@\"\n"),
        )
        .await;
    // A port that was just given back: nothing listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    world.way("down", address);
    let (report, all) = world.survey(&[], Duration::from_secs(2)).await;
    assert!(!report.success);
    let error = |id: &str| all[id].error.clone().unwrap();

    assert_eq!(
        all["greets"].status,
        Status::Ok,
        "{:?}",
        all["greets"].error
    );

    assert_eq!(all["nologin"].status, Status::Failed);
    let said = error("nologin");
    assert_eq!(said.kind, FailureKind::Command);
    assert_eq!(
        said.message,
        "the node printed no report, but \"This account is not available.\\n\"; \
         standard error: no"
    );
    assert_eq!(
        said.hint.as_deref(),
        Some("see what a command prints there: tow exec -w nologin -- true")
    );

    assert_eq!(all["hangs"].status, Status::Timeout);
    assert!(error("hangs").message.starts_with("told nothing within 2s"));

    assert_eq!(all["down"].status, Status::Unreachable);
    assert_eq!(error("down").kind, FailureKind::Refused);
    assert!(
        all.values()
            .all(|s| s.facts.is_some() == (s.status == Status::Ok))
    );
}
