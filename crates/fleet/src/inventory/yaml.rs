//! How YAML is read: the limits, and the reader's complaints in our words.

use serde_saphyr::options::DuplicateKeyPolicy;

use super::tree::{Place, place_of};

/// What the YAML reader says, with the place where it stopped.
#[derive(Debug)]
pub(super) struct YamlError {
    pub(super) message: String,
    pub(super) place: Option<Place>,
    /// What is known where there is no place: both from 1, the column in characters.
    pub(super) line_and_column: Option<(usize, usize)>,
}

impl YamlError {
    pub(super) fn new(error: &serde_saphyr::Error) -> Self {
        let mut error = error.without_snippet();
        let location = error.location();
        if let serde_saphyr::Error::AliasError { error: inner, .. } = error {
            error = inner.without_snippet();
        }
        let message = match error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key {key:?} stands twice in one table")
            }
            serde_saphyr::Error::Budget { .. }
            | serde_saphyr::Error::AliasReplayLimitExceeded { .. }
            | serde_saphyr::Error::AliasExpansionLimitExceeded { .. }
            | serde_saphyr::Error::AliasReplayStackDepthExceeded { .. } => {
                "more nesting, aliases or values than an inventory may have".to_owned()
            }
            serde_saphyr::Error::MultipleDocuments { .. } => {
                "a second YAML document begins here; only one is read".to_owned()
            }
            other => without_position(&other.to_string()),
        };
        let number = |n: u64| usize::try_from(n).ok().filter(|&n| n > 0);
        Self {
            message,
            place: location.and_then(place_of),
            line_and_column: location.and_then(|l| number(l.line()).zip(number(l.column()))),
        }
    }
}

/// The reader ends its messages with the position, which the snippet shows already.
fn without_position(message: &str) -> String {
    let end = [" at line ", " (line "]
        .iter()
        .filter_map(|mark| message.rfind(mark))
        .min();
    message[..end.unwrap_or(message.len())].to_owned()
}

pub(super) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
        emit_comments: false,
        reject_unsupported_tags: true,
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 64,
            max_events: 4_000_000,
            max_nodes: 2_000_000,
            max_documents: 2,
            max_anchors: 1_000,
            max_aliases: 20_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
            max_replay_stack_depth: 16,
        },
    }
}
