//! Where errors are said to be, and what is said about files as such.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use towline_remote::ssh_config::{ConfigError, Query, Sources, SshConfig};

use crate::support::{Bench, Typed, chain, write_private};

fn refused(bench: &Bench, text: &str) -> String {
    let path = bench.home.path().join("config");
    write_private(&path, text.as_bytes());
    let error = bench
        .ours(&Sources::File(path), &Typed::host("foo"))
        .unwrap_err();
    let prefix = format!("{}/", bench.home.path().display());
    chain(&error).replace(&prefix, "")
}

#[test]
fn errors_name_file_line_and_column() {
    let bench = Bench::new();
    for (text, said) in [
        (
            "\n  Bogus yes\n",
            "config:2:3: bogus is not a keyword of ssh_config",
        ),
        (
            "Host a\n\tPort  70000",
            "config:2:8: \"70000\" is not a port, 1 to 65535",
        ),
        ("Port", "config:1:1: no value after port"),
        ("Port # 22", "config:1:6: port needs a value"),
        ("User é ü", "config:1:8: user takes no further words"),
        ("Host a \"b", "config:1:8: a quotation mark is not closed"),
        (
            "Compression maybe",
            "config:1:13: \"maybe\" is not yes or no",
        ),
        (
            "ProxyJump = a,b:x",
            "config:1:13: \"b:x\" is not a host to jump through",
        ),
        (
            "Match host a weather fine",
            "config:1:14: weather is not a criterion of Match",
        ),
        ("Match user", "config:1:11: user needs a value"),
        (
            "Match exec \"x %z\"",
            "config:1:12: %z is not a token that is replaced here",
        ),
        (
            "Match user a all b",
            "config:1:14: all stands alone, or after one other criterion",
        ),
        ("Match # x", "config:1:1: Match needs one or more criteria"),
        (
            "SetEnv A=1 B",
            "config:1:12: \"B\" is not of the form NAME=VALUE",
        ),
        (
            "AddKeysToAgent yes 5",
            "config:1:20: \"5\" is not yes, no, ask, confirm",
        ),
        (
            "IdentityAgent ${NO_SUCH}",
            "config:1:15: the environment variable NO_SUCH is not set",
        ),
        (
            "HostName %n",
            "can not expand HostName \"%n\": %n is not a token",
        ),
        (
            "IdentityFile ${NO_SUCH}/k",
            "can not expand IdentityFile \"${NO_SUCH}/k\": the env",
        ),
    ] {
        let error = refused(&bench, text);
        assert!(error.starts_with(said), "{text:?}: {error}");
    }
}

#[test]
fn invalid_text_is_refused_only_where_it_counts() {
    let bench = Bench::new();
    let path = bench.home.path().join("config");
    write_private(&path, b"Port 5 # caf\xe9\nUser caf\xe9\n");
    let error = bench
        .ours(&Sources::File(path), &Typed::host("foo"))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("config:2:1: the line is not valid UTF-8"),
        "{error}"
    );
}

#[test]
fn options_are_checked_like_lines() {
    let bench = Bench::new();
    let config = SshConfig::load(Sources::Nothing, bench.env.clone()).unwrap();
    for (option, said) in [
        ("Port=x", "-o: \"x\" is not a port, 1 to 65535"),
        ("Host=x", "-o: Host can not be given as an option"),
        ("Include x", "-o: Include can not be given as an option"),
    ] {
        assert_eq!(config.option(option).unwrap_err().to_string(), said);
    }
    assert!(config.option("").unwrap().is_none());
}

#[test]
fn files_that_others_may_write_are_refused() {
    let bench = Bench::new();
    let (user, system) = (
        bench.home.path().join("user"),
        bench.home.path().join("system"),
    );
    write_private(&user, b"Port 5\n");
    write_private(&system, b"Port 6\nUser sys\nSendEnv A\n");
    let load = |sources: &Sources| SshConfig::load(sources.clone(), bench.env.clone());
    let sources = Sources::Standard {
        user: user.clone(),
        system: system.clone(),
    };
    let settings = load(&sources)
        .unwrap()
        .evaluate(&Query::host("foo"))
        .unwrap()
        .settings;
    assert_eq!((settings.port, settings.user.as_str()), (5, "sys"));

    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(&user, 0o620);
    let error = load(&sources).unwrap_err();
    assert!(
        matches!(&error, ConfigError::Permissions { path } if *path == user),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("chmod go-w"));
    // A file that was named is the caller's choice; one that it includes is not.
    assert!(load(&Sources::File(user.clone())).is_ok());
    write_private(&system, format!("Include {}\n", user.display()).as_bytes());
    assert!(matches!(
        load(&sources),
        Err(ConfigError::Permissions { .. })
    ));
    set_mode(&user, 0o600);
    assert!(load(&sources).is_ok());
    // `~` is the user's, so the system's files may not include it.
    write_private(&system, b"Include ~/x\n");
    let error = load(&sources).unwrap_err().to_string();
    assert!(
        error.contains("system:1:1: \"~/x\" is not a path that a system-wide file"),
        "{error}"
    );
}

#[test]
fn missing_files_matter_only_when_named() {
    let bench = Bench::new();
    let load = |sources| SshConfig::load(sources, bench.env.clone());
    let nowhere = bench.home.path().join("nowhere");
    let sources = Sources::Standard {
        user: nowhere.clone(),
        system: nowhere.clone(),
    };
    assert!(load(sources).is_ok());
    assert!(matches!(
        load(Sources::File(nowhere)),
        Err(ConfigError::Read { .. })
    ));
    assert_eq!(Sources::from_flag("NONE"), Sources::Nothing);
}

#[test]
fn a_file_that_includes_itself_is_found_out() {
    let bench = Bench::new();
    let path = bench.home.path().join("loop");
    write_private(&path, format!("Include {}\n", path.display()).as_bytes());
    let error = SshConfig::load(Sources::File(path), bench.env.clone()).unwrap_err();
    assert!(
        matches!(error, ConfigError::TooDeep { ref place } if place.line == 1),
        "{error}"
    );
}

#[test]
fn what_is_not_honoured_is_said_once_by_name() {
    let bench = Bench::new();
    let path = bench.home.path().join("config");
    write_private(
        &path,
        b"Host foo\n  LocalForward 1 a:2\n  LocalForward 2 a:2\n  ForwardX11 no\n  Tunnel yes\nHost bar\n  RemoteForward 1 a:2\n",
    );
    let config = SshConfig::load(Sources::File(path), bench.env.clone()).unwrap();
    let said = |host| {
        let evaluation = config.evaluate(&Query::host(host)).unwrap();
        let said = evaluation.unsupported.into_iter();
        said.map(|it| (it.keyword, it.place.line))
            .collect::<Vec<_>>()
    };
    assert_eq!(said("foo"), [("localforward", 2), ("tunnel", 5)]);
    assert_eq!(said("bar"), [("remoteforward", 7)]);
}
