//! From a tree to typed values, going on after a mistake.
//!
//! The types say what is wanted by their `Deserialize`; this deserialiser feeds them from a
//! [`Tree`] and gathers what does not fit. A value that was refused is left out and the decoding
//! runs again, until nothing more is found: so one run shows every mistake of a file.

use std::{cell::RefCell, collections::HashSet};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, IntoDeserializer, Unexpected, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    fault::{Fault, mark, unknown_key},
    located::MARKER,
    problem::{Finding, Mark},
    tree::{Document, Key, Kind, Tree},
};

/// Mistakes beyond this number are not looked for.
pub(super) const MAX_FINDINGS: usize = 20;

/// Decodes a whole document. The value is there as far as it could be made, without the pieces
/// that were refused.
pub(super) fn decode<T: DeserializeOwned>(document: &Document) -> (Option<T>, Vec<Finding>) {
    let mut skipped = HashSet::new();
    let mut findings = Vec::new();
    loop {
        let run = Run {
            document,
            skipped: &skipped,
            unknown: RefCell::default(),
        };
        let result = T::deserialize(Value {
            tree: &document.root,
            run: &run,
        });
        let unknown = run.unknown.take();
        for (number, finding) in unknown {
            skipped.insert(number);
            findings.push(finding);
        }
        let fault = match result {
            Ok(value) => return (Some(value), findings),
            Err(fault) => fault,
        };
        let number = fault.mark.map_or(0, |mark| mark.number);
        findings.extend(fault.into_finding(&skipped));
        // The document itself is what was refused, or there is no way on.
        if number == 0 || !skipped.insert(number) || findings.len() >= MAX_FINDINGS {
            return (None, findings);
        }
    }
}

struct Run<'t> {
    document: &'t Document,
    skipped: &'t HashSet<u32>,
    unknown: RefCell<Vec<(u32, Finding)>>,
}

#[derive(Clone, Copy)]
struct Value<'t> {
    tree: &'t Tree,
    run: &'t Run<'t>,
}

impl<'t> Value<'t> {
    fn with(self, tree: &'t Tree) -> Self {
        Self { tree, ..self }
    }

    fn kept(self, tree: &Tree) -> bool {
        !self.run.skipped.contains(&tree.number)
    }

    /// The rows of this table, of a struct when its fields are known, else of a map.
    fn table<V: de::Visitor<'t>>(
        self,
        rows: &'t [(Key, Tree)],
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let access = Rows {
            rows: rows.iter(),
            known,
            row: None,
            table: self,
        };
        visitor.visit_map(access).map_err(|mut fault: Fault| {
            if fault.mark.is_none() {
                fault.children = rows.iter().map(|(_, row)| row.number).collect();
            }
            fault.at(self.tree)
        })
    }

    fn unexpected(self) -> Unexpected<'t> {
        match &self.tree.kind {
            Kind::Null => Unexpected::Unit,
            Kind::Bool(value) => Unexpected::Bool(*value),
            Kind::Int(value) => Unexpected::Signed(*value),
            Kind::Float(value) => Unexpected::Float(*value),
            Kind::Text(value) => Unexpected::Str(value),
            Kind::List(_) => Unexpected::Seq,
            Kind::Table(_) => Unexpected::Map,
        }
    }

    fn wrong(self, wanted: &dyn de::Expected) -> Fault {
        de::Error::invalid_type(self.unexpected(), wanted)
    }

    /// A scalar as text, as it was written: `1.10` is not 1.1, and `no` is a word.
    fn text(self) -> Option<std::borrow::Cow<'t, str>> {
        let written = || self.run.document.written(self.tree).map(Into::into);
        match &self.tree.kind {
            Kind::Text(text) => Some(text.into()),
            Kind::Bool(value) => Some(written().unwrap_or_else(|| value.to_string().into())),
            Kind::Int(value) => Some(written().unwrap_or_else(|| value.to_string().into())),
            Kind::Float(value) => Some(written().unwrap_or_else(|| value.to_string().into())),
            Kind::Null | Kind::List(_) | Kind::Table(_) => None,
        }
    }

    fn unknown(self, key: &Key, row: &Tree, known: &[&str]) {
        let mark = Mark::new(key.place, row.number);
        let finding = unknown_key(&key.text, mark, known);
        (self.run.unknown.borrow_mut()).push((row.number, finding));
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Fault;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.tree.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Int(value) => visitor.visit_i64(*value),
            Kind::Float(value) => visitor.visit_f64(*value),
            Kind::Text(value) => visitor.visit_str(value),
            Kind::List(_) => return self.deserialize_seq(visitor),
            Kind::Table(_) => return self.deserialize_map(visitor),
        }
        .map_err(|fault: Fault| fault.at(self.tree))
    }

    fn deserialize_str<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text() {
            Some(text) => visitor.visit_str(&text),
            None => Err(self.wrong(&visitor)),
        }
        .map_err(|fault| fault.at(self.tree))
    }

    fn deserialize_string<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.tree.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Kind::List(items) = &self.tree.kind else {
            return Err(self.wrong(&visitor).at(self.tree));
        };
        let values = items
            .iter()
            .filter(|item| self.kept(item))
            .map(|item| self.with(item));
        visitor
            .visit_seq(de::value::SeqDeserializer::new(values))
            .map_err(|fault: Fault| Fault {
                in_list: fault.in_list || fault.key.is_none() && fault.mark.is_some(),
                ..fault.at(self.tree)
            })
    }

    fn deserialize_map<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Kind::Table(rows) = &self.tree.kind else {
            return Err(self.wrong(&visitor).at(self.tree));
        };
        self.table(rows, None, visitor)
    }

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Kind::Table(rows) = &self.tree.kind else {
            return Err(self.wrong(&"a table (`key: value`)").at(self.tree));
        };
        self.table(rows, Some(fields), visitor)
    }

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name != MARKER {
            return visitor.visit_newtype_struct(self);
        }
        let mark = mark(self.tree);
        visitor.visit_map(Located {
            value: Some(self),
            mark: [mark.start as u64, mark.end as u64, u64::from(mark.number)].into_iter(),
        })
    }

    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Kind::Text(text) = &self.tree.kind else {
            return Err(self.wrong(&"a word").at(self.tree));
        };
        let word: StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
        visitor
            .visit_enum(word)
            .map_err(|fault| fault.at(self.tree))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf
        unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Rows<'t> {
    rows: std::slice::Iter<'t, (Key, Tree)>,
    known: Option<&'static [&'static str]>,
    row: Option<&'t (Key, Tree)>,
    table: Value<'t>,
}

impl<'de> de::MapAccess<'de> for Rows<'de> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        for row in self.rows.by_ref() {
            let (key, value) = row;
            if !self.table.kept(value) {
                continue;
            }
            if let Some(known) = self.known {
                // A key without a value says nothing: `user:` and `user: null` mean the default.
                if !known.contains(&key.text.as_str()) {
                    self.table.unknown(key, value, known);
                    continue;
                } else if matches!(value.kind, Kind::Null) {
                    continue;
                }
            }
            self.row = Some(row);
            let text: StrDeserializer<'_, Fault> = key.text.as_str().into_deserializer();
            return seed.deserialize(text).map(Some).map_err(|mut fault| {
                fault.mark = Some(Mark::new(key.place, value.number));
                fault
            });
        }
        Ok(None)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match self.row.take() {
            Some((key, value)) => seed
                .deserialize(self.table.with(value))
                .map_err(|fault| fault.at(value).under(&key.text)),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

/// What [`super::located::Located`] reads: the value, then the three numbers of its mark.
struct Located<'t> {
    value: Option<Value<'t>>,
    mark: std::array::IntoIter<u64, 3>,
}

impl<'de> de::MapAccess<'de> for Located<'de> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        _seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        Ok(None)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => {
                let number = self.mark.next().unwrap_or_default();
                seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(number))
            }
        }
    }
}
