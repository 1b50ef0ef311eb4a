//! Failures of many nodes told in few words.
//!
//! Twenty machines that are down fail with twenty messages, which differ in an address only. Such
//! messages are made one, in which the addresses are folded as node names are.

use towline_core::{
    event::{Failure, FailureKind, NodeResult, Status},
    id::NodeId,
    nodeset,
};

use super::{clean::single_line, human::count};

/// Messages that differ in more words than this are not made one.
const MOST_DIFFERENT_WORDS: usize = 3;

/// Nor are they when what is folded becomes longer than this.
const LONGEST_FOLDED_WORD: usize = 60;

/// How nodes ended, when that was not well, as far as it tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Cause {
    pub(crate) status: Status,
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<String>,
    kind: Option<FailureKind>,
    /// Words in the message and in the hint.
    words: (usize, usize),
}

impl Cause {
    /// Of one node.
    pub(crate) fn of(result: &NodeResult) -> Self {
        let words = |text: Option<&str>| text.map_or(0, |text| text.split_whitespace().count());
        let error = result.error.as_ref();
        Self {
            status: result.status,
            exit_code: result.exit_code,
            signal: result.signal.clone(),
            kind: error.map(|error| error.kind),
            words: (
                words(error.map(|error| error.message.as_str())),
                words(error.and_then(|error| error.hint.as_deref())),
            ),
        }
    }

    /// How they ended, in one word or a few: `failed: exit code 3`.
    pub(crate) fn title(&self) -> String {
        let word = match self.status {
            Status::Ok => return "ok".to_owned(),
            Status::Failed => "failed",
            Status::Timeout => "timed out",
            Status::Unreachable => "unreachable",
            Status::Cancelled => "cancelled",
        };
        match (&self.signal, self.exit_code) {
            (Some(signal), _) => format!("{word}: ended by signal {}", single_line(signal)),
            (None, Some(code)) => format!("{word}: exit code {code}"),
            (None, None) => word.to_owned(),
        }
    }
}

/// Nodes that ended alike, and what was said about that.
#[derive(Debug)]
pub(crate) struct Reason {
    pub(crate) cause: Cause,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
}

/// The nodes that did not end well by why they did not, the largest groups first.
pub(crate) fn reasons<'a>(results: impl IntoIterator<Item = &'a NodeResult>) -> Vec<Reason> {
    let mut groups = std::collections::BTreeMap::<Cause, (Vec<NodeId>, Vec<&Failure>)>::new();
    for result in results.into_iter().filter(|r| r.status != Status::Ok) {
        let (nodes, failures) = groups.entry(Cause::of(result)).or_default();
        nodes.push(result.node.clone());
        failures.extend(&result.error);
    }
    let mut reasons: Vec<Reason> = groups
        .into_iter()
        .map(|(cause, (nodes, failures))| {
            let (message, hint) = one_of(&failures);
            Reason {
                cause,
                nodes,
                message,
                hint,
            }
        })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.nodes.len()));
    reasons
}

/// The message and the hint that stand for those of all.
pub(crate) fn one_of(failures: &[&Failure]) -> (Option<String>, Option<String>) {
    let messages = failures.iter().map(|failure| failure.message.as_str());
    let hints = failures
        .iter()
        .filter_map(|failure| failure.hint.as_deref());
    (merged(messages), example(hints))
}

/// One hint for several: what is to be typed is no use with addresses folded into it.
fn example<'a>(mut hints: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = hints.next()?;
    let alike = if hints.all(|hint| hint == first) {
        ""
    } else {
        " (alike for the others)"
    };
    Some(single_line(&format!("{first}{alike}")))
}

/// One text for several.
fn merged<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts.dedup();
    let (first, others) = texts.split_first()?;
    if others.is_empty() {
        return Some(single_line(first));
    }
    Some(single_line(&fold_words(&texts).unwrap_or_else(|| {
        format!(
            "{first} (and {} like it)",
            count(others.len(), "other message")
        )
    })))
}

/// Texts that are alike but for a few words, with these words folded.
fn fold_words(texts: &[&str]) -> Option<String> {
    let split: Vec<Vec<&str>> = texts
        .iter()
        .map(|text| text.split_whitespace().collect())
        .collect();
    let first = split.first()?;
    if split.iter().any(|words| words.len() != first.len()) {
        return None;
    }
    let mut out: Vec<String> = Vec::with_capacity(first.len());
    let mut different = 0;
    for at in 0..first.len() {
        if split.iter().all(|words| words[at] == first[at]) {
            out.push(first[at].to_owned());
            continue;
        }
        different += 1;
        // A mark at the end belongs to the sentence, not to the word.
        let mark = first[at].chars().last().filter(|c| ",;:?.!)".contains(*c));
        let end = mark.filter(|mark| split.iter().all(|words| words[at].ends_with(*mark)));
        let words = split.iter().map(|words| match end {
            Some(mark) => words[at].strip_suffix(mark).unwrap_or(words[at]),
            None => words[at],
        });
        let folded = nodeset::fold(words);
        if different > MOST_DIFFERENT_WORDS || folded.len() > LONGEST_FOLDED_WORD {
            return None;
        }
        out.push(folded + &end.map(String::from).unwrap_or_default());
    }
    Some(out.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(texts: &[&str]) -> String {
        merged(texts.iter().copied()).unwrap()
    }

    #[test]
    fn messages_that_differ_in_an_address_become_one() {
        assert_eq!(merge(&["same", "same"]), "same");
        assert_eq!(
            merge(&[
                "10.0.0.8:22 refused the connection",
                "10.0.0.10:22 refused the connection",
                "10.0.0.9:22 refused the connection",
            ]),
            "10.0.0.[8-10]:22 refused the connection"
        );
    }

    #[test]
    fn a_hint_can_be_typed() {
        let hints = ["ssh-copy-id ops@web-1", "ssh-copy-id ops@web-2"];
        assert_eq!(
            example(hints.into_iter()).unwrap(),
            "ssh-copy-id ops@web-1 (alike for the others)"
        );
        assert_eq!(example(["do it", "do it"].into_iter()).unwrap(), "do it");
    }

    #[test]
    fn messages_that_differ_in_more_are_counted() {
        assert_eq!(
            merge(&["a b c d e", "f g h i j", "short one"]),
            "a b c d e (and 2 other messages like it)"
        );
    }

    #[test]
    fn nothing_a_node_said_controls_the_terminal() {
        assert_eq!(merge(&["a\x1b[2J\nb"]), "a?[2J b");
    }
}
