//! The walk through what `tow` does, step by step.

use std::io::{self, Write};

use super::{
    nodes::Nodes,
    stage::{Stage, Step},
};
use crate::exit::Exit;

/// Takes the walk. What is not as it should be is shown and counted by the stage.
///
/// # Errors
/// When the walk could not be gone on with.
pub(crate) async fn walk(stage: &mut Stage, nodes: &mut Nodes) -> anyhow::Result<()> {
    introduce(stage, nodes)?;
    ask(stage).await?;
    mend(stage).await?;
    lose(stage, nodes).await?;
    program(stage).await
}

fn introduce(stage: &Stage, nodes: &Nodes) -> io::Result<()> {
    stage.say(
        "Three SSH servers run on loopback now, each with a port, a host key and a home\n\
         of its own. All else is real: the protocol, the commands, the exit codes.\n\
         A home for us as well, so that your ~/.ssh is neither used nor changed:",
    )?;
    let env = nodes.folder().join("env");
    stage.type_line(&[". ", &env.to_string_lossy()].concat())?;
    io::stdout().flush()
}

/// What is the same everywhere, and what is not?
async fn ask(stage: &mut Stage) -> anyhow::Result<()> {
    stage
        .step(Step {
            about: "Which machines there are stands in towline.yaml.",
            words: &["node", "ls"],
            exit: Exit::Ok,
            shows: &["web-1", "web-2", "db-1"],
        })
        .await?;
    stage
        .step(Step {
            about: "How are they doing, and what can they run? Each is asked once, and needs no\n\
                    more than a shell. (All three are this machine, so they say the same.)",
            words: &["status"],
            exit: Exit::Ok,
            shows: &["web-1 ✓ up", "web-2 ✓ up", "db-1 ✓ up", "3 ok"],
        })
        .await?;
    stage
        .step(Step {
            about: "A command on all of them at once: lines come as they are written.",
            words: &[
                "exec",
                "-a",
                "--",
                "echo $HOSTNAME is up; sleep 0.3; cat release",
            ],
            exit: Exit::Ok,
            shows: &["web-1: web-1 is up", "db-1: 1.4.1", "3 ok"],
        })
        .await?;
    stage
        .step(Step {
            about: "Who answers the same? -b folds what is identical.",
            words: &["exec", "-a", "-b", "--", "cat", "release"],
            exit: Exit::Ok,
            shows: &["web-[1-2]", "1.4.2", "db-1", "1.4.1", "3 ok"],
        })
        .await?;
    stage
        .step(Step {
            about: "And in what do the others differ? --diff shows them against the majority.",
            words: &["exec", "-a", "--diff", "--", "cat", "app.conf"],
            exit: Exit::Ok,
            shows: &["-workers = 8", "+workers = 2"],
        })
        .await
}

/// A command that fails, and the way to run it again where it did.
async fn mend(stage: &mut Stage) -> anyhow::Result<()> {
    stage
        .step(Step {
            about: "A command that fails somewhere is told by node, and by the exit code.",
            words: &["exec", "-a", "--", "grep", "1.4.2", "release"],
            exit: Exit::Remote,
            shows: &["web-2: 1.4.2", "2 ok, 1 failed"],
        })
        .await?;
    stage
        .step(Step {
            about: "Mend it there. One word after -- is a line for the node's own shell.",
            words: &["exec", "-w", "role:db", "--", "echo 1.4.2 > release"],
            exit: Exit::Ok,
            shows: &[],
        })
        .await?;
    stage
        .step(Step {
            about: "Are all of them alike now? Nodes can be named by role, glob, range, group.",
            words: &["exec", "-w", "db-1,web-[1-2]", "-b", "--", "cat", "release"],
            exit: Exit::Ok,
            shows: &["db-1,web-[1-2]", "1.4.2", "3 ok"],
        })
        .await
}

/// A machine that is gone, and a command that takes too long.
async fn lose(stage: &mut Stage, nodes: &mut Nodes) -> anyhow::Result<()> {
    nodes.stop("web-2").await;
    stage
        .step(Step {
            about: "web-2 has just been switched off. The others are not held up, and the hint\n\
                    says what to look at.",
            words: &["exec", "-a", "-b", "--", "cat", "release"],
            exit: Exit::Unreachable,
            shows: &["web-2 unreachable", "hint:", "2 ok, 1 unreachable"],
        })
        .await?;
    nodes.start_again().await?;
    stage
        .step(Step {
            about: "It is back: --rerun-failed does the same again where it did not end well.",
            words: &["exec", "--rerun-failed"],
            exit: Exit::Ok,
            shows: &["web-2: 1.4.2"],
        })
        .await?;
    stage
        .step(Step {
            about: "A command that hangs is ended there, with all that it started.",
            words: &["exec", "-w", "web-1", "-u", "1", "--", "sleep 600 | cat"],
            exit: Exit::Timeout,
            shows: &["1 timed out"],
        })
        .await
}

/// The same for programs.
async fn program(stage: &mut Stage) -> anyhow::Result<()> {
    stage
        .step(Step {
            about: "For programs: one JSON object a line, the last one is the report.",
            words: &[
                "exec", "-w", "web-1", "--output", "json", "--", "cat", "release",
            ],
            exit: Exit::Ok,
            shows: &[r#""data":"1.4.2\n""#, r#""type":"report""#],
        })
        .await
}
