//! Findings as text: what several nodes have in common is told once, under the names of all.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use towline_core::{
    event::{Failure, FailureKind},
    id::NodeId,
    nodeset,
};
use towline_fleet::facts::{Check, Level};

use crate::render::{Style, Tone, clean::single_line, human::count, reason::one_of};

/// How wide the names of checks are set at most.
const NAME: usize = 24;

/// What was found, here and on nodes.
#[derive(Default)]
pub(crate) struct Findings {
    /// On this machine.
    pub(crate) client: Vec<Check>,
    /// On each node, in the order of the selection.
    pub(crate) nodes: Vec<(NodeId, Vec<Check>)>,
}

/// What tells findings apart: name, level, and how many words are found and to be typed.
type Alike<'a> = (&'a str, Level, usize, usize);

/// A finding that nodes have in common.
struct Common {
    check: Check,
    /// Places in the selection.
    nodes: Vec<usize>,
}

impl Findings {
    /// How many checks are at a level.
    pub(crate) fn count(&self, level: Level) -> usize {
        let nodes = self.nodes.iter().flat_map(|(_, checks)| checks);
        self.client
            .iter()
            .chain(nodes)
            .filter(|check| check.level == level)
            .count()
    }

    /// Findings that are alike but for a few words, each with its nodes.
    fn common(&self) -> Vec<Common> {
        let words = |text: Option<&str>| text.map_or(0, |text| text.split_whitespace().count());
        let mut groups: Vec<(Alike<'_>, Vec<(usize, &Check)>)> = Vec::new();
        for (place, (_, checks)) in self.nodes.iter().enumerate() {
            for check in checks {
                let key = (
                    check.name.as_str(),
                    check.level,
                    words(Some(&check.found)),
                    words(check.mend.as_deref()),
                );
                match groups.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, members)) => members.push((place, check)),
                    None => groups.push((key, vec![(place, check)])),
                }
            }
        }
        groups
            .into_iter()
            .map(|((name, level, ..), members)| {
                let said: Vec<Failure> = members
                    .iter()
                    .map(|(_, check)| Failure {
                        kind: FailureKind::Command,
                        message: check.found.clone(),
                        hint: check.mend.clone(),
                    })
                    .collect();
                let (found, mend) = one_of(&said.iter().collect::<Vec<_>>());
                Common {
                    check: Check {
                        name: name.to_owned(),
                        level,
                        found: found.unwrap_or_default(),
                        mend,
                    },
                    nodes: members.into_iter().map(|(place, _)| place).collect(),
                }
            })
            .collect()
    }
}

/// Writes the findings: this machine first, then nodes with the same findings together, the
/// largest groups first.
///
/// # Errors
/// When it can not be written.
pub(crate) fn show(findings: &Findings, style: Style, to: &mut impl Write) -> io::Result<()> {
    head("this machine", style, to)?;
    for check in &findings.client {
        line(check, style, to)?;
    }
    let mut sets: BTreeMap<Vec<usize>, Vec<Check>> = BTreeMap::new();
    for common in findings.common() {
        sets.entry(common.nodes).or_default().push(common.check);
    }
    let mut sets: Vec<_> = sets.into_iter().collect();
    sets.sort_by_key(|(nodes, _)| std::cmp::Reverse(nodes.len()));
    for (nodes, checks) in sets {
        let ids = nodes.iter().map(|&place| findings.nodes[place].0.as_str());
        let mut name = nodeset::fold(ids);
        if nodes.len() > 1 {
            name = format!("{name} ({})", nodes.len());
        }
        writeln!(to)?;
        head(&name, style, to)?;
        for check in &checks {
            line(check, style, to)?;
        }
    }
    Ok(())
}

fn head(name: &str, style: Style, to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "{}", style.paint(Tone::Strong, name))
}

fn line(check: &Check, style: Style, to: &mut impl Write) -> io::Result<()> {
    let (tone, mark, word) = match check.level {
        Level::Ok => (Tone::Good, "✓", "ok  "),
        Level::Warn => (Tone::Warning, "!", "warn"),
        Level::Fail => (Tone::Bad, "✗", "FAIL"),
    };
    let mark = if style.unicode { mark } else { word };
    let name = single_line(&check.name);
    let width = NAME.min(16.max(name.len()));
    let mut found = check.found.lines().map(single_line);
    let first = found.next().unwrap_or_default();
    write!(to, "  {} ", style.paint(tone, mark))?;
    writeln!(to, "{name:<width$}  {first}")?;
    // An excerpt of a file: its lines belong together.
    for more in found {
        writeln!(to, "      {more}")?;
    }
    if let Some(mend) = &check.mend {
        let arrow = if style.unicode { "→" } else { "->" };
        let arrow = style.paint(Tone::Faint, arrow);
        writeln!(to, "      {arrow} {}", single_line(mend))?;
    }
    Ok(())
}

/// `23 checks are well, 1 warning, 2 failed`.
pub(crate) fn tally(findings: &Findings, style: Style) -> String {
    let mut words = vec![format!(
        "{} well",
        count(findings.count(Level::Ok), "check")
    )];
    let warnings = findings.count(Level::Warn);
    if warnings > 0 {
        let text = count(warnings, "warning");
        words.push(style.paint(Tone::Warning, text).to_string());
    }
    let failed = findings.count(Level::Fail);
    if failed > 0 {
        let text = [&failed.to_string(), " failed"].concat();
        words.push(style.paint(Tone::Bad, text).to_string());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        let node = |number: usize| {
            let id = format!("web-{number}");
            let mut checks = vec![
                Check::ok("login", "works"),
                Check::ok("disk /", format!("{number}0% used, 12 GiB free")),
            ];
            if number == 3 {
                checks.push(Check::fail(
                    "clock",
                    "95.4 s behind",
                    "timedatectl set-ntp true",
                ));
            }
            if number > 1 {
                checks.push(Check::warn(
                    "become root",
                    "sudo wants a password of ops",
                    "give it with -K",
                ));
            }
            (id.parse().unwrap(), checks)
        };
        Findings {
            client: vec![
                Check::ok("inventory", "towline.yaml, 3 nodes"),
                Check::fail("key", "others can read it", "chmod 600 k"),
            ],
            nodes: (1..=3).map(node).collect(),
        }
    }

    #[test]
    fn what_nodes_have_in_common_is_told_once() {
        let mut out = Vec::new();
        let unicode = Style {
            unicode: true,
            ..Style::default()
        };
        show(&findings(), unicode, &mut out).unwrap();
        out.push(b'\n');
        show(&findings(), Style::default(), &mut out).unwrap();
        out.extend(tally(&findings(), Style::default()).bytes());
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
