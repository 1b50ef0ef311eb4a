//! The guide is true: its fleet is read, and every example on the page is run.

#![expect(clippy::unwrap_used, reason = "what can not be read is a failed test")]

use std::{collections::BTreeMap, error::Error as _, sync::Arc};

use towline_core::{
    node::Node,
    nodeset::fold,
    selection::{Expr, Request, SelectError, Universe, resolve},
};

const GUIDE: &str = include_str!("../../../docs/guides/selection.md");

/// The cells of the tables whose first column has this heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in GUIDE.lines() {
        let Some(line) = line.strip_prefix("| ").and_then(|l| l.strip_suffix('|')) else {
            inside = false;
            continue;
        };
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells[0] == heading {
            inside = true;
        } else if inside && !cells[0].starts_with("---") {
            rows.push(cells);
        }
    }
    rows
}

fn list(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split(", ").filter(|part| !part.is_empty())
}

fn code(cell: &'static str) -> Option<&'static str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

fn fleet() -> Universe {
    let node = |row: Vec<&'static str>| {
        let mut node = Node::new(row[0].parse().unwrap(), row[0]);
        node.roles = list(row[1]).map(str::to_owned).collect();
        node.labels = list(row[2])
            .filter_map(|label| label.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Arc::new(node)
    };
    let group = |row: Vec<&'static str>| {
        let members = row[1].split("`, `").map(|member| member.trim_matches('`'));
        let members: Vec<Expr> = members.map(|member| member.parse().unwrap()).collect();
        (row[0].to_owned(), members)
    };
    let nodes = rows("node").into_iter().map(node).collect();
    let groups: BTreeMap<_, _> = rows("group").into_iter().map(group).collect();
    Universe::new(nodes, groups).unwrap()
}

/// The folded selection, or the error with its column, its causes and its hint.
fn answer(expr: &str, fleet: &Universe) -> Result<String, String> {
    let expr: Expr = expr
        .parse()
        .map_err(|error: towline_core::selection::ParseError| {
            format!("column {}: {}", error.column, error.message)
        })?;
    let request = Request {
        nodes: vec![expr],
        ..Request::default()
    };
    let describe = |error: SelectError| {
        let cause = error.source().map(|cause| format!(": {cause}"));
        let hint = error.hint().map(|hint| format!("; {hint}"));
        format!(
            "{error}{}{}",
            cause.unwrap_or_default(),
            hint.unwrap_or_default()
        )
    };
    let nodes = resolve(&request, fleet).map_err(describe)?;
    Ok(fold(nodes.iter().map(|node| &node.id)))
}

#[test]
fn every_example_of_the_guide_is_true() {
    let fleet = fleet();
    fleet.check_groups().unwrap();
    assert_eq!(fleet.nodes().len(), 7);
    let examples = rows("expression");
    assert!(examples.len() > 50, "only {} examples", examples.len());
    let untrue: Vec<String> = examples
        .into_iter()
        .filter_map(|row| {
            let expr = code(row[0]).unwrap();
            let answer = answer(expr, &fleet);
            let holds = match (&answer, code(row[1])) {
                (Ok(folded), Some(expected)) => folded == expected,
                (Err(error), None) => error.contains(row[1]),
                _ => false,
            };
            (!holds).then(|| format!("{expr}: {answer:?} instead of {}", row[1]))
        })
        .collect();
    assert!(untrue.is_empty(), "{untrue:#?}");
}
