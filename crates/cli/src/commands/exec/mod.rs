//! `tow exec`: one command on many nodes.

mod show;

use std::{
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    command::{Command, PtySize, Stdin},
    event::{Envelope, Event, Report, Status},
    id::NodeId,
    node::Node,
    nodeset,
    secret::Redactor,
};
use towline_fleet::{
    exec::Exec,
    fanout::{Gate, spread},
};

use self::show::{Show, ShowArgs};
use crate::{
    args::{BecomeArgs, FanoutArgs, GlobalArgs, OutputArgs, SelectionArgs, SshArgs},
    context::{Context, Elevation},
    exit::{Exit, misuse},
    history::LastRun,
    interrupt,
    terminal::Terminal,
};

/// Run a command on many nodes at once
///
/// Several words after `--` are a program and its arguments, passed on exactly as they are. A
/// single word is a line for the login shell of the node, as `ssh HOST LINE` would run it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
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
    #[arg(long, value_name = "FOLDER", help_heading = "Command")]
    cwd: Option<String>,
    /// Give the command a terminal
    #[arg(long, help_heading = "Command")]
    pty: bool,
    /// Show what would be run, and where, and do nothing
    #[arg(long, help_heading = "Command")]
    dry_run: bool,
    /// Run again where the last run did not end well; without a command, the same one
    #[arg(long, help_heading = "Nodes", conflicts_with_all = ["nodes", "groups", "all", "hostfile"])]
    rerun_failed: bool,
    /// End with the highest code that any command returned
    #[arg(short = 'S', long, help_heading = "Output")]
    max_exit_code: bool,
    /// The command
    #[arg(last = true, value_name = "COMMAND")]
    words: Vec<String>,
}

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
    let elevation = Elevation::ask(&args.become_)?;
    let (command, _stdin) = command(&args, &words)?;
    let shown = command.display();
    if args.dry_run {
        return dry_run(&nodes, &command, &elevation);
    }
    let plan = context.plan(&nodes, &args.ssh).await?;
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
        task,
        shown,
    };
    let (report, killed) = run.finish(&nodes, &words, show).await?;
    pool.close().await;
    Ok(Exit::of_report(&report, killed, args.max_exit_code))
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

/// The command as a value, and the file that holds what it reads for as long as it is needed.
fn command(
    args: &Args,
    words: &[String],
) -> anyhow::Result<(Command, Option<tempfile::NamedTempFile>)> {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
    let mut command = Command::typed(words).timeout(args.fanout.command_timeout);
    command.env = args
        .env
        .iter()
        .map(|(n, v)| (n.clone(), v.clone().into_bytes()))
        .collect();
    command.cwd = args.cwd.clone().map(String::into_bytes);
    command.pty = args.pty.then(PtySize::default);
    let mut kept = None;
    command.stdin = match &args.stdin {
        None => Stdin::Null,
        Some(path) if path.as_os_str() == "-" => {
            // Every node reads it from its beginning, so it has to be kept somewhere.
            let mut file = tempfile::NamedTempFile::new().context("keeping standard input")?;
            std::io::copy(&mut std::io::stdin().lock(), &mut file)
                .context("keeping standard input")?;
            file.flush().context("keeping standard input")?;
            let path = file.path().to_owned();
            kept = Some(file);
            Stdin::File(path)
        }
        Some(path) => {
            std::fs::File::open(path)
                .map_err(|error| misuse(format!("--stdin {}: {error}", path.display()), None))?;
            Stdin::File(path.clone())
        }
    };
    // What can not be put on the wire is said before anything is connected.
    command
        .wire(&towline_core::command::Mark::new(0))
        .map_err(|error| misuse(error, None))?;
    Ok((command, kept))
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

/// A run under way.
struct Running<'a> {
    args: &'a Args,
    context: &'a Context,
    task: Exec,
    shown: String,
}

/// Events that wait to be shown. When they are this many, the nodes wait.
const EVENTS: usize = 256;

impl Running<'_> {
    /// To its end, whatever it is; also whether a signal ended a command.
    async fn finish(
        self,
        nodes: &[Arc<Node>],
        words: &[String],
        mut show: Show,
    ) -> anyhow::Result<(Report, bool)> {
        let cancel = CancellationToken::new();
        let pending = Arc::new(Mutex::new(
            nodes
                .iter()
                .map(|node| node.id.clone())
                .collect::<std::collections::BTreeSet<_>>(),
        ));
        let (waiting, terminal) = (Arc::clone(&pending), self.context.terminal);
        interrupt::listen(cancel.clone(), move || {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let ids = nodeset::fold(waiting.iter().map(NodeId::as_str));
            terminal.warn(&format!(
                "interrupted; ending what runs on {} ({ids}). Again: at once",
                waiting.len()
            ));
        })?;
        let (sender, mut events) = mpsc::channel(EVENTS);
        let gate = self.args.fanout.gate.clone().map(LocalGate);
        let policy = self.args.fanout.policy();
        let started = Event::RunStarted {
            command: self.shown.clone(),
            nodes: nodes.iter().map(|node| node.id.clone()).collect(),
        };
        let work = async {
            let _listening = sender.send(started).await;
            let gate = gate.as_ref().map(|gate| gate as &dyn Gate);
            let report = spread(nodes, &policy, gate, &self.task, &sender, &cancel).await;
            drop(sender);
            report
        };
        let mut killed = false;
        let mut failed: Vec<NodeId> = Vec::new();
        let listen = async {
            let mut seq = 0;
            while let Some(event) = events.recv().await {
                if let Event::NodeFinished(result) = &event {
                    pending
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&result.node);
                    killed |= result.signal.is_some();
                    if result.status != Status::Ok {
                        failed.push(result.node.clone());
                    }
                }
                let shown = show.event(&Envelope { seq, event });
                let shown = if events.is_empty() {
                    shown.and_then(|()| show.flush())
                } else {
                    shown
                };
                if let Err(error) = shown {
                    // Nobody reads on: `tow exec … | head`.
                    cancel.cancel();
                    return (seq + 1, Err(error));
                }
                seq += 1;
            }
            (seq, Ok(()))
        };
        let (report, (seq, shown)) = tokio::join!(work, listen);
        self.remember(nodes, words, &failed);
        match shown.and_then(|()| show.finish(seq, &report)) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok((report, killed)),
        }
    }

    fn remember(&self, nodes: &[Arc<Node>], words: &[String], failed: &[NodeId]) {
        let again = nodes.iter().filter(|node| failed.contains(&node.id));
        let last = LastRun {
            words: words.to_vec(),
            failed: again.map(|node| Node::clone(node)).collect(),
        };
        if let Err(error) = last.save(&self.context.environment) {
            self.context.terminal.warn(&format!(
                "--rerun-failed will not know of this run: {error:#}"
            ));
        }
    }
}

/// A command of this machine that must succeed before the next batch.
struct LocalGate(String);

#[async_trait]
impl Gate for LocalGate {
    async fn pass(&self) -> Result<(), String> {
        let mut command = tokio::process::Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(&self.0)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        match command.status().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the gate {:?} said no ({status})", self.0)),
            Err(error) => Err(format!("the gate {:?} could not be asked: {error}", self.0)),
        }
    }
}
