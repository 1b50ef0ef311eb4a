//! What is left to the system's ssh, and how it may fail.

use std::fs;
use std::time::{Duration, Instant};

use towline_remote::ssh_config::{
    AlgorithmList, ConfigError, Evaluation, Oracle, OracleError, Query, Sources, SshConfig,
};

use crate::support::{Bench, write_private};

impl Bench {
    fn config(&self, text: &str) -> SshConfig {
        let path = self.home.path().join("config");
        write_private(&path, text.as_bytes());
        SshConfig::load(Sources::File(path), self.env.clone()).unwrap()
    }

    fn ask(&self, text: &str, host: &str, oracle: &Oracle) -> Result<Evaluation, ConfigError> {
        let config = self.config(text);
        self.runtime
            .block_on(config.evaluate_with_oracle(&Query::host(host), oracle))
    }
}

#[test]
fn match_exec_is_run_by_ssh_only_when_all_hangs_on_it() {
    let bench = Bench::new();
    let ran = bench.home.path().join("ran");
    let text = format!(
        "Ciphers +aes128-cbc\nMatch host foo exec \"echo %h >> {}; test %n = foo\"\n  Port 5\n  User x\nHost *\n  Port 6\n",
        ran.display()
    );
    let evaluation = bench.ask(&text, "foo", &bench.oracle).unwrap();
    let reason = evaluation.needs_oracle.unwrap();
    assert_eq!((reason.what, reason.place.unwrap().line), ("Match exec", 2));
    assert_eq!(
        (evaluation.settings.port, evaluation.settings.user.as_str()),
        (5, "x")
    );
    assert_eq!(fs::read_to_string(&ran).unwrap(), "foo\n");
    // What the client takes by default is told from what the user asked for.
    let algorithms = evaluation.settings.algorithms;
    assert_eq!(algorithms.macs, None);
    assert!(matches!(algorithms.ciphers, Some(AlgorithmList::Replace(list)) if list.len() > 1));

    // Another host is told without ssh: a program that is not there is not missed.
    let nothing = Oracle::new("/nowhere/ssh");
    let evaluation = bench.ask(&text, "bar", &nothing).unwrap();
    assert_eq!(
        (evaluation.settings.port, evaluation.needs_oracle),
        (6, None)
    );
    assert_eq!(fs::read_to_string(&ran).unwrap(), "foo\n");
}

#[test]
fn canonicalisation_is_left_to_ssh() {
    let bench = Bench::new();
    // Too many dots for a look-up, so that the test needs no DNS.
    let text = "CanonicalizeHostname yes\nCanonicalDomains example.invalid\nMatch canonical host a.b.c\n  Port 5\n";
    let evaluation = bench.ask(text, "a.b.c", &bench.oracle).unwrap();
    let reason = evaluation.needs_oracle.unwrap();
    assert_eq!(
        (reason.what, reason.place.unwrap().line),
        ("CanonicalizeHostname", 1)
    );
    assert_eq!(evaluation.settings.port, 5);
}

#[test]
fn options_and_flags_reach_ssh() {
    let bench = Bench::new();
    let config = bench.config("Match user ann exec \"test %p = 77\"\n  HostName yes.example\n");
    let options = [config.option("Compression=yes").unwrap().unwrap()];
    let query = Query {
        host: "foo",
        user: Some("ann"),
        port: Some(77),
        options: &options,
    };
    let ask = config.evaluate_with_oracle(&query, &bench.oracle);
    let settings = bench.runtime.block_on(ask).unwrap().settings;
    assert_eq!(settings.hostname, "yes.example");
    assert!(settings.network.compression);
    assert_eq!((settings.user.as_str(), settings.port), ("ann", 77));
}

#[test]
fn whoever_stops_waiting_ends_ssh_and_all_that_it_started() {
    let bench = Bench::new();
    let pid_file = bench.home.path().join("pid");
    let text = format!(
        "Match exec \"echo $$ > {}; sleep 600; true\"\n",
        pid_file.display()
    );
    let config = bench.config(&text);
    let pid = bench.runtime.block_on(async {
        let query = Query::host("foo");
        let started = async {
            let deadline = Instant::now() + Duration::from_secs(8);
            while Instant::now() < deadline {
                match fs::read_to_string(&pid_file) {
                    Ok(pid) if pid.ends_with('\n') => return pid,
                    // tidy: allow-sleep the file comes from another process, polled until a deadline
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
            panic!("the command was not started");
        };
        tokio::select! {
            answer = config.evaluate_with_oracle(&query, &bench.oracle) => panic!("{answer:?}"),
            pid = started => pid,
        }
    });
    let status = format!("/proc/{}/stat", pid.trim());
    let deadline = Instant::now() + Duration::from_secs(5);
    // A process that has ended may still wait for whoever adopts it.
    while fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "{pid} still runs");
        std::thread::yield_now();
    }
}

#[test]
fn patience_ends() {
    let bench = Bench::new();
    let oracle = Oracle::new("ssh").with_timeout(Duration::from_millis(100));
    let error = bench
        .ask("Match exec \"sleep 600\"\n", "foo", &oracle)
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConfigError::Oracle {
                source: OracleError::Timeout(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.hint().is_some());
}

#[test]
fn what_ssh_says_is_passed_on() {
    let bench = Bench::new();
    let text = "Match exec true\n  Port 5\n";
    let error = bench
        .ask(text, "foo", &Oracle::new("/nowhere/ssh"))
        .unwrap_err();
    assert!(matches!(
        error,
        ConfigError::Oracle {
            source: OracleError::Spawn { .. },
            ..
        }
    ));
    let text = "Match exec true\n  UserKnownHostsFile ~nosuchuser/x\n";
    let error = bench.ask(text, "foo", &bench.oracle).unwrap_err();
    let ConfigError::Oracle {
        source: OracleError::Failed { stderr, .. },
        host,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(host, "foo");
    assert!(stderr.contains("nosuchuser"), "{stderr}");
}

#[test]
fn newer_clients_files_are_read() {
    let bench = Bench::new();
    let text = "ObscureKeystrokeTiming no\nChannelTimeout session=5m\nTag fleet\nMatch tagged fleet,x\n  Port 5\nMatch !tagged fleet\n  Port 6\nHost net\n  Tag other\nMatch originalhost net localnetwork 10.0.0.0/8\n  Port 7\n";
    let config = bench.config(text);
    let foo = config.evaluate(&Query::host("foo")).unwrap();
    assert_eq!((foo.settings.port, foo.needs_oracle), (5, None));
    assert_eq!(foo.settings.tag.as_deref(), Some("fleet"));
    let net = config.evaluate(&Query::host("net")).unwrap();
    assert_eq!(net.needs_oracle.unwrap().what, "Match localnetwork");
    let zone = config.evaluate(&Query::host("fe80::1%lo")).unwrap();
    assert_eq!(zone.needs_oracle.unwrap().what, "an address with a zone");
}

#[test]
fn tokens_of_a_proxy_command() {
    let bench = Bench::new();
    let config = bench.config("HostName 10.1\nPort 5\nUser x\nProxyCommand nc -u %r %h %p %n %%\n");
    let settings = config.evaluate(&Query::host("Web")).unwrap().settings;
    assert_eq!(
        settings.proxy_command().unwrap().unwrap(),
        "nc -u x 10.0.0.1 5 Web %"
    );
    let config = bench.config("ProxyCommand nc %u\n");
    let settings = config.evaluate(&Query::host("web")).unwrap().settings;
    assert!(settings.proxy_command().unwrap().is_err());
}
