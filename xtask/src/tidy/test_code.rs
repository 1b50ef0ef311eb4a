//! Tests that are run, and do not wait by sleeping; code that is written.

use super::{Report, source::Source, tree::Tree};

/// How many lines before a sleep the deadline of its loop must be named.
const NEAR: usize = 25;

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    for source in tree.sources() {
        for at in 0..source.tokens.len() {
            if let Some(message) = objection(source, at) {
                report.find(&source.path, source.tokens[at].line, message);
            }
        }
    }
    Ok(())
}

/// What is wrong with what begins at `at`, if anything.
fn objection(source: &Source, at: usize) -> Option<&'static str> {
    let token = &source.tokens[at];
    if matches!(source.macro_at(at), Some("todo" | "unimplemented")) {
        return Some("this is not written yet: write it, or leave it out until it is");
    }
    let is_ignored = token.in_attribute
        && token.text == "ignore"
        && (source.reads(at + 1, &["]"]) || source.reads(at + 1, &["="]));
    if is_ignored {
        return Some("a test that is not run: mend it or take it out");
    }
    let sleeps = ["thread", "time"]
        .iter()
        .any(|module| !source.taken_from(at, module, &["sleep"]).is_empty());
    if !(sleeps && token.in_test) {
        return None;
    }
    if !source.allows("sleep", token.line) {
        return Some(
            "a test that sleeps: wait for a channel or a notification; a helper that polls until \
             a deadline says `// tidy: allow-sleep REASON`",
        );
    }
    let before = token.line.saturating_sub(NEAR)..token.line;
    let has_deadline = source.lines()[before]
        .iter()
        .any(|line| line.to_lowercase().contains("deadline"));
    (!has_deadline).then_some("this sleep is allowed but no deadline is in sight: poll until one")
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    #[test]
    fn finds_what_is_unwritten_ignored_or_asleep() {
        let text = "
            fn a() { todo!() }
            fn b() { unimplemented!(\"x\") }
            #[cfg(test)] mod tests {
                #[ignore] #[test] fn c() {}
                #[ignore = \"slow\"] #[test] fn d() {}
                fn e() { std::thread::sleep(x); }
                async fn f() { tokio::time::sleep(x).await; }
                use std::thread::sleep;
                // tidy: allow-sleep no end in sight
                fn g() { thread::sleep(x); }
            }
        ";
        assert_eq!(
            places(check, &[("crates/a/src/b.rs", text)]),
            [2, 3, 5, 6, 7, 8, 9, 11].map(|line| format!("crates/a/src/b.rs:{line}"))
        );
    }

    #[test]
    fn lets_production_code_and_polling_helpers_sleep() {
        let text = "
            async fn back_off() { tokio::time::sleep(pause).await; }
            fn ignore(todo: u8) { list.ignore(); }
            #[cfg(test)] mod tests {
                fn eventually() {
                    let deadline = Instant::now() + LONG;
                    while Instant::now() < deadline {
                        // tidy: allow-sleep the kernel tells nobody when a process is gone
                        std::thread::sleep(STEP);
                    }
                    thread::spawn(x); time::advance(y);
                }
            }
        ";
        assert!(places(check, &[("crates/a/src/b.rs", text)]).is_empty());
    }
}
