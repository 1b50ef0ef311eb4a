//! What a command costs on a connection that is open: `warm SSH_CONFIG HOST COMMANDS`.
//!
//! Runs `true` that many times in a row, as `tow exec` runs it on a node, and prints JSON, times in
//! milliseconds. The first command opens the connection and is not counted. A command's own part is
//! what it takes without the time for which this thread had nothing to do but wait for the node.
//! Measured by `cargo xtask bench exec`.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    command::Command,
    node::Node,
    secret::{Redactor, Secret},
    selection::parse_hostfile,
};
use towline_fleet::{
    exec::Exec,
    fanout::{Policy, spread},
};
use towline_remote::{
    plan::{Ask, Here, Overrides, Planner},
    pool::{Limits, Pool},
    ssh::Tuning,
    ssh_config::{Databases, LocalEnv, Oracle, Sources, SshConfig},
};

thread_local! {
    /// Since when this thread waits, and for how long it waited before.
    static WAITS: Cell<(Option<Instant>, Duration)> = const { Cell::new((None, Duration::ZERO)) };
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(|| WAITS.set((Some(Instant::now()), WAITS.get().1)))
        .on_thread_unpark(|| {
            let (since, before) = WAITS.get();
            let waited = since.map(|since| since.elapsed()).unwrap_or_default();
            WAITS.set((None, before + waited));
        })
        .build()?;
    runtime.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [config, host, commands] = &words[..] else {
        anyhow::bail!("usage: warm SSH_CONFIG HOST COMMANDS");
    };
    let commands: usize = commands.parse().context("COMMANDS")?;
    let node = Arc::new(node(host)?);
    let (pool, task) = open(config, &node).await?;
    run(&node, &task).await?;
    let mut all = Vec::with_capacity(commands);
    let mut own = Vec::with_capacity(commands);
    let before = cpu()?;
    for _ in 0..commands {
        let (begun, waited) = (Instant::now(), WAITS.get().1);
        run(&node, &task).await?;
        let took = begun.elapsed();
        all.push(took);
        own.push(took.saturating_sub(WAITS.get().1 - waited));
    }
    let cpu = cpu()?.saturating_sub(before) / u32::try_from(commands)?;
    pool.close().await;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let at = |times: &mut Vec<Duration>, hundredths: usize| {
        times.sort_unstable();
        let at = (times.len() * hundredths).div_ceil(100).saturating_sub(1);
        milliseconds(times.get(at).copied().unwrap_or_default())
    };
    let result = serde_json::json!({
        "cpu": milliseconds(cpu),
        "p50": at(&mut all, 50),
        "p99": at(&mut all, 99),
        "own_p50": at(&mut own, 50),
        "own_p99": at(&mut own, 99),
    });
    serde_json::to_writer(std::io::stdout(), &result)?;
    Ok(())
}

/// User and system time of this process so far.
fn cpu() -> anyhow::Result<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::try_from(time)?)
}

async fn run(node: &Arc<Node>, task: &Exec) -> anyhow::Result<()> {
    let (events, mut seen) = mpsc::channel(256);
    let (policy, cancel) = (Policy::default(), CancellationToken::new());
    let nodes = std::slice::from_ref(node);
    let work = async {
        let report = spread(nodes, &policy, None, task, &events, &cancel).await;
        drop(events);
        report
    };
    let listen = async { while seen.recv().await.is_some() {} };
    let (report, ()) = tokio::join!(work, listen);
    ensure!(report.success, "a command failed: {report:?}");
    Ok(())
}

fn node(host: &str) -> anyhow::Result<Node> {
    let nodes = parse_hostfile(host)?;
    let node = nodes.into_iter().next().context("no host")?;
    Ok(node)
}

async fn open(config: &str, node: &Arc<Node>) -> anyhow::Result<(Arc<Pool>, Exec)> {
    let env = LocalEnv {
        home: std::env::home_dir().context("no home folder")?,
        local_user: String::new(),
        uid: rustix::process::getuid().as_raw(),
        hostname: String::new(),
        vars: std::env::vars().collect(),
        databases: Databases::default(),
    };
    let here = Here {
        home: env.home.clone(),
        config: SshConfig::load(Sources::from_flag(config), env)?,
        config_file: None,
        sockets: std::env::temp_dir(),
        shell: "/bin/sh".to_owned(),
        agent: None,
        identity_file: None,
        oracle: Oracle::new("ssh"),
        nodes: HashMap::new(),
    };
    let planner = Planner::new(here, Overrides::default(), Tuning::default());
    let plan = planner.plan(std::slice::from_ref(node), &mut Nobody).await;
    let pool = Pool::new(Arc::new(plan), Limits::default());
    let task = Exec {
        connect: Arc::clone(&pool) as _,
        command: Command::typed(vec![b"true".to_vec()]),
        become_: HashMap::new(),
        redactor: Redactor::new([]),
    };
    Ok((pool, task))
}

/// There is nobody to ask.
struct Nobody;

impl Ask for Nobody {
    fn passphrase(&mut self, _: &std::path::Path, _: bool) -> Option<Secret> {
        None
    }
}
