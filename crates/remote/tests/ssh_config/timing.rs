//! How long a host takes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use towline_remote::ssh_config::{Query, Sources, SshConfig};

use crate::support::{Bench, write_private};

#[test]
fn a_thousand_hosts_against_two_hundred_blocks() {
    let bench = Bench::new();
    let mut text = String::new();
    for block in 0..200 {
        writeln!(
            text,
            "Host web{block}-* !web{block}-9\n  HostName %h.dc{block}.example"
        )
        .unwrap();
        writeln!(
            text,
            "  User deploy{block}\n  Port {}\n  IdentityFile ~/.ssh/dc{block}",
            2000 + block
        )
        .unwrap();
        writeln!(
            text,
            "  ProxyJump bastion{block}.example\nMatch host *.dc{block}.example user deploy{block}"
        )
        .unwrap();
        writeln!(
            text,
            "  ServerAliveInterval 30\n  UserKnownHostsFile ~/.ssh/known-%k"
        )
        .unwrap();
    }
    let path = bench.home.path().join("config");
    write_private(&path, text.as_bytes());
    let config = SshConfig::load(Sources::File(path), bench.env.clone()).unwrap();
    let hosts: Vec<String> = (0..1000)
        .map(|n| format!("web{}-{}", n % 200, n / 200))
        .collect();
    let start = Instant::now();
    for (n, host) in hosts.iter().enumerate() {
        let settings = config.evaluate(&Query::host(host)).unwrap().settings;
        assert_eq!(usize::from(settings.port), 2000 + n % 200);
        assert_eq!(
            settings.network.server_alive_interval,
            Some(Duration::from_secs(30))
        );
    }
    let mean = start.elapsed() / 1000;
    // The target is 0.1 ms in a release build; this only catches what is far off.
    assert!(mean < Duration::from_millis(1), "{mean:?} a host");
}
