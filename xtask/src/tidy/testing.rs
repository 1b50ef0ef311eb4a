//! What the tests of the checks share.

use super::{Report, tree::Tree};

/// Where `check` finds something in `files`: `path:line`.
pub(super) fn places(
    check: fn(&Tree, &mut Report) -> anyhow::Result<()>,
    files: &[(&str, &str)],
) -> Vec<String> {
    places_in(check, &Tree::of(files))
}

/// Where `check` finds something in `tree`: `path:line`.
pub(super) fn places_in(
    check: fn(&Tree, &mut Report) -> anyhow::Result<()>,
    tree: &Tree,
) -> Vec<String> {
    let mut report = Report::default();
    check(tree, &mut report).expect("the check could be made");
    report.findings.sort();
    report
        .findings
        .iter()
        .map(|finding| {
            assert!(
                finding.message.len() > 20,
                "no word on how to mend it: {finding}"
            );
            format!("{}:{}", finding.path.display(), finding.line)
        })
        .collect()
}
