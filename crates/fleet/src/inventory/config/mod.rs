//! The model of `towline.yaml`. The doc comments here are what editors show: they stand in the
//! JSON Schema, so they speak to the person who writes the file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use towline_core::{id::NodeId, selection::Expr};

use super::located::Located;

mod text;
mod words;

pub use self::{
    text::{DockerUrl, GroupName, HostName, IdPattern, Jump, LabelKey, LabelValue, Login, Role},
    words::{Elevate, Group, HostKeys, Port, Transport, Wait},
};

/// A fleet for Towline: its nodes, how they are reached, and how they are grouped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "towline.yaml", transform = nullable)]
pub struct Config {
    /// What this fleet is called.
    pub cluster: Cluster,
    /// How nodes are reached where they do not say it themselves. Wins over ~/.ssh/config; flags
    /// on the command line win over both.
    pub ssh: Ssh,
    /// The machines of the fleet.
    pub nodes: Vec<Located<NodeEntry>>,
    /// Named selections: `-g NAME` and `@NAME` stand for their members.
    pub groups: BTreeMap<GroupName, Located<Group>>,
    /// Further sources of nodes, read each time the file is.
    pub inventory: Vec<Located<SourceEntry>>,
    /// Kept for the MQTT broker; not read yet.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub mqtt: Option<serde_json::Value>,
    /// Kept for services; not read yet.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub services: Option<serde_json::Value>,
}

/// The fleet as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = nullable)]
pub struct Cluster {
    /// The name shown for the fleet.
    pub name: Option<String>,
}

/// How nodes are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = nullable)]
pub struct Ssh {
    /// The account to log in to. Default: what ~/.ssh/config says, else your own name.
    pub user: Option<Login>,
    /// The TCP port of sshd. Default: what ~/.ssh/config says, else 22.
    pub port: Option<Port>,
    /// The private key to try first. `~` is your home; a relative path begins at the folder of
    /// this file. Default: what ~/.ssh/config says, and the agent.
    pub identity_file: Option<String>,
    /// The machines to go through, `[user@]host[:port]`, comma separated, the nearest first;
    /// `none` for none. Default: what ~/.ssh/config says.
    pub jump: Option<Jump>,
    /// How long a connection may take to come up: `10s`, `1m 30s`, or a number of seconds.
    /// Default: 10s.
    pub connect_timeout: Option<Wait>,
    /// What to do with a host key that was not seen before: `accept-new` (the default) pins it,
    /// `strict` refuses it. A changed key is refused either way.
    pub host_keys: Option<HostKeys>,
    /// Whom commands run as once logged in: `true` for root, an account, or
    /// `{user: ACCOUNT, method: sudo}`. Default: the account that logged in.
    pub r#become: Option<Elevate>,
    /// What carries the connection: `native` is Towline's own SSH, `openssh` the `ssh` program of
    /// this machine, `auto` (the default) the first that can do what the node asks for.
    pub transport: Option<Transport>,
}

/// A machine, or several when its id holds a range: `web-[01-20]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = nullable)]
pub struct NodeEntry {
    /// Its name in the fleet. A range makes one node of each number; padding is kept.
    pub id: Located<IdPattern>,
    /// The name or address to connect to. With a range in `id` it holds a range of the same
    /// length. A node on localhost, with neither user nor port nor jump, runs without SSH.
    /// Default: the id.
    #[serde(default)]
    pub host: Option<Located<HostName>>,
    /// The account to log in to.
    #[serde(default)]
    pub user: Option<Login>,
    /// The TCP port of its sshd.
    #[serde(default)]
    pub port: Option<Port>,
    /// The private key to try first, as in `ssh`.
    #[serde(default)]
    pub identity_file: Option<String>,
    /// The machines to go through, as in `ssh`; `none` to reach this one directly.
    #[serde(default)]
    pub jump: Option<Jump>,
    /// Whom commands run as once logged in, as in `ssh`; `false` for nobody else.
    #[serde(default)]
    pub r#become: Option<Elevate>,
    /// Words to select by, as `zone=a` and `zone!=a`.
    #[serde(default)]
    pub labels: BTreeMap<LabelKey, LabelValue>,
    /// What the node is for. Selected by `role:worker`.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Groups this node is in, besides those that name it under `groups`.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// Where its Docker engine listens: `unix:///var/run/docker.sock`. For engines only; it is
    /// never used to connect to the node.
    #[serde(default)]
    pub docker_url: Option<DockerUrl>,
}

/// A further source of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = nullable)]
pub struct SourceEntry {
    /// A program and its arguments, run without a shell in the folder of this file. It prints
    /// `{"nodes": [...], "groups": {...}}` in JSON, with the fields of this file.
    #[schemars(length(min = 1))]
    pub command: Located<Vec<String>>,
    /// How long the program may take. Default: 10s.
    #[serde(default)]
    pub timeout: Option<Wait>,
}

/// What a source of nodes delivers: the part of the file that a command may print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listing {
    pub(super) nodes: Vec<Located<NodeEntry>>,
    pub(super) groups: BTreeMap<GroupName, Located<Group>>,
}

/// A key without a value says nothing, so `null` fits every key that may be left out.
fn nullable(schema: &mut schemars::Schema) {
    let required: Vec<String> = (schema.get("required").and_then(|r| r.as_array()))
        .map(|names| {
            names
                .iter()
                .filter_map(|n| n.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(|p| p.as_object_mut()) else {
        return;
    };
    for (name, property) in properties.iter_mut() {
        if !required.contains(name) {
            allow_null(property);
        }
    }
}

fn allow_null(property: &mut serde_json::Value) {
    let Some(object) = property.as_object_mut() else {
        return;
    };
    object.remove("default");
    match object.get_mut("type") {
        Some(serde_json::Value::String(one)) if one != "null" => {
            let both = serde_json::json!([one, "null"]);
            object.insert("type".to_owned(), both);
        }
        Some(_) => {}
        None => {
            if let Some(reference) = object.remove("$ref") {
                object.insert(
                    "anyOf".to_owned(),
                    serde_json::json!([{ "$ref": reference }, { "type": "null" }]),
                );
            }
        }
    }
}

/// The JSON Schema of `towline.yaml`, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(object) = schema.as_object_mut() {
        let id = "https://json-schema.org/draft/2020-12/schema";
        object.insert("$schema".to_owned(), id.into());
    }
    schema
}

/// A node id as it stands in a file: no selection would take it for something else.
pub(super) fn plain_id(name: &str) -> Result<NodeId, String> {
    let id: NodeId = name.parse().map_err(|e: towline_core::id::InvalidNodeId| {
        format!("{:?} is no node id: {}", e.text, e.reason)
    })?;
    match name.parse() {
        Ok(Expr::Name(pattern)) if !pattern.is_glob() && pattern.names() == [name] => Ok(id),
        _ => Err(format!(
            "{name:?} is no node id: a selection would read it as something else"
        )),
    }
}
