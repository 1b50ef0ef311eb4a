//! What can be made to go wrong with a node, and put right again. Each may be repeated, and undone
//! when it is not in force.

use super::bed::Bed;
use super::error::BedError;
use super::firewall::{self, Rules};
use super::layout::SMALL_DIR;
use super::node::{self, BedNode};
use super::ready;

const FILLING: &str = "/srv/small/.filling";

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its container runs.
    pub running: bool,
    /// sshd greets, as seen from this machine.
    pub sshd_greets: bool,
    /// The faults in force, in words: `cut`, `small file system full`.
    pub faults: Vec<String>,
}

impl Bed {
    /// Cuts a node off: packets in and out are dropped, as if the cable were pulled. Running
    /// connections hang, new ones time out.
    ///
    /// # Errors
    /// When the rules cannot be set.
    pub fn cut(&self, node: &BedNode) -> Result<(), BedError> {
        self.set_rules(node, Rules::Cut)
    }

    /// Cuts a node off from this machine only; other nodes still reach it.
    ///
    /// # Errors
    /// When the rules cannot be set.
    pub fn cut_from_host(&self, node: &BedNode) -> Result<(), BedError> {
        self.set_rules(node, Rules::CutFromHost)
    }

    /// Undoes [`Bed::cut`] and [`Bed::cut_from_host`].
    ///
    /// # Errors
    /// When the rules cannot be set.
    pub fn heal(&self, node: &BedNode) -> Result<(), BedError> {
        self.set_rules(node, Rules::Healed)
    }

    /// Makes a node take new TCP connections from `via` only: not from this machine, not from
    /// other nodes. What is open stays open, and the node itself may connect anywhere.
    ///
    /// # Errors
    /// When the rules cannot be set.
    pub fn only_reachable_through(&self, node: &BedNode, via: &BedNode) -> Result<(), BedError> {
        self.set_rules(node, Rules::OnlyFrom(via.address))
    }

    /// Undoes [`Bed::only_reachable_through`].
    ///
    /// # Errors
    /// When the rules cannot be set.
    pub fn reachable_again(&self, node: &BedNode) -> Result<(), BedError> {
        self.set_rules(node, Rules::FromAll)
    }

    /// Fills the small file system, [`SMALL_DIR`], to its last byte.
    ///
    /// # Errors
    /// When there is room left on it.
    pub fn fill(&self, node: &BedNode) -> Result<(), BedError> {
        self.run(node, &["/usr/local/sbin/bed-fill", FILLING])
    }

    /// Empties it of what [`Bed::fill`] wrote.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn unfill(&self, node: &BedNode) -> Result<(), BedError> {
        self.run(node, &["rm", "-f", FILLING])
    }

    /// Stops sshd: new connections are refused, open ones live on.
    ///
    /// # Errors
    /// What systemctl says.
    pub fn stop_sshd(&self, node: &BedNode) -> Result<(), BedError> {
        self.run(node, &["systemctl", "stop", "ssh.service"])
    }

    /// Starts sshd; it listens when this returns.
    ///
    /// # Errors
    /// What systemctl says.
    pub fn start_sshd(&self, node: &BedNode) -> Result<(), BedError> {
        self.run(node, &["systemctl", "start", "ssh.service"])
    }

    /// Gives a node new host keys, as a machine has that was installed again. The old ones are not
    /// kept; [`Bed::known_hosts_file`] still has them, until [`Bed::remember_host_keys`].
    ///
    /// # Errors
    /// What failed in the node.
    pub fn new_host_key(&self, node: &BedNode) -> Result<(), BedError> {
        self.run(node, &["/usr/local/sbin/bed-hostkeys", "--new"])?;
        self.run(node, &["systemctl", "restart", "ssh.service"])
    }

    /// A node's public host keys, `ssh-ed25519 AAAA…`, read in the node and so beyond doubt.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn host_keys(&self, node: &BedNode) -> Result<Vec<String>, BedError> {
        node::host_keys(&self.docker, &node.container)
    }

    /// Restarts a node and waits until it is ready. It keeps its address, disk and host keys; its
    /// `/tmp`, `/run` and small file system start empty, and network faults are gone.
    ///
    /// `boot_id` and uptime stay: they are the kernel's, which all nodes share.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn restart(&self, node: &BedNode) -> Result<(), BedError> {
        self.docker
            .call()
            .args(["restart", "--time", "20", &node.container])
            .run()?;
        ready::wait(&self.docker, node)
    }

    /// Switches a node off at once, as a power cut does.
    ///
    /// # Errors
    /// When it did not run.
    pub fn power_off(&self, node: &BedNode) -> Result<(), BedError> {
        self.docker
            .call()
            .args(["kill", &node.container])
            .run()
            .map(drop)
    }

    /// Switches a node on and waits until it is ready; with what it kept, see [`Bed::restart`].
    ///
    /// # Errors
    /// When it does not come up.
    pub fn power_on(&self, node: &BedNode) -> Result<(), BedError> {
        self.docker.call().args(["start", &node.container]).run()?;
        ready::wait(&self.docker, node)
    }

    /// Undoes every fault of a node that can be undone. Its host keys stay as they are.
    ///
    /// # Errors
    /// The first thing that could not be undone.
    pub fn reset(&self, node: &BedNode) -> Result<(), BedError> {
        if matches!(
            self.docker.pid(&node.container),
            Err(BedError::NotUp { .. })
        ) {
            self.power_on(node)?;
        }
        self.heal(node)?;
        self.reachable_again(node)?;
        self.unfill(node)?;
        self.start_sshd(node)
    }

    /// Looks at a node: is it up, and which faults are in force?
    ///
    /// # Errors
    /// When that cannot be seen. A node that does not run is an answer, not an error.
    pub fn condition(&self, node: &BedNode) -> Result<Condition, BedError> {
        let pid = match self.docker.pid(&node.container) {
            Ok(pid) => pid,
            Err(BedError::NotUp { .. } | BedError::Tool { .. }) => {
                return Ok(Condition {
                    running: false,
                    sshd_greets: false,
                    faults: Vec::new(),
                });
            }
            Err(other) => return Err(other),
        };
        let mut faults = Vec::new();
        let rules = firewall::read(pid)?;
        if rules.cut {
            faults.push("cut".to_owned());
        }
        if rules.cut_from_host {
            faults.push("cut from this machine".to_owned());
        }
        if let Some(via) = rules.only_from {
            faults.push(format!("only reachable through {via}"));
        }
        if self.exec(node, &["test", "-e", FILLING])?.status.success() {
            faults.push(format!("{SMALL_DIR} full"));
        }
        let sshd = self.exec(node, &["systemctl", "--quiet", "is-active", "ssh.service"])?;
        if !sshd.status.success() {
            faults.push("sshd stopped".to_owned());
        }
        let sshd_greets = ready::sshd_greets(node.address);
        Ok(Condition {
            running: true,
            sshd_greets,
            faults,
        })
    }

    fn set_rules(&self, node: &BedNode, rules: Rules) -> Result<(), BedError> {
        firewall::set(self.docker.pid(&node.container)?, rules)
    }

    fn run(&self, node: &BedNode, argv: &[&str]) -> Result<(), BedError> {
        self.docker.exec(&node.container).args(argv).run().map(drop)
    }
}
