//! YAML or JSON as a tree that remembers where each piece stood.
//!
//! The file is read into this tree before anything is asked of its contents, so that every
//! mistake in it can be shown at once, each in its place.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};
use serde_saphyr::{Location, Spanned};

use super::yaml::{self, YamlError};

/// The largest file taken, in bytes. Ten thousand nodes with labels are about one megabyte.
pub(super) const MAX_BYTES: u64 = 16 << 20;

/// Where something stood in a text: bytes from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// One value, with its place and a number of its own in its document.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) number: u32,
    /// `None` in a document that was read without its text (JSON from a command).
    pub(super) place: Option<Place>,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Tree>),
    Table(Vec<(Key, Tree)>),
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Option<Place>,
}

/// A text that was read into a tree.
#[derive(Debug)]
pub(super) struct Document {
    /// What to call it in messages: the path of the file, or the command's words.
    pub(super) name: String,
    /// The text the places point into, where there is one.
    pub(super) text: Option<String>,
    /// Where each line of the text begins.
    lines: Vec<usize>,
    pub(super) root: Tree,
}

impl Document {
    /// Reads `text` as YAML. Anchors are expanded within tight limits: an inventory needs few.
    ///
    /// # Errors
    ///
    /// The document without its tree, and what the YAML reader says.
    pub(super) fn from_yaml(name: String, text: String) -> Result<Self, Box<(Self, YamlError)>> {
        let mut root: Tree = match serde_saphyr::from_str_with_options(&text, yaml::options()) {
            Ok(root) => root,
            Err(error) => return Err(Box::new((Self::bare(name, text), YamlError::new(&error)))),
        };
        number(&mut root, &mut 0);
        Ok(Self {
            root,
            ..Self::bare(name, text)
        })
    }

    /// Reads `json`, of which only the paths of values are known afterwards.
    pub(super) fn from_json(name: String, json: &[u8]) -> Result<Self, serde_json::Error> {
        let Plain(mut root) = serde_json::from_slice(json)?;
        number(&mut root, &mut 0);
        Ok(Self {
            name,
            text: None,
            lines: Vec::new(),
            root,
        })
    }

    /// A text that could not be read into a tree, to show where it broke.
    pub(super) fn bare(name: String, text: String) -> Self {
        let breaks = text.match_indices('\n').map(|(i, _)| i + 1);
        Self {
            name,
            lines: std::iter::once(0).chain(breaks).collect(),
            text: Some(text),
            root: Tree {
                number: 0,
                place: None,
                kind: Kind::Null,
            },
        }
    }

    /// One character at a line and a column, both from 1.
    pub(super) fn place_at(&self, (line, column): (usize, usize)) -> Option<Place> {
        let text = self.text.as_deref()?;
        let start = *self.lines.get(line - 1)?;
        let (offset, c) = text[start..]
            .char_indices()
            .nth(column - 1)
            .unwrap_or((0, ' '));
        Some(Place {
            start: start + offset,
            end: start + offset + c.len_utf8(),
        })
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(super) fn position(&self, byte: usize) -> Option<(usize, usize)> {
        let text = self.text.as_deref()?;
        let byte = text.floor_char_boundary(byte.min(text.len()));
        let line = self.lines.partition_point(|&start| start <= byte);
        let start = *self.lines.get(line.checked_sub(1)?)?;
        Some((line, text[start..byte].chars().count() + 1))
    }

    /// A value as it was written.
    pub(super) fn written(&self, tree: &Tree) -> Option<&str> {
        let place = tree.place?;
        self.between(place.start, place.end)
    }

    /// The text between two bytes.
    pub(super) fn between(&self, start: usize, end: usize) -> Option<&str> {
        self.text.as_deref()?.get(start..end)
    }

    /// The way to a value: `nodes[3].port`.
    pub(super) fn path_of(&self, number: u32) -> String {
        let mut path = String::new();
        find(&self.root, number, &mut path);
        path
    }
}

pub(super) fn place_of(location: Location) -> Option<Place> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let len = usize::try_from(location.span().byte_len()?).ok()?;
    (location.line() > 0).then_some(Place {
        start,
        end: start + len,
    })
}

fn number(tree: &mut Tree, next: &mut u32) {
    tree.number = *next;
    *next += 1;
    match &mut tree.kind {
        Kind::List(items) => items.iter_mut().for_each(|item| number(item, next)),
        Kind::Table(rows) => rows.iter_mut().for_each(|(_, row)| number(row, next)),
        _ => {}
    }
}

/// Children are numbered after their parent and before its next sibling, so the right branch is
/// the last one that begins at or before `number`.
fn find(tree: &Tree, number: u32, path: &mut String) {
    use fmt::Write as _;
    match &tree.kind {
        Kind::List(items) if number > tree.number => {
            let index = items.partition_point(|item| item.number <= number);
            if let Some(item) = index.checked_sub(1).and_then(|i| items.get(i)) {
                let _ = write!(path, "[{}]", index - 1);
                find(item, number, path);
            }
        }
        Kind::Table(rows) if number > tree.number => {
            let index = rows.partition_point(|(_, row)| row.number <= number);
            if let Some((key, row)) = index.checked_sub(1).and_then(|i| rows.get(i)) {
                let dot = if path.is_empty() { "" } else { "." };
                let _ = write!(path, "{dot}{}", key.text);
                find(row, number, path);
            }
        }
        _ => {}
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self {
            number: 0,
            place: place_of(spanned.defined),
            kind: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            text: spanned.value,
            place: place_of(spanned.defined),
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor::<Key, Tree>(PhantomData))
    }
}

/// A tree without places, from a deserialiser that knows none.
struct Plain(Tree);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kind = deserializer.deserialize_any(KindVisitor::<String, Self>(PhantomData))?;
        Ok(Self(Tree {
            number: 0,
            place: None,
            kind,
        }))
    }
}

impl From<Plain> for Tree {
    fn from(Plain(tree): Plain) -> Self {
        tree
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self { text, place: None }
    }
}

/// Reads a value whose keys and values inside are read as `K` and `T`.
struct KindVisitor<K, T>(PhantomData<(K, T)>);

impl<'de, K, T> de::Visitor<'de> for KindVisitor<K, T>
where
    K: Deserialize<'de> + Into<Key>,
    T: Deserialize<'de> + Into<Tree>,
{
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        // Nothing in an inventory is that large; as a float it is refused where it stands.
        #[expect(clippy::cast_precision_loss, reason = "only ever shown")]
        Ok(i64::try_from(value).map_or(Kind::Float(value as f64), Kind::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<T>()? {
            list.push(item.into());
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut rows: A) -> Result<Kind, A::Error> {
        let mut table = Vec::new();
        while let Some((key, value)) = rows.next_entry::<K, T>()? {
            table.push((key.into(), value.into()));
        }
        Ok(Kind::Table(table))
    }
}
