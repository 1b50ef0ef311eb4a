//! `tow exec`: one command on many nodes.

mod command;
mod show;
mod spread;

use std::{io::Write, path::PathBuf, sync::Arc, time::Duration};

use towline_core::{command::Command, node::Node, nodeset, secret::Redactor};
use towline_fleet::exec::Exec;

use self::{
    show::{Show, ShowArgs},
    spread::Running,
};
use crate::{
    args::{BecomeArgs, FanoutArgs, GlobalArgs, OutputArgs, SelectionArgs, SshArgs},
    context::{Context, Elevation},
    descriptors,
    exit::{Exit, misuse},
    history::LastRun,
    terminal::Terminal,
};

/// Run a command on many nodes at once
///
/// Several words after `--` are a program and its arguments, passed on exactly as they are. A
/// single word is a line for the login shell of the node, as `ssh HOST LINE` would run it.
#[derive(clap::Args)]
#[command(after_help = MORE, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    fanout: FanoutArgs,
    #[command(flatten)]
    ssh: SshArgs,
    #[command(flatten)]
    become_: BecomeArgs,
    /// What the command reads, on every node: a file, or `-` for standard input
    #[arg(long, value_name = "FILE|-", help_heading = "Command")]
    stdin: Option<PathBuf>,
    /// An environment variable for the command
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable,
          help_heading = "Command")]
    env: Vec<(String, String)>,
    /// The folder the command is run in
    #[arg(
        long,
        value_name = "FOLDER",
        help_heading = "Command",
        hide_short_help = true
    )]
    cwd: Option<String>,
    /// Give the command a terminal
    #[arg(long, help_heading = "Command")]
    pty: bool,
    /// Show what would be run, and where, and do nothing
    #[arg(long, help_heading = "Command")]
    dry_run: bool,
    /// Run again where the last run failed; without a command, the same one
    #[arg(long, help_heading = "Nodes", conflicts_with_all = ["nodes", "groups", "all", "hostfile"])]
    rerun_failed: bool,
    /// End with the highest code that any command returned
    #[arg(short = 'S', long, help_heading = "Output", hide_short_help = true)]
    max_exit_code: bool,
    /// What is run: one word is a line for the shell there, several are passed on as they are
    #[arg(last = true, value_name = "COMMAND", help_heading = "Command")]
    words: Vec<String>,
}

const MORE: &str = "More flags and examples: tow help exec";

const EXAMPLES: &str = "\
Examples:
  tow exec -a -- uptime                          every node of towline.yaml
  tow exec -w 'web-[01-20]' -b -- uname -r       identical answers folded into one
  tow exec -w @db!db-03 -- 'df -h / | tail -1'   one word: a line for the shell there
  tow exec -w root@10.0.0.[1-9] -- id            hosts that are in no file
  tow exec -a --become -K -- apt-get update      as root, the password asked for once
  tow exec -a --batch 20% --fail-fast -- ./deploy.sh";

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is wanted")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs `tow exec`.
///
/// # Errors
/// When the run could not be begun.
pub(crate) async fn run(
    args: Args,
    global: &GlobalArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let context = Context::load(global, terminal).await?;
    let (nodes, words) = wanted(&args, &context)?;
    let mut command = command::command(&args, &words)?;
    let elevation = Elevation::ask(&args.become_)?;
    let shown = command.display();
    if args.dry_run {
        return dry_run(&nodes, &command, &elevation);
    }
    let plan = context.plan(&nodes, &args.ssh).await?;
    // Held until the end: the file is gone when this is.
    let (stdin, _held) = command::input(&args, &context.environment)?;
    command.stdin = stdin;
    let reads = usize::from(args.stdin.is_some());
    let per_node = plan.descriptors() + args.show.descriptors() + reads;
    let policy = descriptors::bound(args.fanout.policy(), nodes.len(), per_node, terminal);
    let pool = Context::pool(plan, Duration::ZERO);
    let task = Exec {
        connect: Arc::clone(&pool) as _,
        command,
        redactor: Redactor::new(elevation.password.iter()),
        become_: nodes
            .iter()
            .filter_map(|node| match elevation.on(node) {
                Ok(become_) => become_.map(|become_| Ok((node.id.clone(), become_))),
                Err(error) => Some(Err(error)),
            })
            .collect::<anyhow::Result<_>>()?,
    };
    let show = Show::new(&args.show, args.output.format, &context)?;
    let run = Running {
        args: &args,
        context: &context,
        policy,
        task,
        shown,
    };
    let (report, seen) = run.finish(&nodes, &words, show).await?;
    pool.close().await;
    Ok(Exit::of_report(&report, seen, args.max_exit_code))
}

/// The nodes and the words of the command.
fn wanted(args: &Args, context: &Context) -> anyhow::Result<(Vec<Arc<Node>>, Vec<String>)> {
    let (nodes, words) = if args.rerun_failed {
        let last = LastRun::load(&context.environment)?;
        let words = if args.words.is_empty() {
            last.words
        } else {
            args.words.clone()
        };
        let nodes: Vec<_> = last.failed.into_iter().map(Arc::new).collect();
        if nodes.is_empty() {
            return Err(misuse(
                "--rerun-failed: the last run ended well on every node",
                None,
            ));
        }
        (nodes, words)
    } else {
        (context.select(&args.selection)?, args.words.clone())
    };
    if words.is_empty() {
        let hint = "give it after two dashes: tow exec -a -- uptime".to_owned();
        return Err(misuse("there is no command to run", Some(hint)));
    }
    Ok((nodes, words))
}

fn dry_run(nodes: &[Arc<Node>], command: &Command, elevation: &Elevation) -> anyhow::Result<Exit> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for node in nodes {
        let shown = command.clone().become_(elevation.on(node)?).display();
        match groups.iter_mut().find(|(line, _)| *line == shown) {
            Some((_, ids)) => ids.push(node.id.as_str()),
            None => groups.push((shown, vec![node.id.as_str()])),
        }
    }
    let mut out = std::io::stdout().lock();
    for (line, ids) in groups {
        let count = ids.len();
        writeln!(out, "{} ({count}): {line}", nodeset::fold(ids))?;
    }
    Ok(Exit::Ok)
}
