//! The last words after a run: who did not end well and why, and how many did.

use std::io::{self, Write};

use towline_core::{
    event::{NodeResult, Report},
    nodeset,
};

use super::{
    Style, Tone,
    human::took,
    reason::{Reason, reasons},
};

/// How wide text is set where the width is not known.
const WIDTH: usize = 80;

/// Writes a paragraph for each reason why nodes did not end well, each hint once, and one line
/// with the counts.
///
/// # Errors
/// When it can not be written.
pub(crate) fn summary<'a>(
    report: &Report,
    results: impl IntoIterator<Item = &'a NodeResult>,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    let reasons = reasons(results);
    let mut hints: Vec<&str> = Vec::new();
    for reason in &reasons {
        paragraph(reason, style, to)?;
        hints.extend(reason.hint.as_deref().filter(|hint| !hints.contains(hint)));
    }
    for hint in hints {
        wrapped("hint:", Tone::Warning, hint, style, to)?;
    }
    if let Some(stopped) = &report.stopped {
        wrapped("stopped:", Tone::Warning, stopped, style, to)?;
    }
    writeln!(to, "{}", counts(report, style))
}

/// `21 ok, 1 failed, 1 unreachable in 2.3 s`.
pub(crate) fn counts(report: &Report, style: Style) -> String {
    let parts = [
        (report.ok, "ok", Tone::Good),
        (report.failed, "failed", Tone::Bad),
        (report.timeout, "timed out", Tone::Bad),
        (report.unreachable, "unreachable", Tone::Bad),
        (report.cancelled, "cancelled", Tone::Warning),
    ];
    let mut words: Vec<String> = parts
        .into_iter()
        .filter(|(number, _, _)| *number > 0)
        .map(|(number, word, tone)| {
            let text = format_args!("{number} {word}").to_string();
            style.paint(tone, text).to_string()
        })
        .collect();
    if words.is_empty() {
        words.push("no nodes".to_owned());
    }
    let interrupted = if report.interrupted {
        ", interrupted"
    } else {
        ""
    };
    format!(
        "{} in {}{interrupted}",
        words.join(", "),
        took(report.duration_ms)
    )
}

fn paragraph(reason: &Reason, style: Style, to: &mut impl Write) -> io::Result<()> {
    let mut head = nodeset::fold(&reason.nodes);
    if reason.nodes.len() > 1 {
        head = format!("{head} ({})", reason.nodes.len());
    }
    let mut text = reason.cause.title();
    if let Some(message) = &reason.message {
        text = format!("{text}: {message}");
    }
    wrapped(&head, Tone::Bad, &text, style, to)
}

/// A head and a text, the text's further lines set in.
fn wrapped(
    head: &str,
    tone: Tone,
    text: &str,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    let width = style.width.map_or(WIDTH, usize::from).max(20);
    write!(to, "{}", style.paint(tone, head))?;
    let mut column = unicode_width::UnicodeWidthStr::width(head);
    for word in text.split_whitespace() {
        let wide = unicode_width::UnicodeWidthStr::width(word);
        if column + 1 + wide > width {
            write!(to, "\n  {word}")?;
            column = 2 + wide;
        } else {
            write!(to, " {word}")?;
            column += 1 + wide;
        }
    }
    writeln!(to)
}

#[cfg(test)]
mod tests {
    use towline_core::event::{FailureKind, Status};

    use super::{
        super::{
            gather::runs::{failed, lost, mixed, refused, result},
            styles::{PLAIN, TERMINAL, shown},
        },
        *,
    };

    fn report(results: &[NodeResult]) -> Report {
        let mut report = Report {
            nodes: results.len(),
            duration_ms: 2_345,
            ..Report::default()
        };
        for result in results {
            report.count(result);
        }
        report
    }

    #[test]
    fn a_run_of_all_kinds() {
        let results: Vec<NodeResult> = mixed().into_iter().map(|node| node.0).collect();
        let report = report(&results);
        insta::assert_snapshot!(shown(|to| summary(&report, &results, PLAIN, to).unwrap()));
    }

    #[test]
    fn a_run_of_all_kinds_on_a_terminal() {
        let results: Vec<NodeResult> = mixed().into_iter().map(|node| node.0).collect();
        let report = report(&results);
        insta::assert_snapshot!(shown(|to| summary(&report, &results, TERMINAL, to).unwrap()));
    }

    #[test]
    fn two_hundred_machines_that_are_down_are_two_lines() {
        let mut results: Vec<NodeResult> = (1..=200)
            .map(|n| refused(&format!("web-{n:03}"), &format!("10.0.1.{n}:22")))
            .collect();
        results.push(lost(
            "db1",
            Status::Unreachable,
            FailureKind::AuthDenied,
            "root@10.0.2.1:22 let nobody in: key ~/.ssh/id_ed25519 (refused), agent (3 keys, refused)",
            Some("put your key there with: ssh-copy-id root@10.0.2.1; or name another key with --identity FILE or another account with -l USER"),
        ));
        let report = report(&results);
        insta::assert_snapshot!(shown(|to| summary(&report, &results, PLAIN, to).unwrap()));
    }

    #[test]
    fn an_interrupted_run_says_so() {
        let results = [result("a1", Status::Ok), result("a2", Status::Cancelled)];
        let report = Report {
            interrupted: true,
            stopped: Some("2 nodes failed, more than --max-fail 1 allows".to_owned()),
            ..report(&results)
        };
        insta::assert_snapshot!(shown(|to| summary(&report, &results, PLAIN, to).unwrap()));
    }

    #[test]
    fn all_well_is_one_line() {
        let results = [result("a1", Status::Ok), failed("a2", 1)];
        let report = report(&results[..1]);
        let shown = shown(|to| summary(&report, &results[..1], PLAIN, to).unwrap());
        assert_eq!(shown, "1 ok in 2.3 s\n");
    }
}
