//! The other values of `towline.yaml`: numbers, choices, and what may be written in several ways.

use std::{borrow::Cow, fmt, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use towline_core::command::{Account, BecomeMethod};

use crate::inventory::located::Located;

/// A TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

/// What to do with a host key that was not seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum HostKeys {
    /// Refuse it.
    Strict,
    /// Pin it, and refuse another one from then on.
    #[default]
    AcceptNew,
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Transport {
    /// The first that can do what the node asks for.
    #[default]
    Auto,
    /// Towline's own SSH.
    Native,
    /// The `ssh` program of this machine.
    Openssh,
}

/// Whom commands run as once logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elevate {
    /// Whoever logged in.
    No,
    /// Another account.
    To {
        /// The account.
        account: Account,
        /// The program that makes the change.
        method: Option<BecomeMethod>,
    },
}

/// The members of a group: selection expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The group is the union of these.
    pub members: Vec<Located<String>>,
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortVisitor;

        impl de::Visitor<'_> for PortVisitor {
            type Value = Port;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1 to 65535")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Port, E> {
                match u16::try_from(value) {
                    Ok(port @ 1..) => Ok(Port(port)),
                    _ => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Port, E> {
                self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
            }
        }

        deserializer.deserialize_any(PortVisitor)
    }
}

impl JsonSchema for Port {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Port".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": 65535})
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WaitVisitor;

        impl de::Visitor<'_> for WaitVisitor {
            type Value = Wait;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as `10s`, `500ms` or `1m 30s`, above zero")
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Wait, E> {
                match Duration::try_from_secs_f64(seconds) {
                    Ok(wait) if !wait.is_zero() => Ok(Wait(wait)),
                    _ => Err(E::invalid_value(de::Unexpected::Float(seconds), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Wait, E> {
                match u64::try_from(seconds) {
                    Ok(seconds @ 1..) => Ok(Wait(Duration::from_secs(seconds))),
                    _ => Err(E::invalid_value(de::Unexpected::Signed(seconds), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Wait, E> {
                self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Wait, E> {
                (text.parse::<jiff::SignedDuration>().ok())
                    .and_then(|signed| Duration::try_from(signed).ok())
                    .filter(|wait| !wait.is_zero())
                    .map(Wait)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(WaitVisitor)
    }
}

impl JsonSchema for Wait {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Wait".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"], "exclusiveMinimum": 0, "examples": ["10s", "500ms"]})
    }
}

impl<'de> Deserialize<'de> for Elevate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Spelled {
            #[serde(default)]
            user: Option<String>,
            #[serde(default)]
            method: Option<BecomeMethod>,
        }

        struct ElevateVisitor;

        impl<'de> de::Visitor<'de> for ElevateVisitor {
            type Value = Elevate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false`, an account, or `{user: ACCOUNT, method: sudo}`")
            }

            fn visit_bool<E>(self, wanted: bool) -> Result<Elevate, E> {
                Ok(match wanted {
                    false => Elevate::No,
                    true => Elevate::To {
                        account: Account::root(),
                        method: None,
                    },
                })
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Elevate, E> {
                let account = name.parse().map_err(E::custom)?;
                Ok(Elevate::To {
                    account,
                    method: None,
                })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, rows: A) -> Result<Elevate, A::Error> {
                let spelled = Spelled::deserialize(de::value::MapAccessDeserializer::new(rows))?;
                let account = match spelled.user {
                    Some(name) => name.parse().map_err(de::Error::custom)?,
                    None => Account::root(),
                };
                Ok(Elevate::To {
                    account,
                    method: spelled.method,
                })
            }
        }

        deserializer.deserialize_any(ElevateVisitor)
    }
}

impl JsonSchema for Elevate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Elevate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["boolean", "string", "object"],
            "properties": {
                "user": {"type": "string", "description": "The account. Default: root."},
                "method": {
                    "enum": ["sudo", "doas"],
                    "description": "The program that makes the change. Default: sudo."
                }
            },
            "additionalProperties": false,
            "examples": [true, "postgres", {"user": "root", "method": "doas"}]
        })
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Spelled {
            nodes: Vec<Located<String>>,
        }

        struct GroupVisitor;

        impl<'de> de::Visitor<'de> for GroupVisitor {
            type Value = Group;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of selections such as `[web-01, \"role:worker\"]`")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, items: A) -> Result<Group, A::Error> {
                let list = de::value::SeqAccessDeserializer::new(items);
                Vec::deserialize(list).map(|members| Group { members })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, rows: A) -> Result<Group, A::Error> {
                let spelled = Spelled::deserialize(de::value::MapAccessDeserializer::new(rows))?;
                Ok(Group {
                    members: spelled.nodes,
                })
            }

            fn visit_unit<E>(self) -> Result<Group, E> {
                Ok(Group::default())
            }
        }

        deserializer.deserialize_any(GroupVisitor)
    }
}

impl JsonSchema for Group {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Group".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["array", "object", "null"],
            "items": {"type": "string"},
            "properties": {
                "nodes": {"type": "array", "items": {"type": "string"}, "description": "The members."}
            },
            "required": ["nodes"],
            "additionalProperties": false,
            "examples": [["web-[01-20]", "db-01"], ["role:worker!zone=b"]]
        })
    }
}
