//! What an operation tells the world while it runs. The terminal, JSON lines, the journal and the
//! web page are all fed by these types and by nothing else.

use std::borrow::Cow;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// An event with its place in the run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Envelope<E = Event> {
    /// Counts up by one from 0 within a run: a reader that saw `seq` can ask for what came after.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: E,
}

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The first event: what will be done, and where.
    RunStarted {
        /// What is run, for people: a shell reads it the same way.
        command: String,
        /// Every node of the run, in the order they are started.
        nodes: Vec<NodeId>,
    },
    /// A node's turn has come: connecting begins.
    NodeStarted {
        /// Which node.
        node: NodeId,
        /// 1 at first, counting up with retries.
        attempt: u32,
    },
    /// The connection is up (or was already) and the command was started on the node.
    NodeConnected {
        /// Which node.
        node: NodeId,
        /// Time since its turn came, in milliseconds.
        after_ms: u64,
    },
    /// Something the command wrote.
    Output {
        /// Which node.
        node: NodeId,
        /// Where it wrote it.
        stream: Stream,
        /// What it wrote.
        #[serde(flatten)]
        data: Data,
    },
    /// A node failed in a way that may pass, and is tried again.
    NodeRetry {
        /// Which node.
        node: NodeId,
        /// The attempt that failed.
        attempt: u32,
        /// The pause before the next one, in milliseconds.
        delay_ms: u64,
        /// What went wrong.
        error: Failure,
    },
    /// A node is done, one way or the other. Exactly one for each node of the run.
    NodeFinished(NodeResult),
    /// The run waits before its next batch.
    BatchPause {
        /// Nodes finished so far.
        finished: usize,
        /// Nodes still to come.
        remaining: usize,
        /// How long it waits, in milliseconds.
        delay_ms: u64,
    },
    /// The last event of every run.
    Report(Report),
}

/// Which of its two streams a command wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output; everything, where the command has a terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes in JSON: as text where they are UTF-8, in Base64 where they are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data(pub Bytes);

#[derive(Serialize, Deserialize)]
struct DataForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::prelude::{BASE64_STANDARD, Engine};
        match std::str::from_utf8(&self.0) {
            Ok(text) => DataForm {
                data: Some(text.to_owned()),
                data_base64: None,
            },
            Err(_) => DataForm {
                data: None,
                data_base64: Some(BASE64_STANDARD.encode(&self.0)),
            },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::prelude::{BASE64_STANDARD, Engine};
        use serde::de::Error;
        let form = DataForm::deserialize(deserializer)?;
        match (form.data, form.data_base64) {
            (Some(text), None) => Ok(Self(text.into())),
            (None, Some(coded)) => BASE64_STANDARD
                .decode(coded)
                .map(|b| Self(b.into()))
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom("one of data and data_base64 is needed")),
        }
    }
}

impl JsonSchema for Data {
    fn schema_name() -> Cow<'static, str> {
        "Data".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": {
                "data": {
                    "description": "The bytes, when they are UTF-8.",
                    "type": "string",
                },
                "data_base64": {
                    "description": "The bytes in standard Base64 with padding, when they are not UTF-8.",
                    "type": "string",
                    "contentEncoding": "base64",
                },
            },
            "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// How a node ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The command ran and returned 0.
    Ok,
    /// The command ran and returned something else, was ended by a signal, or could not be run.
    Failed,
    /// The command's time was up; its process tree was ended.
    Timeout,
    /// The node could not be reached, did not prove who it is, or did not let us in.
    Unreachable,
    /// The run was ended before this node was done.
    Cancelled,
}

/// What became of one node.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeResult {
    /// Which node.
    pub node: NodeId,
    /// How it ended.
    pub status: Status,
    /// What the command returned, when it ran to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the command, without `SIG`: `KILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// From the node's turn to its end, retries included, in milliseconds.
    pub duration_ms: u64,
    /// Attempts made; 0 when its turn never came.
    pub attempts: u32,
    /// What went wrong, when something did beside the exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// What went wrong on a node, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The kind, for programs.
    pub kind: FailureKind,
    /// What happened, what was tried and in which state it was left; one or more sentences.
    pub message: String,
    /// What to type next, where something is known to help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The kinds of failure. New ones may be added.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The host name has no address.
    Resolve,
    /// Nothing listens on the port, or a firewall says no.
    Refused,
    /// No answer within the connect timeout.
    ConnectTimeout,
    /// No route, network down.
    Unreachable,
    /// A jump host or proxy command failed before the node was reached.
    Proxy,
    /// The host key is not known and the policy is strict.
    HostKeyUnknown,
    /// The host key is not the one that was pinned, or it is revoked.
    HostKeyChanged,
    /// Every way to authenticate was refused.
    AuthDenied,
    /// The ssh-agent could not be used.
    Agent,
    /// A private key or certificate could not be used.
    Identity,
    /// The server would not open a channel.
    Channel,
    /// The connection was lost midway.
    Closed,
    /// The other side does not speak SSH as it should, or no algorithm is shared.
    Protocol,
    /// sudo or doas did not let us become the other user.
    Become,
    /// The command's time was up.
    Timeout,
    /// The run was ended by the user or by its failure policy.
    Cancelled,
    /// The command can not be run as it was given.
    Command,
    /// A service that was asked about is not up.
    Unit,
    /// Configuration that applies to this node is wrong.
    Config,
    /// Something on this machine: a file, a limit.
    Local,
}

/// The last word of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Nodes in the run.
    pub nodes: usize,
    /// Nodes that ended with the status `ok`.
    pub ok: usize,
    /// Nodes that ended with the status `failed`.
    pub failed: usize,
    /// Nodes that ended with the status `timeout`.
    pub timeout: usize,
    /// Nodes that ended with the status `unreachable`.
    pub unreachable: usize,
    /// Nodes that ended with the status `cancelled`.
    pub cancelled: usize,
    /// The highest exit code any command returned.
    pub max_exit_code: i32,
    /// Whole run, in milliseconds.
    pub duration_ms: u64,
    /// Whether the user interrupted it.
    pub interrupted: bool,
    /// Whether the run's policy on failures (fail-fast, max-fail, min-ok, a gate) counts it as
    /// a success. Without such a policy: whether every node is ok.
    pub success: bool,
    /// Why the run was stopped before its end, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

impl Report {
    /// Adds one node's end to the counts.
    pub fn count(&mut self, result: &NodeResult) {
        match result.status {
            Status::Ok => self.ok += 1,
            Status::Failed => self.failed += 1,
            Status::Timeout => self.timeout += 1,
            Status::Unreachable => self.unreachable += 1,
            Status::Cancelled => self.cancelled += 1,
        }
        self.max_exit_code = self.max_exit_code.max(result.exit_code.unwrap_or(0));
    }

    /// Nodes that have ended.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.ok + self.not_ok()
    }

    /// Nodes that have ended in any other way than well.
    #[must_use]
    pub fn not_ok(&self) -> usize {
        self.failed + self.timeout + self.unreachable + self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn output(data: &'static [u8]) -> serde_json::Value {
        let event = Event::Output {
            node: "n1".parse().unwrap(),
            stream: Stream::Stdout,
            data: Data(Bytes::from_static(data)),
        };
        serde_json::to_value(Envelope { seq: 7, event }).unwrap()
    }

    #[test]
    fn output_is_text_where_it_can_be_and_base64_where_not() {
        assert_eq!(
            output(b"hi\n"),
            json!({"seq": 7, "type": "output", "node": "n1", "stream": "stdout", "data": "hi\n"})
        );
        assert_eq!(output(b"\xff\x00")["data_base64"], "/wA=");
        assert!(output(b"\xff\x00").get("data").is_none());
    }

    #[test]
    fn events_read_back_as_they_were_written() {
        for data in [&b"text"[..], b"\xff\xfe"] {
            let value = output(if data == b"text" {
                b"text"
            } else {
                b"\xff\xfe"
            });
            let Event::Output { data: back, .. } =
                serde_json::from_value::<Envelope>(value).unwrap().event
            else {
                panic!("another event came back")
            };
            assert_eq!(&back.0[..], data);
        }
    }

    #[test]
    fn a_finished_node_is_one_flat_object() {
        let event = Event::NodeFinished(NodeResult {
            node: "n1".parse().unwrap(),
            status: Status::Unreachable,
            exit_code: None,
            signal: None,
            duration_ms: 12,
            attempts: 1,
            error: Some(Failure {
                kind: FailureKind::HostKeyChanged,
                message: "m".into(),
                hint: Some("h".into()),
            }),
        });
        assert_eq!(
            serde_json::to_value(event).unwrap(),
            json!({"type": "node-finished", "node": "n1", "status": "unreachable",
                   "duration_ms": 12, "attempts": 1,
                   "error": {"kind": "host-key-changed", "message": "m", "hint": "h"}})
        );
    }
}
