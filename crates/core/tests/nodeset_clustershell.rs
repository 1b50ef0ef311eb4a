//! What ClusterShell's `nodeset` answered, against what ours does. `data/clustershell.sh` records
//! the answers again.

use std::collections::BTreeSet;

use towline_core::nodeset::{expand, fold};

fn records() -> impl Iterator<Item = [&'static str; 3]> {
    include_str!("data/clustershell.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [input, expanded, folded] = fields[..] else {
                panic!("three fields in {line:?}");
            };
            [input, expanded, folded]
        })
}

/// The patterns of a list, whatever their order: ClusterShell sorts by the text around the
/// numbers and by the size of a box, we sort by the first name.
fn parts(folded: &str) -> BTreeSet<String> {
    let mut depth = 0;
    folded
        .split(|c| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_same_names_come_out() {
    let mut compared = 0;
    for [input, expanded, _] in records() {
        match expand(input) {
            Ok(names) => {
                let ours: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                assert_eq!(ours, expanded.split(' ').collect(), "{input}");
            }
            Err(error) => assert_eq!(expanded, "refused", "{input}: {error}"),
        }
        compared += 1;
    }
    assert!(compared > 60, "only {compared} records");
}

/// A set that is no product can be cut into as many patterns in several ways.
const CUT_OTHERWISE: &[&str] = &["r1n1,r2n1,r3n1,r3n2"];

#[test]
fn the_same_patterns_are_written() {
    for [input, _, folded] in records().filter(|[_, expanded, _]| *expanded != "refused") {
        let ours = parts(&fold(expand(input).unwrap()));
        let theirs = parts(folded);
        assert_eq!(ours.len(), theirs.len(), "{input}: {ours:?} {theirs:?}");
        assert_eq!(ours != theirs, CUT_OTHERWISE.contains(&input), "{input}");
    }
}
