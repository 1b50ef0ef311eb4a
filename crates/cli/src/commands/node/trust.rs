//! `tow node trust`: looking at host keys and pinning them.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use towline_core::node::Node;
use towline_remote::{
    known_hosts::{OfferedKey, Verdict},
    pool::Pool,
    route::{Route, Router},
};

use crate::{
    args::{GlobalArgs, SelectionArgs, SshArgs, TransportArg},
    context::{Context, with_causes},
    exit::{Exit, misuse},
    terminal::Terminal,
};

/// Look at nodes' host keys and pin them, in the place of others
///
/// Shows the fingerprint each node offers and asks before pinning it. Compare it with what the
/// node itself says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The same as -w
    #[arg(value_name = "EXPR")]
    expr: Option<String>,
    /// Pin without asking
    #[arg(short = 'y', long)]
    yes: bool,
    /// Pin only a key with this fingerprint: SHA256:…
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    ssh: SshArgs,
}

/// Pins them, one after the other.
pub(crate) async fn run(
    args: Args,
    global: &GlobalArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let context = Context::load(global, terminal).await?;
    let mut selection = args.selection.clone();
    selection.nodes.extend(args.expr.clone());
    let nodes = context.select(&selection)?;
    // The key is fetched by our own SSH, whatever is to carry the connections afterwards.
    let ssh = SshArgs {
        transport: Some(TransportArg::Native),
        ..args.ssh.clone()
    };
    let plan = std::sync::Arc::new(context.plan(&nodes, &ssh).await?);
    let pool = Pool::new(
        plan.clone(),
        towline_remote::pool::Limits {
            idle: Duration::from_secs(30),
            ..Default::default()
        },
    );
    let mut exit = Exit::Ok;
    for node in &nodes {
        if let Err(error) = trust(node, &*plan, &pool, &args).await {
            terminal.error(&error.context(format!("{}: the host key was not pinned", node.id)));
            exit = Exit::Unreachable;
        }
    }
    pool.close().await;
    Ok(exit)
}

async fn trust(node: &Node, router: &dyn Router, pool: &Pool, args: &Args) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let failed = |error: towline_remote::error::RemoteError| {
        misuse(with_causes(&error), error.hint(node.id.as_str()))
    };
    let Route::Ssh(route) = router.route(node).map_err(failed)? else {
        writeln!(out, "{}: this machine, reached without SSH", node.id)?;
        return Ok(());
    };
    let key = pool.offered_key(&route).await.map_err(failed)?;
    let (name, known) = (&route.endpoint.trust.name, &route.endpoint.trust.known);
    let offered = OfferedKey::new(&key);
    match known.check(name, &key) {
        Verdict::Trusted { at, .. } => {
            writeln!(out, "{}: {offered} is trusted already ({at})", node.id)?;
            return Ok(());
        }
        Verdict::Unknown { .. } => writeln!(out, "{}: offers {offered}; none was known", node.id)?,
        Verdict::Changed { known } => {
            writeln!(out, "{}: offers {offered}", node.id)?;
            for key in known {
                writeln!(out, "{}: known until now: {key}", node.id)?;
            }
        }
        _ => writeln!(out, "{}: offers {offered}", node.id)?,
    }
    match &args.fingerprint {
        Some(wanted) if *wanted == offered.fingerprint.to_string() => {}
        Some(wanted) => anyhow::bail!("it is not {wanted}"),
        None if args.yes => {}
        None => confirm(node)?,
    }
    let replaced = known.retrust(name, &key);
    let replaced = replaced
        .map_err(|error| misuse(with_causes(&error), Some(error.hint(node.id.as_str()))))?;
    writeln!(out, "{}: pinned", node.id)?;
    for gone in replaced.removed {
        writeln!(out, "{}: no longer trusted: {gone}", node.id)?;
    }
    for left in replaced.remaining {
        writeln!(out, "{}: still trusted as well: {left}", node.id)?;
    }
    Ok(())
}

fn confirm(node: &Node) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("there is no terminal to ask at; --yes or --fingerprint says it beforehand");
    }
    write!(
        std::io::stdout(),
        "Trust it as the key of {}? [y/N] ",
        node.id
    )?;
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => anyhow::bail!("you said no"),
    }
}
