//! The bed, and a world on this machine from which its nodes are reached.

use std::{
    fmt::Write as _,
    sync::OnceLock,
    time::{Duration, Instant},
};

use towline_testkit::container::{Bed, BedNode, NodeLease, NodeShare};

use crate::support::{PATIENCE, Tow, World};

/// The nodes that every test may count on.
pub(crate) const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// The bed that is up.
pub(crate) fn bed() -> &'static Bed {
    static BED: OnceLock<Bed> = OnceLock::new();
    BED.get_or_init(|| {
        let Some(state) = std::env::var_os("TOWLINE_TESTBED") else {
            panic!(
                "these tests need real nodes. Type: cargo xtask testbed up 3, and then \
                 TOWLINE_TESTBED=~/.cache/towline/testbed/bed.json before this command"
            );
        };
        let bed = Bed::attach(state.as_ref()).unwrap_or_else(|error| {
            panic!("{error}. Type: {}", error.hint().unwrap_or_default());
        });
        for name in NODES {
            let found = bed.node(name);
            found.unwrap_or_else(|error| panic!("{error}. Type: cargo xtask testbed up 3"));
        }
        bed
    })
}

enum Held {
    Alone(NodeLease<'static>),
    Shared(NodeShare),
}

/// A home and working folder of its own, from which [`NODES`] can be reached as `admin`.
pub(crate) struct Ground {
    pub(crate) world: World,
    held: Vec<Held>,
}

impl Ground {
    /// With all nodes as they are; other tests use them at the same time.
    pub(crate) fn shared() -> Self {
        Self::alone(&[])
    }

    /// With some nodes for this test alone, which may damage them: that is undone at the end.
    pub(crate) fn alone(names: &[&str]) -> Self {
        let hold = |name| {
            if names.contains(name) {
                Held::Alone(bed().lease(&[name]).unwrap().remove(0))
            } else {
                Held::Shared(bed().share(name).unwrap())
            }
        };
        let held = NODES.iter().map(hold).collect();
        let ground = Self {
            world: World::new(),
            held,
        };
        ground.inventory("");
        ground
    }

    /// Writes `towline.yaml`: the three nodes, and what else is to stand in it.
    pub(crate) fn inventory(&self, more: &str) {
        let mut text = format!(
            "ssh:\n  user: admin\n  identity_file: {:?}\nnodes:\n",
            bed().identity_file()
        );
        for name in NODES {
            let address = self.node(name).address;
            writeln!(text, "  - {{id: {name}, host: {address}}}").unwrap();
        }
        text.push_str(more);
        self.world.write("work/towline.yaml", &text);
    }

    /// A node by its name.
    pub(crate) fn node(&self, name: &str) -> &BedNode {
        let nodes = self.held.iter().map(|held| match held {
            Held::Alone(node) => &**node,
            Held::Shared(node) => &**node,
        });
        let mut found = nodes.filter(|node| node.name == name);
        found.next().unwrap()
    }

    /// `tow` with these words, in this test's world.
    pub(crate) fn tow<W: AsRef<str>>(&self, words: impl IntoIterator<Item = W>) -> Tow {
        self.world.tow(words)
    }

    /// What a command prints that is run in a node as root, not by SSH. How it ends is its own
    /// affair: `pgrep` that finds nothing prints nothing.
    pub(crate) fn inside(&self, node: &str, argv: &[&str]) -> String {
        let done = bed().exec(self.node(node), argv).unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// The processes of a node whose command line has this in it, one line each.
    pub(crate) fn processes(&self, node: &str, text: &str) -> Vec<String> {
        let all = self.inside(node, &["ps", "-A", "-ww", "-o", "pid=,user=,args="]);
        let wanted = all.lines().filter(|line| line.contains(text));
        wanted.map(str::to_owned).collect()
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        // tidy: allow-sleep nothing tells what happens in a node
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A word that no other test has, to be found in a list of processes.
pub(crate) fn word() -> String {
    format!("w{:016x}", fastrand::u64(..))
}
