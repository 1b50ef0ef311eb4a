//! What every command begins with: the inventory, the nodes that are meant, the way to them.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use towline_core::{
    command::{Account, Become, BecomeMethod},
    node::Node,
    secret::Secret,
    selection::{Expr, GroupPattern, Pick, Request, Universe, parse_hostfile, resolve},
};
use towline_fleet::inventory::{self, ConfigFile, Inventory, Look, find_config};
use towline_remote::{
    error::RemoteError,
    known_hosts::HostKeyPolicy,
    plan::{Ask, Here, Overrides, Plan, Planner, Transport},
    pool::{Limits, Pool},
    ssh::Tuning,
    ssh_config::{Oracle, Sources, SshConfig},
};

use crate::{
    args::{BecomeArgs, GlobalArgs, SelectionArgs, SshArgs, TransportArg},
    ask,
    environment::Environment,
    exit::{Interrupted, misuse},
    terminal::Terminal,
};

/// The inventory and the environment of a command.
pub(crate) struct Context {
    /// The user's environment.
    pub(crate) environment: Environment,
    /// The file the inventory was read from.
    pub(crate) config: Option<ConfigFile>,
    /// What it says.
    pub(crate) inventory: Inventory,
    /// What can be selected.
    pub(crate) universe: Universe,
    /// The terminal.
    pub(crate) terminal: Terminal,
}

impl Context {
    /// Finds and reads the inventory.
    pub(crate) async fn load(global: &GlobalArgs, terminal: &Terminal) -> anyhow::Result<Self> {
        let environment = Environment::read().context("the working directory is gone")?;
        let xdg = environment.xdg("XDG_CONFIG_HOME", ".config");
        let users = environment.trusted_users();
        let look = Look {
            start: &environment.folder,
            explicit: global.config.as_deref(),
            env: environment.var("TOWLINE_CONFIG").map(Path::new),
            xdg_config_home: Some(&xdg),
            home: Some(&environment.home),
            users: &users,
        };
        let wrong = |error: inventory::InventoryError| misuse(with_causes(&error), error.hint());
        let config = match find_config(look).map_err(wrong)? {
            Some(found) => Some(ConfigFile::read(found.path()).map_err(wrong)?),
            None => None,
        };
        let inventory = Inventory::load(config.as_ref()).await.map_err(wrong)?;
        let universe = inventory.universe().map_err(|error| misuse(error, None))?;
        Ok(Self {
            environment,
            config,
            inventory,
            universe,
            terminal: *terminal,
        })
    }

    /// The nodes that the flags mean.
    pub(crate) fn select(&self, args: &SelectionArgs) -> anyhow::Result<Vec<Arc<Node>>> {
        let request = request(args)?;
        let nodes = resolve(&request, &self.universe)
            .map_err(|error| misuse(with_causes(&error), error.hint()))?;
        Ok(self.inventory.complete(nodes))
    }

    /// The nodes that the flags mean, or every node of the inventory when they mean none.
    pub(crate) fn select_or_all(&self, args: &SelectionArgs) -> anyhow::Result<Vec<Arc<Node>>> {
        let all = args.is_empty() && !self.universe.nodes().is_empty();
        self.select(&SelectionArgs {
            all: all || args.all,
            ..args.clone()
        })
    }

    /// Works out the way to each node, and warns of what can not be honoured.
    pub(crate) async fn plan(&self, nodes: &[Arc<Node>], args: &SshArgs) -> anyhow::Result<Plan> {
        let plan = self.routes(nodes, args).await?;
        for warning in &plan.warnings {
            self.terminal.warn(warning);
        }
        match plan.trouble_of_all() {
            // The same words once for each node would help nobody.
            Some(RemoteError::Config { reason, hint }) => Err(misuse(reason, hint)),
            _ => Ok(plan),
        }
    }

    /// Works out the way to each node; what can not be honoured is in the plan.
    pub(crate) async fn routes(&self, nodes: &[Arc<Node>], args: &SshArgs) -> anyhow::Result<Plan> {
        let config = ssh_config(&self.environment, args)?;
        let overrides = self.overrides(args)?;
        let planner = Planner::new(self.here(config, args), overrides, Tuning::default());
        let mut ask = AtTerminal { interrupted: false };
        let plan = planner.plan(nodes, &mut ask).await;
        if ask.interrupted {
            return Err(Interrupted.into());
        }
        Ok(plan)
    }

    /// Connections along a plan. Those no longer in use are closed after `idle`.
    pub(crate) fn pool(plan: Plan, idle: Duration) -> Arc<Pool> {
        Pool::new(
            Arc::new(plan),
            Limits {
                idle,
                ..Limits::default()
            },
        )
    }

    fn here(&self, config: SshConfig, args: &SshArgs) -> Here {
        let by_id = |node: &Arc<Node>| (node.id.to_string(), Arc::clone(node));
        Here {
            config,
            config_file: args.ssh_config.clone(),
            sockets: self.environment.sockets(),
            home: self.environment.home.clone(),
            shell: self.environment.shell.clone(),
            agent: self.environment.var("SSH_AUTH_SOCK").map(Into::into),
            oracle: Oracle::new("ssh"),
            nodes: self
                .universe
                .nodes()
                .iter()
                .map(by_id)
                .collect::<HashMap<_, _>>(),
            identity_file: self.inventory.ssh.identity_file.clone(),
        }
    }

    fn overrides(&self, args: &SshArgs) -> anyhow::Result<Overrides> {
        let ssh = &self.inventory.ssh;
        let password = match args.ask_password {
            true => Some(prompt("Password of the account on the nodes: ")?),
            false => None,
        };
        let from_file = ssh.host_keys.map(|keys| match keys {
            inventory::HostKeys::Strict => HostKeyPolicy::Strict,
            inventory::HostKeys::AcceptNew => HostKeyPolicy::AcceptNew,
        });
        let transport = match (args.transport, ssh.transport) {
            (Some(TransportArg::Auto), _) => Transport::Auto,
            (Some(TransportArg::Native), _) => Transport::Native,
            (Some(TransportArg::Openssh), _) => Transport::OpenSsh,
            (None, Some(inventory::Transport::Native)) => Transport::Native,
            (None, Some(inventory::Transport::Openssh)) => Transport::OpenSsh,
            (None, _) => Transport::Auto,
        };
        Ok(Overrides {
            user: args.login.clone(),
            port: args.port,
            identities: args.identity.clone(),
            jump: args.jump.clone(),
            options: args.options.clone(),
            connect_timeout: args
                .connect_timeout
                .or(ssh.connect_timeout.map(|wait| wait.0)),
            host_keys: if args.strict_host_keys {
                Some(HostKeyPolicy::Strict)
            } else {
                from_file
            },
            transport,
            password,
        })
    }
}

/// The user's ssh_config, or the one that is named.
pub(crate) fn ssh_config(environment: &Environment, args: &SshArgs) -> anyhow::Result<SshConfig> {
    let env = environment.for_ssh_config();
    let sources = match &args.ssh_config {
        Some(file) => Sources::from_flag(&file.to_string_lossy()),
        None => Sources::standard(&env),
    };
    SshConfig::load(sources, env).map_err(|error| misuse(with_causes(&error), error.hint()))
}

/// The flags that select, read.
fn request(args: &SelectionArgs) -> anyhow::Result<Request> {
    let mut nodes = Vec::new();
    for text in &args.nodes {
        if text == "-" {
            let mut words = String::new();
            std::io::stdin()
                .read_to_string(&mut words)
                .context("reading nodes from stdin")?;
            nodes.push(expression("-w -", words.trim())?);
        } else {
            nodes.push(expression("-w", text)?);
        }
    }
    let all_of = |flag: &str, texts: &[String]| -> anyhow::Result<Vec<Expr>> {
        texts.iter().map(|text| expression(flag, text)).collect()
    };
    let groups = args.groups.iter().map(|text| {
        text.parse::<GroupPattern>()
            .map_err(|error| misuse(format!("-g: {error}"), None))
    });
    let hosts = match &args.hostfile {
        None => Vec::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| misuse(format!("--hostfile {}: {error}", path.display()), None))?;
            parse_hostfile(&text).map_err(|error| {
                let (line, column) = (error.line, error.column);
                let place = format!("{}:{line}:{column}", path.display());
                misuse(format!("--hostfile {place}: {}", error.trouble), None)
            })?
        }
    };
    Ok(Request {
        nodes,
        groups: groups.collect::<anyhow::Result<_>>()?,
        all: args.all,
        hosts,
        exclude: all_of("-x", &args.exclude)?,
        limit: all_of("--limit", &args.limit)?,
        pick: args.pick.map(|count| Pick {
            count,
            seed: fastrand::u64(..),
        }),
    })
}

fn expression(flag: &str, text: &str) -> anyhow::Result<Expr> {
    text.parse()
        .map_err(|error| misuse(format!("{flag}: {error}"), None))
}

/// Whom commands run as, where flags say so, and the password for it.
pub(crate) struct Elevation {
    /// Whom, for every node; the inventory decides where this is `None`.
    pub(crate) account: Option<Account>,
    /// By which program, for every node.
    pub(crate) method: Option<BecomeMethod>,
    /// The password that the program will want.
    pub(crate) password: Option<Secret>,
}

impl Elevation {
    /// Reads the flags, and asks for the password if they say so.
    pub(crate) fn ask(args: &BecomeArgs) -> anyhow::Result<Self> {
        let password = match args.ask_become_password {
            true => Some(prompt("Password for sudo on the nodes: ")?),
            false => None,
        };
        let implied = args.ask_become_password && args.become_.is_none();
        Ok(Self {
            account: args.become_.clone().or_else(|| implied.then(Account::root)),
            method: args.become_method.map(Into::into),
            password,
        })
    }

    /// What it comes to on a node.
    pub(crate) fn on(&self, node: &Node) -> anyhow::Result<Option<Become>> {
        let account = match (&self.account, &node.access.become_user) {
            (Some(account), _) => account.clone(),
            (None, Some(name)) => name.parse().map_err(|error| misuse(error, None))?,
            (None, None) => return Ok(None),
        };
        let method = self
            .method
            .or(node.access.become_method)
            .unwrap_or_default();
        Ok(Some(Become {
            account,
            method,
            password: self.password.clone(),
        }))
    }
}

/// Passphrases are asked for at the terminal, if there is one.
struct AtTerminal {
    interrupted: bool,
}

impl Ask for AtTerminal {
    fn passphrase(&mut self, key: &Path, again: bool) -> Option<Secret> {
        if self.interrupted {
            return None;
        }
        let again = if again { "That was wrong. " } else { "" };
        let answer = ask::hidden(&format!("{again}Passphrase of {}: ", key.display()));
        self.interrupted = is_interrupt(&answer);
        answer.ok()
    }
}

/// Asks for something that is not shown.
fn prompt(question: &str) -> anyhow::Result<Secret> {
    let answer = ask::hidden(question);
    if is_interrupt(&answer) {
        return Err(Interrupted.into());
    }
    answer.map_err(|error| {
        let asked = question.trim_end_matches(": ");
        let why = match error.kind() {
            ErrorKind::UnexpectedEof => "nothing was typed",
            _ => "there is no terminal to ask at",
        };
        misuse(format!("{asked}: {why}"), None)
    })
}

fn is_interrupt<T>(answer: &std::io::Result<T>) -> bool {
    matches!(answer, Err(error) if error.kind() == ErrorKind::Interrupted)
}

/// An error and its causes in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
