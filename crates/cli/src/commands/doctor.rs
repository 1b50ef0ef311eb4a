//! `tow doctor`: what is wrong here and on nodes, and how to mend it.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Envelope, NodeResult, Report, Status},
    id::NodeId,
    node::Node,
};
use towline_fleet::facts::{Check, DoctorLine, Level, Section, Told, checks};

use crate::{
    args::{Format, GlobalArgs, OutputArgs, ProbeArgs, SelectionArgs, SshArgs},
    context::Context,
    descriptors,
    doctor::{Client, Findings, inventory, inventory_broken, show, tally},
    environment::Environment,
    exit::{Exit, Interrupted, Seen},
    interrupt,
    render::Style,
    survey::Question,
    terminal::Terminal,
};

/// Find what is wrong, here and on nodes, and how to mend it
///
/// Looks at this machine first: inventory, ssh_config, keys, agent, known hosts, limits. Then asks
/// every node of the inventory, or those selected, what would stand in the way of work there.
/// Changes nothing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The same as -w
    #[arg(value_name = "EXPR")]
    expr: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    ssh: SshArgs,
}

const EXAMPLES: &str = "\
Examples:
  tow doctor                        this machine, and every node of towline.yaml
  tow doctor -w root@10.0.0.7       this machine, and a host that is in no file
  tow doctor @web --output json     for programs

Exit codes: 0 when no check failed, warnings or not; 4 when a node could not be reached; 3 when
one took too long; 5 when a check failed on a node; 1 when one failed on this machine only.";

/// Runs `tow doctor`.
///
/// # Errors
/// When the selection makes no sense, or what was found can not be shown.
pub(crate) async fn run(
    args: Args,
    global: &GlobalArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let environment = Environment::read().context("the working directory is gone")?;
    let mut findings = Findings::default();
    let context = match Context::load(global, terminal).await {
        Ok(context) => {
            findings.client = inventory(&context);
            Some(context)
        }
        // The rest can be looked at all the same.
        Err(error) => {
            findings.client.push(inventory_broken(&error));
            None
        }
    };
    let nodes = match &context {
        Some(context) => selected(context, &args)?,
        None => Vec::new(),
    };
    let client = Client {
        environment: &environment,
        context: context.as_ref(),
        nodes: &nodes,
        ssh: &args.ssh,
        fanout: args.probe.fanout,
    };
    findings.client.extend(client.checks().await);
    let mut report = Report {
        success: true,
        ..Report::default()
    };
    if let (Some(context), false) = (&context, nodes.is_empty()) {
        match ask(context, &nodes, &args).await {
            Ok((told, nodes)) => {
                report = told;
                findings.nodes = nodes;
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => findings.client.push(Check {
                name: "way to nodes".to_owned(),
                ..inventory_broken(&error)
            }),
        }
    }
    report.success &= findings.count(Level::Fail) == 0;
    match tell(&findings, &report, args.output.format, terminal) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(Exit::of_report(&report, Seen::default(), false))
}

/// The nodes that are meant: those selected, else every node of the inventory, if it has any.
fn selected(context: &Context, args: &Args) -> anyhow::Result<Vec<Arc<Node>>> {
    let mut selection = args.selection.clone();
    selection.nodes.extend(args.expr.clone());
    if selection.is_empty() && context.universe.nodes().is_empty() {
        return Ok(Vec::new());
    }
    context.select_or_all(&selection)
}

/// What was found on each node, in the order of the selection.
type OnNodes = Vec<(NodeId, Vec<Check>)>;

async fn ask(
    context: &Context,
    nodes: &[Arc<Node>],
    args: &Args,
) -> anyhow::Result<(Report, OnNodes)> {
    // What it warns of has been looked at already.
    let plan = context.routes(nodes, &args.ssh).await?;
    let (policy, per_node) = (args.probe.policy(), plan.descriptors());
    let policy = descriptors::bound(policy, nodes.len(), per_node, &context.terminal);
    let pool = Context::pool(plan, Duration::ZERO);
    let question = Question {
        nodes,
        pool: Arc::clone(&pool),
        policy,
        sections: Section::DOCTOR,
        units: &[],
        timeout: args.probe.timeout,
    };
    let cancel = CancellationToken::new();
    interrupt::listen(cancel.clone(), || {})?;
    let mut found: HashMap<NodeId, Vec<Check>> = HashMap::new();
    let mut ill = 0;
    let (mut report, _) = question
        .ask(&cancel, |result, told| {
            let checks = on_node(&result, told.as_ref());
            let failed = checks.iter().any(|check| check.level == Level::Fail);
            ill += usize::from(failed && result.status == Status::Ok);
            found.insert(result.node, checks);
            Ok(())
        })
        .await;
    pool.close().await;
    // It told, and what it told is that something does not work there.
    report.ok -= ill;
    report.failed += ill;
    let in_order = nodes.iter().filter_map(|node| {
        let checks = found.remove(&node.id)?;
        Some((node.id.clone(), checks))
    });
    Ok((report, in_order.collect()))
}

fn on_node(result: &NodeResult, told: Option<&Told>) -> Vec<Check> {
    const NAME: &str = "login";
    if let Some(told) = told {
        let mut all = vec![Check::ok(NAME, "works, and a POSIX shell answers")];
        all.extend(checks(told));
        return all;
    }
    let error = result.error.as_ref();
    let found = error.map_or("nothing is known of why it failed", |e| &e.message);
    let hint = error.and_then(|error| error.hint.as_deref());
    let otherwise = "see what a command says there: tow exec -w NODE -- true";
    vec![Check::fail(NAME, found, hint.unwrap_or(otherwise))]
}

fn tell(
    findings: &Findings,
    report: &Report,
    format: Format,
    terminal: &Terminal,
) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if format == Format::Json {
        return json(findings, report, &mut out);
    }
    let [style, error_style] = terminal.styles().map(|style| match format {
        Format::Plain => Style {
            color: false,
            unicode: false,
            ..style
        },
        _ => style,
    });
    show(findings, style, &mut out)?;
    out.flush()?;
    writeln!(io::stderr(), "{}", tally(findings, error_style))
}

fn json(findings: &Findings, report: &Report, to: &mut impl Write) -> io::Result<()> {
    let mut seq = 0;
    let mut line = |event: DoctorLine| {
        write_line(&Envelope { seq, event }, to)?;
        seq += 1;
        io::Result::Ok(())
    };
    for check in &findings.client {
        line(DoctorLine::ClientCheck(check.clone()))?;
    }
    for (node, checks) in &findings.nodes {
        for check in checks {
            line(DoctorLine::NodeCheck {
                node: node.clone(),
                check: check.clone(),
            })?;
        }
    }
    line(DoctorLine::Report(report.clone()))?;
    to.flush()
}

fn write_line(line: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
