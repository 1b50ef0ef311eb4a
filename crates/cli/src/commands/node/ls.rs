//! `tow node ls`: nodes, or what a selection comes to.

use std::io::Write;

use towline_core::{node::Node, nodeset};

use crate::{
    args::{Format, GlobalArgs, OutputArgs, SelectionArgs},
    context::Context,
    exit::Exit,
    render::table::{Cell, Column, Table},
    terminal::Terminal,
};

/// List nodes, or print what a selection comes to
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The same as -w
    #[arg(value_name = "EXPR")]
    expr: Option<String>,
    /// One line, folded: web-[01-20],db1
    #[arg(long, help_heading = "Output")]
    fold: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints them.
pub(crate) async fn run(
    args: Args,
    global: &GlobalArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let context = Context::load(global, terminal).await?;
    let mut selection = args.selection;
    selection.nodes.extend(args.expr);
    let nodes = context.select_or_all(&selection)?;
    let mut out = std::io::stdout().lock();
    if args.fold {
        writeln!(
            out,
            "{}",
            nodeset::fold(nodes.iter().map(|node| node.id.as_str()))
        )?;
    } else if args.output.format == Format::Json {
        serde_json::to_writer_pretty(&mut out, &nodes)?;
        writeln!(out)?;
    } else if terminal.stdout_is_terminal {
        let columns = ["NODE", "ADDRESS", "ROLES", "LABELS"]
            .map(Column::new)
            .to_vec();
        let mut table = Table::new(columns);
        for node in &nodes {
            table.row(row(node));
        }
        table.write(terminal.styles()[0], &mut out)?;
    } else {
        // One a line: what a pipe wants, and what -w - and --hostfile read again.
        for node in &nodes {
            writeln!(out, "{}", node.id)?;
        }
    }
    Ok(Exit::Ok)
}

fn row(node: &Node) -> Vec<Cell> {
    let user = node
        .access
        .user
        .as_ref()
        .map(|user| format!("{user}@"))
        .unwrap_or_default();
    let port = node
        .access
        .port
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let address = if node.is_local() {
        "this machine".to_owned()
    } else {
        format!("{user}{}{port}", node.host)
    };
    let labels: Vec<String> = node
        .labels
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let roles: Vec<&str> = node.roles.iter().map(String::as_str).collect();
    vec![
        node.id.as_str().into(),
        address.into(),
        roles.join(",").into(),
        labels.join(",").into(),
    ]
}
