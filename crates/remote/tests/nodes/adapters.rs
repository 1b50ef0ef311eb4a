//! Every case of the conformance suite with every adapter.

use std::sync::Arc;

use tempfile::TempDir;
use towline_remote::{
    host::Host,
    local::LocalHost,
    pool::{Connect, Lease, Pool},
    route::Through,
};
use towline_testkit::embedded::EmbeddedNode;

use crate::{
    conformance,
    support::{World, node},
};

/// A host to try a case on, and what is known not to be had there.
pub struct Bed {
    pub host: Arc<dyn Host>,
    /// It tells by which signal a process ended.
    pub names_signals: bool,
    /// It brings signals to a process.
    pub carries_signals: bool,
    /// It gives terminals the size that was asked for.
    pub sets_size: bool,
    /// There is a connection that can be closed.
    pub is_connection: bool,
    far: Option<Far>,
}

struct Far {
    pool: Arc<Pool>,
    _lease: Lease,
    _node: EmbeddedNode,
    _folder: TempDir,
}

impl Bed {
    async fn far(world: World, server: EmbeddedNode) -> Self {
        let (pool, folder) = world.pool();
        let lease = pool.connect(&node("n1")).await.unwrap();
        Self {
            host: Arc::clone(lease.host()),
            names_signals: true,
            carries_signals: true,
            sets_size: true,
            is_connection: true,
            far: Some(Far {
                pool,
                _lease: lease,
                _node: server,
                _folder: folder,
            }),
        }
    }

    async fn ssh() -> Self {
        let mut world = World::new();
        let server = world.node().start().await.unwrap();
        world.add("n1", world.endpoint(&server), Through::Nothing);
        Self::far(world, server).await
    }

    async fn openssh() -> Self {
        let mut world = World::new();
        let server = world.node().start().await.unwrap();
        world.add_client("n1", world.client(&server));
        Self {
            names_signals: false,
            carries_signals: false,
            ..Self::far(world, server).await
        }
    }

    #[expect(clippy::unused_async, reason = "as the others are")]
    async fn local() -> Self {
        Self {
            host: Arc::new(LocalHost::new("/bin/sh")),
            names_signals: true,
            carries_signals: true,
            sets_size: false,
            is_connection: false,
            far: None,
        }
    }

    async fn close(self) {
        if let Some(far) = self.far {
            far.pool.close().await;
        }
    }
}

macro_rules! each {
    ($adapter:ident: $($case:ident)*) => {
        mod $adapter {
            use super::{Bed, conformance};
            $(
                #[tokio::test]
                async fn $case() {
                    let bed = Bed::$adapter().await;
                    conformance::$case(&bed).await;
                    bed.close().await;
                }
            )*
        }
    };
}

macro_rules! adapters {
    ($($adapter:ident)*) => {
        $(each! { $adapter:
            both_streams_and_the_exit_code_come_back
            words_reach_the_program_as_they_are
            a_missing_program_is_an_exit_code
            an_end_by_a_signal_is_no_exit_code
            variables_and_folder_are_set
            input_is_brought_to_its_end
            much_output_comes_whole
            many_at_once_share_the_connection
            a_terminal_is_had_when_asked_for
            a_terminal_takes_what_is_typed
            a_signal_reaches_the_process
            cancelling_ends_the_whole_tree_and_nothing_else
            a_command_whose_time_is_up_is_ended_and_told_from_a_cancelled_one
            a_torrent_of_output_does_not_keep_a_command_from_being_ended
            a_port_of_the_node_is_reached
            a_socket_of_the_node_is_reached
            nothing_starts_on_a_closed_connection
        })*
    };
}

adapters! { ssh openssh local }
