//! The columns of the table: what stands in each, and how rows are sorted by it.

use std::{cmp::Ordering, str::FromStr};

use clap::ValueEnum;
use towline_core::{event::Status, nodeset::natural_cmp};
use towline_fleet::facts::{Facts, NodeStatus};

use super::cells;
use crate::render::{
    Style,
    human::age,
    table::{Cell, Column},
};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Key {
    /// Its name
    Node,
    /// Whether it told
    State,
    /// From asking to the first byte of the answer
    Latency,
    /// Time since it was started
    Uptime,
    /// Processes that want to run, on average of the last minute
    Load,
    /// Processors
    Cpus,
    /// Memory in use
    Memory,
    /// The fullest file system
    Disk,
    /// Graphics cards
    Gpu,
    /// What it can run
    Runs,
    /// Machine type
    Arch,
    /// Kernel
    Kernel,
    /// Operating system
    Os,
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortKey {
    key: Key,
    descending: bool,
}

impl FromStr for SortKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let key = Key::from_str(name, true).map_err(|_| {
            let names: Vec<String> = Key::value_variants()
                .iter()
                .filter_map(|key| Some(key.to_possible_value()?.get_name().to_owned()))
                .collect();
            format!("no column is called so; there are {}", names.join(", "))
        })?;
        Ok(Self { key, descending })
    }
}

impl SortKey {
    /// Which of two nodes comes first. What has no value is last either way.
    pub(crate) fn order(self, left: &NodeStatus, right: &NodeStatus) -> Ordering {
        match (self.key.value(left), self.key.value(right)) {
            (Some(left), Some(right)) if self.descending => right.order(&left),
            (Some(left), Some(right)) => left.order(&right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        }
    }
}

/// What a column is sorted by.
enum Value<'a> {
    Number(f64),
    Whole(u64),
    Text(&'a str),
}

impl Value<'_> {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Whole(left), Self::Whole(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => natural_cmp(left, right),
            // A column has values of one kind only.
            _ => Ordering::Equal,
        }
    }
}

impl Key {
    /// All of them, in the order in which they stand.
    pub(super) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its head. Those told by name are never left out.
    pub(crate) fn column(self, by_name: bool) -> Column {
        let column = match self {
            // Cut further, names can hardly be told apart.
            Self::Node => Column::new("NODE").least(20),
            Self::State => Column::new("STATE"),
            Self::Latency => Column::new("LATENCY").right().rank(6),
            Self::Uptime => Column::new("UPTIME").right().rank(4),
            Self::Load => Column::new("LOAD").right().rank(1),
            Self::Cpus => Column::new("CPUS").right().rank(7),
            Self::Memory => Column::new("MEMORY").right().rank(2),
            Self::Disk => Column::new("DISK").right().rank(3).least(12),
            Self::Gpu => Column::new("GPU").rank(8).least(10),
            Self::Runs => Column::new("RUNS").rank(5).least(14),
            Self::Arch => Column::new("ARCH").rank(9),
            Self::Kernel => Column::new("KERNEL").rank(10).least(10),
            Self::Os => Column::new("OS").rank(11).least(12),
        };
        if by_name { column.rank(0) } else { column }
    }

    /// What stands in it for a node that told.
    pub(crate) fn cell(self, status: &NodeStatus, facts: &Facts, style: Style) -> Cell {
        let text = |text: &Option<String>| Cell::from(text.as_deref().unwrap_or_default());
        match self {
            Self::Node => status.node.as_str().into(),
            Self::State => cells::state(style),
            Self::Latency => status
                .latency_ms
                .map(cells::latency)
                .unwrap_or_default()
                .into(),
            Self::Uptime => facts.uptime_s.map(age).unwrap_or_default().into(),
            Self::Load => cells::load(facts),
            Self::Cpus => cells::number(facts.cpus),
            Self::Memory => cells::memory(facts),
            Self::Disk => cells::disk(facts),
            Self::Gpu => cells::gpus(facts, style),
            Self::Runs => cells::runs(facts).join(" ").into(),
            Self::Arch => text(&facts.architecture),
            Self::Kernel => text(&facts.kernel),
            Self::Os => text(&facts.os),
        }
    }

    fn value(self, status: &NodeStatus) -> Option<Value<'_>> {
        let facts = status.facts.as_ref();
        Some(match self {
            Self::Node => Value::Text(status.node.as_str()),
            Self::State => Value::Whole(trouble(status)),
            Self::Latency => Value::Number(status.latency_ms?),
            Self::Uptime => Value::Whole(facts?.uptime_s?),
            Self::Load => Value::Number(f64::from(facts?.load?[0])),
            Self::Cpus => Value::Whole(facts?.cpus?.into()),
            Self::Memory => Value::Whole(cells::memory_used(facts?)?.0.into()),
            Self::Disk => Value::Whole(cells::fullest(facts?)?.used_percent.into()),
            Self::Gpu => Value::Whole(u64::try_from(facts?.gpus.len()).ok()?),
            Self::Runs => Value::Whole(u64::try_from(cells::runs(facts?).len()).ok()?),
            Self::Arch => Value::Text(facts?.architecture.as_deref()?),
            Self::Kernel => Value::Text(facts?.kernel.as_deref()?),
            Self::Os => Value::Text(facts?.os.as_deref()?),
        })
    }
}

/// How much is wrong with a node: what is up comes first.
fn trouble(status: &NodeStatus) -> u64 {
    match (status.status, &status.facts) {
        (Status::Ok, _) => 0,
        (Status::Failed, Some(_)) => 1,
        (Status::Failed, None) => 2,
        (Status::Timeout, _) => 3,
        (Status::Unreachable, _) => 4,
        (Status::Cancelled, _) => 5,
    }
}
