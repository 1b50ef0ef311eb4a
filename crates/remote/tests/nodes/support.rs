//! Nodes to connect to, and the ways to them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use towline_core::{command::Mark, node::Node};
use towline_remote::{
    error::RemoteError,
    known_hosts::{HostKeyPolicy, HostName, KnownHosts, Options},
    openssh::{Client, Proxy},
    pool::{Connect, Limits, Pool},
    route::{Route, Router, SshRoute, Through},
    run::{Gather, Outcome, Run},
    ssh::{Credential, Endpoint, Login, Trust, Tuning},
};
use towline_testkit::embedded::{EmbeddedBuilder, EmbeddedNode, TestKey};

/// One test's world: a key, a `known_hosts`, and the ways to its nodes.
pub struct World {
    pub key: TestKey,
    pub folder: TempDir,
    pub known: KnownHosts,
    routes: HashMap<String, Route>,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        let known = KnownHosts::open(&[file], &[], Options::default()).unwrap();
        Self {
            key: TestKey::ed25519().unwrap(),
            folder,
            known,
            routes: HashMap::new(),
        }
    }

    /// A node that takes this world's key.
    pub fn node(&self) -> EmbeddedBuilder {
        EmbeddedNode::builder().authorized_key(self.key.public())
    }

    /// The far end that `node` is, logged in to with this world's key.
    pub fn endpoint(&self, node: &EmbeddedNode) -> Endpoint {
        let key = Arc::new(self.key.private().clone());
        self.endpoint_with(node, vec![("test key".to_owned(), Credential::Key(key))])
    }

    pub fn endpoint_with(&self, node: &EmbeddedNode, ways: Vec<(String, Credential)>) -> Endpoint {
        let address = node.addr();
        Endpoint {
            host: address.ip().to_string(),
            port: address.port(),
            trust: Trust {
                name: HostName::new(&address.ip().to_string(), address.port()).unwrap(),
                known: self.known.clone(),
                policy: HostKeyPolicy::AcceptNew,
            },
            login: Arc::new(Login {
                user: "ops".to_owned(),
                ways,
                agent: None,
                unusable: Vec::new(),
            }),
            connect_timeout: Duration::from_secs(10),
            tuning: Tuning::default(),
        }
    }

    /// Makes `id` a name for the node.
    pub fn add(&mut self, id: &str, endpoint: Endpoint, through: Through) -> Arc<SshRoute> {
        let route = Arc::new(SshRoute {
            key: id.to_owned(),
            endpoint,
            through,
        });
        self.routes
            .insert(id.to_owned(), Route::Ssh(Arc::clone(&route)));
        route
    }

    /// The way to `node` by the system's ssh client, with this world's key and nothing of the
    /// user's.
    pub fn client(&self, node: &EmbeddedNode) -> Client {
        let at = |name: &str| self.folder.path().join(name);
        if !at("key").exists() {
            self.key.write(self.folder.path(), "key").unwrap();
            std::fs::create_dir(at("s")).unwrap();
        }
        let address = node.addr();
        Client {
            key: "n1".to_owned(),
            why: "it was asked for".to_owned(),
            program: "ssh".into(),
            folder: at("s"),
            shell: "/bin/sh".to_owned(),
            config: Some("none".into()),
            host: address.ip().to_string(),
            hostname: address.ip().to_string(),
            user: "ops".to_owned(),
            port: address.port(),
            identities: vec![at("key")],
            options: vec![
                "IdentitiesOnly=yes".to_owned(),
                "IdentityAgent=none".to_owned(),
            ],
            known_hosts: vec![at("known_hosts")],
            host_keys: HostKeyPolicy::AcceptNew,
            connect_timeout: Duration::from_secs(10),
            keepalive: None,
            proxy: Proxy::Nothing,
        }
    }

    /// Makes `id` a name for what this client reaches.
    pub fn add_client(&mut self, id: &str, client: Client) {
        let route = Route::OpenSsh(Arc::new(client));
        self.routes.insert(id.to_owned(), route);
    }

    pub fn pool(self) -> (Arc<Pool>, TempDir) {
        self.pool_with(Limits::default())
    }

    pub fn pool_with(self, limits: Limits) -> (Arc<Pool>, TempDir) {
        let routes = Arc::new(Routes(self.routes));
        (Pool::new(routes, limits), self.folder)
    }
}

struct Routes(HashMap<String, Route>);

impl Router for Routes {
    fn route(&self, node: &Node) -> Result<Route, RemoteError> {
        Ok(self.0[node.id.as_str()].clone())
    }
}

pub fn node(id: &str) -> Node {
    Node::new(id.parse().unwrap(), "unused")
}

pub fn mark() -> Mark {
    Mark::new(fastrand::u128(..))
}

/// Waits for something that is about to happen.
pub async fn until(mut happened: impl FnMut() -> bool) {
    let waiting = async {
        while !happened() {
            // tidy: allow-sleep it polls until a deadline
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(done.is_ok(), "it did not happen");
}

/// The error of a connection that does not come about.
pub async fn denied(pool: &Pool, id: &str) -> RemoteError {
    match pool.connect(&node(id)).await {
        Ok(_) => panic!("{id} let us in"),
        Err(error) => error,
    }
}

/// Runs a command to its end and gathers what it wrote.
pub async fn run(
    host: &dyn towline_remote::host::Host,
    command: &towline_core::command::Command,
) -> (Result<Outcome, RemoteError>, Gather) {
    let mut gather = Gather::new(1 << 20);
    let (mark, never) = (mark(), CancellationToken::new());
    let outcome = Run::new(host, command, &mark, &never)
        .execute(&mut gather)
        .await;
    (outcome, gather)
}
