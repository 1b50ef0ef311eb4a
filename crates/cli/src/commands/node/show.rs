//! `tow node show`: how a node is reached, and where that was said.

use std::io::Write;

use towline_core::node::Node;
use towline_remote::{
    openssh::{Client, Proxy},
    route::{Route, Router, SshRoute, Through},
};

use crate::{
    args::{Format, GlobalArgs, OutputArgs, SelectionArgs, SshArgs},
    context::Context,
    exit::Exit,
    terminal::Terminal,
};

/// Show how a node is reached, and where that was said
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The same as -w
    #[arg(value_name = "EXPR")]
    expr: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    ssh: SshArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints it. Nothing is connected for it.
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
    if args.output.format == Format::Json {
        serde_json::to_writer_pretty(&mut out, &nodes)?;
        writeln!(out)?;
        return Ok(Exit::Ok);
    }
    let plan = context.plan(&nodes, &args.ssh).await?;
    let mut exit = Exit::Ok;
    for node in &nodes {
        describe(node, &context, &mut out)?;
        match plan.route(node) {
            Ok(route) => describe_route(&route, &mut out)?,
            Err(error) => {
                writeln!(out, "  error      {error}")?;
                exit = Exit::Usage;
            }
        }
        writeln!(out)?;
    }
    Ok(exit)
}

fn describe(node: &Node, context: &Context, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{}", node.id)?;
    if let Some(origin) = context.inventory.origin(&node.id) {
        writeln!(out, "  from       {origin}")?;
    }
    for (key, value) in &node.labels {
        writeln!(out, "  label      {key}={value}")?;
    }
    for role in &node.roles {
        writeln!(out, "  role       {role}")?;
    }
    if let Some(account) = &node.access.become_user {
        writeln!(out, "  becomes    {account}")?;
    }
    Ok(())
}

fn describe_route(route: &Route, out: &mut impl Write) -> std::io::Result<()> {
    match route {
        Route::Local(_) => writeln!(out, "  reached    without SSH: it is this machine"),
        Route::Ssh(route) => {
            let endpoint = &route.endpoint;
            writeln!(
                out,
                "  reached    {}@{}",
                endpoint.login.user,
                endpoint.address()
            )?;
            through(route, out)?;
            writeln!(out, "  carried by Towline's own SSH")?;
            writeln!(out, "  host key   kept as {}", endpoint.trust.name)?;
            for (way, _) in &endpoint.login.ways {
                writeln!(out, "  proves by  {way}")?;
            }
            for skipped in &endpoint.login.unusable {
                writeln!(out, "  not used   {skipped}")?;
            }
            Ok(())
        }
        Route::OpenSsh(client) => {
            writeln!(out, "  reached    {}@{}", client.user, client.address())?;
            through_client(client, out)?;
            // tidy: allow-text told to people
            writeln!(out, "  carried by the system's ssh client: {}", client.why)
        }
    }
}

fn through_client(client: &Client, out: &mut impl Write) -> std::io::Result<()> {
    match &client.proxy {
        Proxy::Nothing => Ok(()),
        Proxy::Command(_) => writeln!(out, "  through    a ProxyCommand"),
        Proxy::Jump(jump) => {
            writeln!(out, "  through    {}@{}", jump.user, jump.address())?;
            through_client(jump, out)
        }
    }
}

fn through(route: &SshRoute, out: &mut impl Write) -> std::io::Result<()> {
    match &route.through {
        Through::Nothing => Ok(()),
        Through::Command(_) => writeln!(out, "  through    a ProxyCommand"),
        Through::Jump(jump) => {
            let endpoint = &jump.endpoint;
            writeln!(
                out,
                "  through    {}@{}",
                endpoint.login.user,
                endpoint.address()
            )?;
            through(jump, out)
        }
    }
}
