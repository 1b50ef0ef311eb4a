//! From what was written to nodes: ranges are expanded, hosts paired with ids, duplicates found.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    sync::Arc,
};

use towline_core::{
    id::NodeId,
    node::Node,
    nodeset::{Charset, NodeSetErrorKind, Pattern},
    selection::Expr,
};

use super::{
    config::{Elevate, Group, GroupName, Listing, NodeEntry, plain_id},
    located::Located,
    problem::{Finding, Mark},
    tree::Document,
};

/// More nodes than any fleet has; a slip such as `[1-1000000]` ends here.
const MAX_NODES: usize = 100_000;

/// Where a node was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The path of the file, the words of the command, or `the command line`.
    pub source: Arc<str>,
    /// The line in the file, from 1, or the place in what a command printed: `nodes[3]`.
    pub place: Option<Spot>,
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A line of a file, from 1.
    Line(usize),
    /// The way to a value.
    Path(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Spot::Line(line)) => write!(f, "{}:{line}", self.source),
            Some(Spot::Path(path)) => write!(f, "{}, {path}", self.source),
            None => f.write_str(&self.source),
        }
    }
}

/// What one source knows: nodes and groups, before the defaults are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The nodes in the order of the source.
    pub nodes: Vec<Declared>,
    /// Members by group name; a group is their union.
    pub groups: BTreeMap<String, Vec<Expr>>,
}

/// A node as a source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The node, with nothing in it but what the source said.
    pub node: Node,
    /// Whom to become, where the source says something about it.
    pub elevate: Option<Elevate>,
    /// Where it stands.
    pub origin: Origin,
}

/// Resolves a listing. Relative paths in it begin at `folder`.
pub(super) fn resolve(
    document: &Document,
    folder: &Path,
    nodes: &[Located<NodeEntry>],
    groups: &BTreeMap<GroupName, Located<Group>>,
) -> (Part, Vec<Finding>) {
    let mut resolver = Resolver {
        document,
        folder,
        source: document.name.as_str().into(),
        seen: HashMap::new(),
        part: Part::default(),
        findings: Vec::new(),
    };
    for (name, group) in groups {
        let members = (group.members.iter()).filter_map(|member| resolver.member(member));
        let members = members.collect();
        resolver.part.groups.insert(name.to_string(), members);
    }
    for entry in nodes {
        resolver.entry(entry);
    }
    (resolver.part, resolver.findings)
}

impl Listing {
    pub(super) fn resolve(&self, document: &Document, folder: &Path) -> (Part, Vec<Finding>) {
        resolve(document, folder, &self.nodes, &self.groups)
    }
}

struct Resolver<'a> {
    document: &'a Document,
    folder: &'a Path,
    source: Arc<str>,
    seen: HashMap<NodeId, Mark>,
    part: Part,
    findings: Vec<Finding>,
}

impl Resolver<'_> {
    fn entry(&mut self, entry: &Located<NodeEntry>) {
        let Some(pairs) = self.pairs(entry) else {
            return;
        };
        let origin = Origin {
            source: Arc::clone(&self.source),
            place: Some(match self.document.position(entry.id.mark.start) {
                Some((line, _)) => Spot::Line(line),
                None => Spot::Path(self.document.path_of(entry.mark.number)),
            }),
        };
        for (name, host) in pairs {
            let id = match plain_id(&name) {
                Ok(id) => id,
                Err(reason) => {
                    let finding = Finding::new(reason, entry.id.mark, "");
                    return self.findings.push(finding);
                }
            };
            if let Some(first) = self.seen.insert(id.clone(), entry.id.mark) {
                let title = format!("the node id `{id}` is there twice");
                let finding = Finding::new(title, entry.id.mark, "here again")
                    .and(first, "first here")
                    .help("ids are unique in a fleet: give one of them another");
                return self.findings.push(finding);
            }
            for group in &entry.groups {
                let members = self.part.groups.entry(group.to_string()).or_default();
                members.extend(name.parse::<Expr>());
            }
            self.part.nodes.push(Declared {
                node: self.node(entry, id, host),
                elevate: entry.r#become.clone(),
                origin: origin.clone(),
            });
        }
    }

    /// A member of a group, or a finding that points at the very character.
    fn member(&mut self, member: &Located<String>) -> Option<Expr> {
        let error = match member.parse::<Expr>() {
            Ok(expr) => return Some(expr),
            Err(error) => error,
        };
        let written = self.document.between(member.mark.start, member.mark.end);
        let quote = usize::from(written.is_some_and(|text| text.starts_with(['"', '\''])));
        let as_it_is = written.is_some_and(|text| text[quote..].starts_with(member.as_str()));
        let mut mark = member.mark;
        if as_it_is {
            mark.start += quote + error.column - 1;
            mark.end = mark.end.min(mark.start + 1).max(mark.start);
        }
        let expected = error
            .expected
            .map_or(String::new(), |e| format!("expected {e}"));
        let title = format!("{:?} is no selection: {}", error.text, error.message);
        self.findings.push(Finding::new(title, mark, expected));
        None
    }

    /// Ids and their hosts, or a finding.
    fn pairs(&mut self, entry: &NodeEntry) -> Option<Vec<(String, String)>> {
        let ids = self.expand(entry.id.as_str(), entry.id.mark)?;
        let Some(host) = &entry.host else {
            return Some(ids.iter().map(|id| (id.clone(), id.clone())).collect());
        };
        let hosts = match unbracketed(host.as_str()) {
            Some(address) => vec![address.to_owned()],
            None => self.expand(host.as_str(), host.mark)?,
        };
        if ids.len() == hosts.len() {
            return Some(ids.into_iter().zip(hosts).collect());
        }
        let title = format!(
            "{} for {}",
            count(ids.len(), "id"),
            count(hosts.len(), "host")
        );
        let finding = Finding::new(title, host.mark, format!("this is {}", hosts.len()))
            .and(entry.id.mark, format!("this is {}", ids.len()))
            .help("the ranges in `id` and `host` have the same length: each id gets one host");
        self.findings.push(finding);
        None
    }

    fn expand(&mut self, pattern: &str, mark: Mark) -> Option<Vec<String>> {
        let left = MAX_NODES.saturating_sub(self.part.nodes.len());
        let reason = match Pattern::parse(pattern, Charset::Name) {
            Ok(pattern) if pattern.is_glob() => NodeSetErrorKind::Glob.to_string(),
            Ok(pattern) if pattern.count() > left => {
                format!("a fleet holds no more than {MAX_NODES} nodes")
            }
            Ok(pattern) => return Some(pattern.names()),
            Err(error) => error.kind.to_string(),
        };
        let title = format!("{pattern:?} is no name or range: {reason}");
        let mut finding = Finding::new(title, mark, "");
        if pattern.contains(['[', ']']) {
            finding = finding.help("a range is written web-[01-20] or web-[1-5,9]");
        }
        self.findings.push(finding);
        None
    }

    fn node(&self, entry: &NodeEntry, id: NodeId, host: String) -> Node {
        let mut node = Node::new(id, host);
        node.access.user = entry.user.as_ref().map(ToString::to_string);
        node.access.port = entry.port.map(|port| port.0);
        node.access.identity_file = (entry.identity_file.as_deref()).map(|p| path(self.folder, p));
        node.access.jump = entry.jump.as_ref().map(ToString::to_string);
        node.labels = (entry.labels.iter())
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        node.roles = entry.roles.iter().map(ToString::to_string).collect();
        node.docker_url = entry.docker_url.as_ref().map(ToString::to_string);
        node
    }
}

/// A path from a file in `folder`. What ssh reads in its own way (`~`, `%d`, `none`) stays.
pub(super) fn path(folder: &Path, text: &str) -> String {
    if text == "none" || text.starts_with(['~', '%', '$']) {
        return text.to_owned();
    }
    folder.join(text).to_string_lossy().into_owned()
}

/// `[::1]` is an address in brackets, not a range.
fn unbracketed(host: &str) -> Option<&str> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    inner.contains(':').then_some(inner)
}

fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}
