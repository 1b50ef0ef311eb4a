//! `tow demo`: three nodes of its own, and what can be done with them.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::{
    demo::{Nodes, Stage, walk},
    exit::Exit,
    interrupt,
    terminal::Terminal,
};

/// See a fleet being driven: three SSH nodes on loopback, made for the purpose
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the nodes up until Ctrl-C, to try things out by hand
    #[arg(long)]
    stay: bool,
}

/// Gives the demonstration.
///
/// # Errors
/// When the nodes can not be started, or the walk could not be gone on with.
pub(crate) async fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let tow = std::env::current_exe().context("this program does not know where it is")?;
    let mut nodes = Nodes::start(&tow).await.context("starting the nodes")?;
    let interrupted = CancellationToken::new();
    interrupt::listen(interrupted.clone(), || {})?;
    let mut stage = Stage::new(&tow, nodes.folder(), terminal);
    let walked = tokio::select! {
        walked = walk(&mut stage, &mut nodes) => Some(walked),
        () = interrupted.cancelled() => None,
    };
    let (steps, wrong) = stage.tally();
    let exit = match walked {
        None => Exit::Interrupted,
        Some(Err(error)) => {
            nodes.end().await?;
            return Err(error);
        }
        Some(Ok(())) if wrong > 0 => Exit::Failure,
        Some(Ok(())) => Exit::Ok,
    };
    writeln!(io::stdout())?;
    match exit {
        Exit::Interrupted => {}
        Exit::Ok => stage.say(&format!(
            "{steps} command lines, and each did what it should."
        ))?,
        _ => terminal.error(&anyhow::anyhow!(
            "{wrong} things were not as they should be; they are marked above"
        )),
    }
    if args.stay && exit != Exit::Interrupted {
        stay(&stage, &nodes)?;
        interrupted.cancelled().await;
        writeln!(io::stdout())?;
    } else if exit == Exit::Ok {
        stage.say(GO_ON)?;
    }
    nodes.end().await.context("removing what was made")?;
    Ok(exit)
}

const GO_ON: &str = "\
The nodes are gone now. To go on by hand:
  make demo ARGS=--stay             the same, and the nodes stay up for you
  tow exec -w root@HOST -- uptime   a machine of your own; no file is needed
  tow help exec                     all that exec can do, with examples
A fleet of your own is a towline.yaml: docs/reference/towline.yaml.md";

/// Says how to reach the nodes by hand.
fn stay(stage: &Stage, nodes: &Nodes) -> io::Result<()> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    stage.say("The nodes stay up until Ctrl-C. Their inventory is")?;
    stage.say(&["  ", &path(&nodes.inventory())].concat())?;
    stage.say("Their homes are the folders beside it. In another terminal, try:")?;
    stage.type_line(&[". ", &path(&nodes.folder().join("env"))].concat())?;
    for line in TRY {
        stage.type_line(line)?;
    }
    io::stdout().flush()
}

const TRY: [&str; 3] = [
    "tow exec -a -b -- uname -sr",
    "tow exec -w 'web-*' -- 'echo 1.5.0 > release'",
    "tow exec -a --diff -- cat release",
];
