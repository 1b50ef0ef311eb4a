//! `tow status`: how nodes are doing, and what they can run.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use towline_core::event::Report;
use towline_fleet::facts::{NodeStatus, Section, UnitName};

use crate::{
    args::{GlobalArgs, OutputArgs, ProbeArgs, SelectionArgs, SshArgs, seconds},
    context::Context,
    descriptors,
    exit::{Exit, Seen},
    interrupt,
    status::{Key, Layout, Show, SortKey},
    survey::Question,
    terminal::Terminal,
};

/// Show how nodes are doing, and what they can run
///
/// Asks every node once, with nothing but a POSIX shell there, and changes nothing. Without a
/// selection: every node of the inventory.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The same as -w
    #[arg(value_name = "EXPR")]
    expr: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Whether this service is up; may be given several times
    #[arg(long = "unit", value_name = "NAME", help_heading = "What is shown")]
    units: Vec<UnitName>,
    /// Ask again and again, with so many seconds between (2), until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = seconds, help_heading = "What is shown")]
    watch: Option<Duration>,
    /// Sort by these columns; a dash before one turns it around: -load,node
    #[arg(
        long,
        value_name = "[-]COLUMN",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "What is shown"
    )]
    sort: Vec<SortKey>,
    /// Only these columns, in this order
    #[arg(
        long,
        value_name = "COLUMN",
        value_delimiter = ',',
        value_enum,
        help_heading = "What is shown"
    )]
    columns: Vec<Key>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    ssh: SshArgs,
}

const EXAMPLES: &str = "\
Examples:
  tow status                                every node of towline.yaml
  tow status @web --unit nginx              whether nginx is up on each
  tow status --watch 5 --sort -load         the busiest first, every 5 seconds
  tow status -w root@10.0.0.[1-9] --columns node,os,kernel,runs

Exit codes: 0 when every node told and every --unit is up on each; 4 when one could not be
reached; 3 when one took too long; 5 when one told nothing of use or a --unit is not up.
With --watch, Ctrl-C ends it with the code of the last whole round.";

/// Runs `tow status`.
///
/// # Errors
/// When the nodes could not be asked, or the answers not be shown.
pub(crate) async fn run(
    args: Args,
    global: &GlobalArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let context = Context::load(global, terminal).await?;
    let mut selection = args.selection.clone();
    selection.nodes.extend(args.expr.clone());
    let nodes = context.select_or_all(&selection)?;
    let plan = context.plan(&nodes, &args.ssh).await?;
    // Between two rounds of a watch the connections stay open.
    let idle = args.watch.map(|pause| pause * 2 + Duration::from_secs(30));
    let per_node = plan.descriptors();
    let policy = descriptors::bound(args.probe.policy(), nodes.len(), per_node, terminal);
    let pool = Context::pool(plan, idle.unwrap_or_default());
    let question = Question {
        nodes: &nodes,
        pool: std::sync::Arc::clone(&pool),
        policy,
        sections: Section::STATUS,
        units: &args.units,
        timeout: args.probe.timeout,
    };
    let layout = Layout {
        columns: args.columns.clone(),
        sort: args.sort.clone(),
        units: args.units.clone(),
        order: nodes.iter().map(|node| node.id.clone()).collect(),
    };
    let cancel = CancellationToken::new();
    interrupt::listen(cancel.clone(), || {})?;
    let mut show = Show::new(layout, args.output.format, terminal, args.watch);
    let ended = rounds(&question, &mut show, args.watch, &cancel).await;
    pool.close().await;
    match ended {
        // Nobody reads on: `tow status --watch | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Failure),
        Err(error) => Err(error.into()),
        Ok(exit) => Ok(exit),
    }
}

/// One round, or one after the other until it is interrupted.
async fn rounds(
    question: &Question<'_>,
    show: &mut Show,
    watch: Option<Duration>,
    cancel: &CancellationToken,
) -> std::io::Result<Exit> {
    let mut last = None;
    loop {
        let report = round(question, show, cancel).await?;
        if watch.is_none() || !report.interrupted {
            last = Some(Exit::of_report(&report, Seen::default(), false));
        }
        let Some(pause) = watch else { break };
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    show.end()?;
    Ok(last.unwrap_or(Exit::Interrupted))
}

async fn round(
    question: &Question<'_>,
    show: &mut Show,
    cancel: &CancellationToken,
) -> std::io::Result<Report> {
    show.begin();
    let (report, shown) = question
        .ask(cancel, |result, told| {
            let status = NodeStatus::new(&result, told);
            show.node(result, status)
        })
        .await;
    shown?;
    show.finish(&report)?;
    Ok(report)
}
