//! `--diff`: what most nodes wrote, in full, and how the others differ from it.

use std::{
    io::{self, Write},
    time::Duration,
};

use similar::{ChangeTag, TextDiff};
use towline_core::nodeset;

use super::{
    Style, Tone,
    clean::Cleaner,
    fold,
    gather::{Gathered, Group},
    spool::{Spool, Text},
};

/// Texts longer than this are not compared line by line.
const LONGEST_COMPARED: u64 = 4 * 1024 * 1024;

/// A comparison that takes longer than this is finished coarsely.
const LONGEST_COMPARISON: Duration = Duration::from_secs(2);

/// Lines around a difference that are shown with it.
const CONTEXT: usize = 3;

/// Writes the largest group of nodes where the command came to its end in full, and for each other
/// group how it differs. Groups where it did not come to its end are written in full.
///
/// # Errors
/// When the text can not be read back, or not be written.
pub(crate) fn diff(gathered: &Gathered, style: Style, to: &mut impl Write) -> io::Result<()> {
    let spool = &gathered.spool;
    let Some(majority) = gathered.groups.iter().position(Group::ran) else {
        return fold::fold(gathered, style, to);
    };
    let (majority, others) = (
        &gathered.groups[majority],
        gathered
            .groups
            .iter()
            .enumerate()
            .filter(|&(at, _)| at != majority),
    );
    fold::block(spool, majority, style, to)?;
    for (_, group) in others {
        if group.ran() {
            against(spool, majority, group, style, to)?;
        } else {
            fold::block(spool, group, style, to)?;
        }
    }
    Ok(())
}

/// How `group` differs from the majority.
fn against(
    spool: &Spool,
    majority: &Group,
    group: &Group,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    fold::header(group, "", style, to)?;
    let streams = [
        ("", &majority.stdout, &group.stdout),
        ("stderr of ", &majority.stderr, &group.stderr),
    ];
    let mut same = true;
    for (stream, old, new) in streams {
        let names = [majority, group].map(|group| {
            let mut name = nodeset::fold(&group.nodes);
            if name.len() > 60 {
                name = format!("{} nodes", group.nodes.len());
            }
            format!("{stream}{name}")
        });
        same &= !texts(spool, [old, new], names, style, to)?;
    }
    if same {
        writeln!(to, "{}", style.paint(Tone::Faint, "(the same output)"))?;
    }
    Ok(())
}

/// Writes a unified diff. `false` when there is no difference.
fn texts(
    spool: &Spool,
    [old, new]: [&Text; 2],
    [old_name, new_name]: [String; 2],
    style: Style,
    to: &mut impl Write,
) -> io::Result<bool> {
    if old.fingerprint() == new.fingerprint() {
        return Ok(false);
    }
    if old.len().max(new.len()) > LONGEST_COMPARED {
        let (is, was) = (new.len(), old.len());
        writeln!(
            to,
            "differs from {old_name}: {is} bytes instead of {was}, too long to compare by line"
        )?;
        return Ok(true);
    }
    let (old, new) = (spool.bytes(old)?, spool.bytes(new)?);
    let (old, new) = (String::from_utf8_lossy(&old), String::from_utf8_lossy(&new));
    let diff = TextDiff::configure()
        .timeout(LONGEST_COMPARISON)
        .diff_lines(old.as_ref(), new.as_ref());
    writeln!(
        to,
        "{}",
        style.paint(Tone::Strong, format_args!("--- {old_name}"))
    )?;
    writeln!(
        to,
        "{}",
        style.paint(Tone::Strong, format_args!("+++ {new_name}"))
    )?;
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        writeln!(to, "{}", style.paint(Tone::Faint, hunk.header()))?;
        for change in hunk.iter_changes() {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ('-', Tone::Removed),
                ChangeTag::Insert => ('+', Tone::Added),
                ChangeTag::Equal => (' ', Tone::Plain),
            };
            let line = change.value().trim_end_matches('\n');
            let line = if style.terminal {
                // Colours of the node's own would hide those of the diff.
                Cleaner::default().line(line.as_bytes(), false)
            } else {
                line.to_owned()
            };
            writeln!(to, "{}", style.paint(tone, format_args!("{sign}{line}")))?;
            if change.missing_newline() {
                let note = "\\ no line break at the end";
                writeln!(to, "{}", style.paint(Tone::Faint, note))?;
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use towline_core::event::Status;

    use super::{
        super::{
            gather::runs::{failed, gathered, mixed, refused, result},
            styles::{PLAIN, TERMINAL, shown},
        },
        *,
    };

    #[test]
    fn the_majority_in_full_and_what_differs_from_it() {
        let gathered = gathered(mixed());
        insta::assert_snapshot!(shown(|to| diff(&gathered, PLAIN, to).unwrap()));
    }

    #[test]
    fn differences_in_colour() {
        let gathered = gathered(vec![
            (result("a1", Status::Ok), "one\ntwo\nthree\n", ""),
            (result("a2", Status::Ok), "one\ntwo\nthree\n", ""),
            (
                result("b", Status::Ok),
                "one\n\x1b[32m2\x1b[0m\x1b[2J\nthree\n",
                "",
            ),
        ]);
        insta::assert_snapshot!(shown(|to| diff(&gathered, TERMINAL, to).unwrap()));
    }

    #[test]
    fn another_exit_code_alone_is_a_difference() {
        let gathered = gathered(vec![
            (result("a1", Status::Ok), "x\n", ""),
            (result("a2", Status::Ok), "x\n", ""),
            (failed("b", 3), "x\n", ""),
        ]);
        let shown = shown(|to| diff(&gathered, PLAIN, to).unwrap());
        assert!(shown.contains("b failed: exit code 3\n"), "{shown}");
        assert!(shown.ends_with("(the same output)\n"), "{shown}");
    }

    #[test]
    fn texts_too_long_to_compare_are_told_apart_by_their_size() {
        let long = "line\n".repeat(1_000_000);
        let longer = format!("{long}end\n");
        let gathered = gathered(vec![
            (result("a1", Status::Ok), &long, ""),
            (result("a2", Status::Ok), &long, ""),
            (result("b", Status::Ok), &longer, ""),
            (failed("c", 1), &long, ""),
        ]);
        let shown = shown(|to| diff(&gathered, PLAIN, to).unwrap());
        let end = &shown[shown.len() - 300..];
        assert!(
            end.contains("differs from a[1-2]: 5000004 bytes instead of 5000000, too"),
            "{end}"
        );
        assert!(shown.ends_with("(the same output)\n"), "{end}");
    }

    #[test]
    fn where_no_command_came_to_its_end_all_is_written_in_full() {
        let gathered = gathered(vec![(refused("a", "10.0.0.1:22"), "", "")]);
        let diffed = shown(|to| diff(&gathered, PLAIN, to).unwrap());
        assert_eq!(
            diffed,
            shown(|to| fold::fold(&gathered, PLAIN, to).unwrap())
        );
    }
}
