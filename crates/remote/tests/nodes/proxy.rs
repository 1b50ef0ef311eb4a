//! Ways that lead through something: jump hosts, proxy commands, and streams of one's own.

use std::{fs, sync::Arc};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use towline_core::{command::Command, event::FailureKind};
use towline_remote::{
    error::RemoteError,
    host::Target,
    pool::{Connect, Limits, Pool},
    route::Through,
};
use towline_testkit::embedded::{EmbeddedNode, Faults, TestKey};

use crate::{
    planned::{Home, Nobody},
    support::{World, denied, node, run, until},
};

/// A home with a key, and a node that it opens.
async fn home_and_node() -> (Home, EmbeddedNode, String) {
    let home = Home::new();
    let key = TestKey::ed25519().unwrap();
    let own = key.write(home.path(), "id").unwrap();
    let server = EmbeddedNode::builder().authorized_key(key.public());
    let server = server.start().await.unwrap();
    let common = format!(
        "Host *\nPort {}\nHostname 127.0.0.1\nIdentityFile {}\n",
        server.addr().port(),
        own.display()
    );
    (home, server, common)
}

/// Carries its standard input and output to a port; a stand-in for netcat.
const CARRY: &str = r#"
my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or die "no way\n";
if (fork) { while (sysread(STDIN, my $b, 65536)) { syswrite($s, $b) } shutdown($s, 1) }
else { while (sysread($s, my $b, 65536)) { syswrite(STDOUT, $b) } }
"#;

/// Notes down what it was called with.
const WRAP: &str = r#"
home=$1
shift
printf '%s|' "$@" > "$home/log"
exec perl -MIO::Socket::INET "$home/carry.pl" "$2" "$3"
"#;

/// Fails, and says how often it has.
const FAIL: &str = r#"
echo >> "$1"
echo "attempt $(grep -c '' "$1"): no way" >&2
exit 7
"#;

#[tokio::test]
async fn a_proxy_command_gets_its_tokens_and_its_quotes() {
    let (home, server, common) = home_and_node().await;
    let (script, log) = (home.path().join("carry it"), home.path().join("log"));
    fs::write(home.path().join("carry.pl"), CARRY).unwrap();
    fs::write(&script, WRAP).unwrap();
    let config = format!(
        "Host n1\nProxyCommand sh \"{}\" {} %n %h %p %r 'a  b' 100%%\n{common}",
        script.display(),
        home.path().display()
    );
    let pool = home.pool(&config, &["n1"]).await;
    let host = pool.connect(&node("n1")).await.unwrap();
    assert_eq!(
        run(&*host, &Command::line("echo there")).await.1.stdout,
        b"there\n"
    );
    let port = server.addr().port();
    assert_eq!(
        fs::read_to_string(&log).unwrap(),
        format!("n1|127.0.0.1|{port}|ops|a  b|100%|")
    );
    pool.close().await;
}

#[tokio::test]
async fn what_a_failing_proxy_command_says_is_the_error_each_time_anew() {
    let (home, _server, common) = home_and_node().await;
    let script = home.path().join("fail.sh");
    fs::write(&script, FAIL).unwrap();
    let config = format!(
        "Host n1\nProxyCommand sh {} {}\nHost n2\nProxyCommand cat /dev/null\n\
         Host n3\nProxyCommand no-such-proxy %h\n{common}",
        script.display(),
        home.path().join("count").display()
    );
    let pool = home.pool(&config, &["n1", "n2", "n3"]).await;
    for attempt in 1..=3 {
        let error = denied(&pool, "n1").await;
        assert_eq!(error.kind(), FailureKind::Proxy);
        let expected = format!("the proxy command failed: attempt {attempt}: no way");
        assert_eq!(error.to_string(), expected);
        assert!(error.hint("n1").unwrap().contains("ProxyCommand"));
    }
    // The same address by another command is another way, and may be another machine.
    let silent = denied(&pool, "n2").await;
    assert_eq!(silent.kind(), FailureKind::Proxy);
    assert!(!silent.to_string().contains("attempt"), "{silent}");
    let missing = denied(&pool, "n3").await.to_string();
    assert!(missing.contains("no-such-proxy"), "{missing}");
}

#[tokio::test]
async fn what_a_shell_would_read_does_not_get_into_a_proxy_command() {
    let (home, _server, common) = home_and_node().await;
    let file = home.path().join("pwned");
    let config = format!(
        "Host n1\nHostname x;touch${{IFS}}{}\nProxyCommand echo %h >&2\n{common}",
        file.display()
    );
    let plan = home.plan(&config, &["n1"], &mut Nobody).await;
    let pool = Pool::new(Arc::new(plan), Limits::default());
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::Config, "{error}");
    assert!(!file.exists());
}

/// A chain of nodes, each behind the one before it, and the ids they have.
async fn chain(world: &mut World, length: usize) -> Vec<EmbeddedNode> {
    let mut nodes = Vec::new();
    let mut through = Through::Nothing;
    for n in 0..length {
        let server = world.node().start().await.unwrap();
        let route = world.add(&format!("hop{n}"), world.endpoint(&server), through);
        through = Through::Jump(route);
        nodes.push(server);
    }
    nodes
}

#[tokio::test]
async fn jump_hosts_may_stand_one_behind_the_other() {
    let mut world = World::new();
    let hops = chain(&mut world, 4).await;
    let (pool, _folder) = world.pool();
    for (n, server) in hops.iter().enumerate().rev() {
        let host = pool.connect(&node(&format!("hop{n}"))).await.unwrap();
        let said = run(&*host, &Command::line("echo $SSH_CONNECTION"))
            .await
            .1
            .stdout;
        let port = server.addr().port().to_string();
        assert!(String::from_utf8(said).unwrap().trim().ends_with(&port));
    }
    for server in &hops {
        assert_eq!(
            server.stats().authenticated,
            1,
            "each hop is used by all behind it"
        );
    }
    pool.close().await;
    until(|| hops.iter().all(|hop| hop.stats().connections_open == 0)).await;
}

#[tokio::test]
async fn the_hop_that_failed_is_named() {
    let mut world = World::new();
    let hops = chain(&mut world, 3).await;
    let (pool, _folder) = world.pool();
    hops[1].set_faults(Faults {
        refuse_auth: true,
        ..Faults::default()
    });
    let error = denied(&pool, "hop2").await;
    assert_eq!(error.kind(), FailureKind::Proxy);
    assert!(!error.is_transient());
    let message = error.failure("hop2").message;
    let at = hops[1].addr();
    let expected = format!("the way through {at} failed: ops@{at} let nobody in");
    assert!(message.starts_with(&expected), "{message}");
    let port = format!("-p {}", at.port());
    assert!(
        error.hint("hop2").unwrap().contains(&port),
        "the hint is about another machine"
    );
    hops[1].set_faults(Faults {
        refuse_channels: true,
        ..Faults::default()
    });
    let error = denied(&pool, "hop2").await;
    let message = error.failure("hop2").message;
    assert!(
        message.contains("its configuration does not allow it"),
        "{message}"
    );
    assert!(
        message.contains(&format!("the way through {at} failed")),
        "{message}"
    );
    assert!(!error.is_transient());
    pool.close().await;
}

#[tokio::test]
async fn a_node_that_its_jump_host_can_not_reach_may_be_back_soon() {
    let mut world = World::new();
    let bastion = world.node().start().await.unwrap();
    let gone = world.node().start().await.unwrap();
    let jump = world.add("bastion", world.endpoint(&bastion), Through::Nothing);
    world.add("gone", world.endpoint(&gone), Through::Jump(jump));
    let address = gone.addr();
    gone.stop().await;
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "gone").await;
    assert_eq!(error.kind(), FailureKind::Proxy);
    assert!(error.is_transient());
    let message = error.failure("gone").message;
    let expected = format!("{address} can not be reached: the jump host could not connect to it");
    assert!(message.ends_with(&expected), "{message}");
    bastion.stop().await;
    let error = denied(&pool, "gone").await;
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn streams_lead_to_ports_and_sockets_that_the_node_can_reach() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: port.local_addr().unwrap().port(),
    };
    let socket = tokio::net::UnixListener::bind(server.home().join("sock")).unwrap();
    let unix = Target::Unix("sock".to_owned());
    let (mut near_tcp, mut near_unix) = (
        host.connect(&tcp).await.unwrap(),
        host.connect(&unix).await.unwrap(),
    );
    let (mut far_tcp, _) = port.accept().await.unwrap();
    let (mut far_unix, _) = socket.accept().await.unwrap();
    let big: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
    let send = async {
        near_tcp.write_all(&big).await.unwrap();
        near_tcp.shutdown().await.unwrap();
        far_unix.write_all(&big).await.unwrap();
        far_unix.shutdown().await.unwrap();
    };
    let take = async {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let (a_read, b_read) =
            tokio::join!(far_tcp.read_to_end(&mut a), near_unix.read_to_end(&mut b));
        a_read.unwrap();
        b_read.unwrap();
        (a, b)
    };
    let ((), (over_tcp, over_unix)) = tokio::join!(send, take);
    assert!(over_tcp == big && over_unix == big);
    drop((near_tcp, near_unix, port));
    let Err(error) = host.connect(&tcp).await else {
        panic!("connected to nothing")
    };
    assert!(matches!(&error, RemoteError::Channel { .. }), "{error:?}");
    assert!(error.to_string().contains(&tcp.to_string()), "{error}");
    assert!(error.hint("n1").unwrap().contains("listens"));
    pool.close().await;
}
