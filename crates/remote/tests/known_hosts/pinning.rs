//! Keys that are written down on first use.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use rustix::{process::Uid, thread::set_thread_res_uid};
use towline_remote::known_hosts::{
    HostKeyError, KnownHosts, KnownHostsError, Options, Pinned, TrustedBy, Verdict,
};

use super::support::{Folder, host, key, on_port, open, text, trusted_line};

/// Tells this test binary, started again, which file to write to and as whom.
const FILE: &str = "TOWLINE_TEST_KNOWN_HOSTS";
const WRITER: &str = "TOWLINE_TEST_WRITER";

#[test]
fn a_new_key_is_appended_and_known_at_once() {
    let file = Folder::with("# mine\nold x");
    let known = file.open();
    let other = known.clone();
    let before = other.check(&on_port("web", 2222), &key(1));
    assert_eq!(before, Verdict::Unknown { authority: None });
    let pinned = known.pin(&on_port("Web", 2222), &key(1)).unwrap();
    assert!(matches!(pinned, Pinned::Written(at) if at.line == 3));
    assert_eq!(
        file.content(),
        format!("# mine\nold x\n[web]:2222 {}\n", text(&key(1)))
    );
    let verdict = other.check(&on_port("web", 2222), &key(1));
    assert_eq!(trusted_line(&verdict), Some((3, TrustedBy::Key)));
    let reread = open(&file.file()).check(&on_port("web", 2222), &key(1));
    assert_eq!(trusted_line(&reread), Some((3, TrustedBy::Key)));

    let again = known.pin(&on_port("web", 2222), &key(1)).unwrap();
    assert!(matches!(again, Pinned::Already(at) if at.line == 3));
    assert_eq!(file.content().lines().count(), 3);
}

#[test]
fn a_second_key_for_one_host_is_refused() {
    let file = Folder::with("");
    let known = file.open();
    // Another program writes while this run believes that the file is empty.
    let late = file.open();
    known.pin(&host("web"), &key(1)).unwrap();
    let refused = late.pin(&host("web"), &key(2)).unwrap_err();
    assert!(
        matches!(&refused, KnownHostsError::Refused(error) if matches!(**error, HostKeyError::Changed { .. }))
    );
    assert!(refused.hint("web-01").contains("tow node trust web-01"));
    assert_eq!(file.content().lines().count(), 1);
}

#[test]
fn names_are_hashed_when_asked_for() {
    let file = Folder::with("");
    let options = Options {
        hash_new_entries: true,
    };
    let known = KnownHosts::open(&[file.file()], &[], options).unwrap();
    known.pin(&host("web"), &key(1)).unwrap();
    assert!(file.content().starts_with("|1|"), "{}", file.content());
    assert!(!file.content().contains("web"));
    let verdict = open(&file.file()).check(&host("web"), &key(1));
    assert_eq!(trusted_line(&verdict), Some((1, TrustedBy::Key)));
}

#[test]
fn file_and_folder_are_created_for_their_owner_only() {
    let folder = Folder::with("");
    let file = folder.path().join(".ssh/known_hosts");
    open(&file).pin(&host("web"), &key(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
}

#[test]
fn a_symlink_is_written_through() {
    let folder = Folder::with("# real\n");
    let link = folder.path().join("link");
    symlink("known_hosts", &link).unwrap();
    open(&link).pin(&host("web"), &key(1)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(folder.content().starts_with("# real\nweb "));
}

#[test]
fn without_a_file_a_key_is_known_for_this_run() {
    for files in [vec![], vec![PathBuf::from("/dev/null")]] {
        let known = KnownHosts::open(&files, &[], Options::default()).unwrap();
        let pinned = known.pin(&host("web"), &key(1)).unwrap();
        assert_eq!(pinned, Pinned::ForThisRun);
        let verdict = known.check(&host("web"), &key(1));
        assert_eq!(trusted_line(&verdict), Some((1, TrustedBy::Key)));
        assert!(known.pin(&host("web"), &key(2)).is_err());
        known.pin(&host("db"), &key(2)).unwrap();
        let verdict = known.check(&host("db"), &key(2));
        assert_eq!(trusted_line(&verdict), Some((2, TrustedBy::Key)));
    }
}

#[test]
fn a_file_that_must_not_be_written_is_named_with_the_cure() {
    let folder = Folder::with("");
    let read_only = fs::Permissions::from_mode(0o444);
    fs::set_permissions(folder.file(), read_only).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.file();
    let refused = thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            // Root may write anywhere, so this thread stops being root.
            let nobody = Uid::from_raw(65534);
            set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        open(&file).pin(&host("web"), &key(1)).unwrap_err()
    });
    let refused = refused.join().unwrap();
    match &refused {
        KnownHostsError::Write { path, source } => {
            assert_eq!(*path, folder.file());
            assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
        }
        other => panic!("{other:?}"),
    }
    let path = folder.file().display().to_string();
    assert!(refused.to_string().contains(&path));
    assert!(
        refused
            .hint("web")
            .contains(&format!("make {path} writable"))
    );
}

/// Every line whole, every one of `expected` there once.
fn assert_whole(content: &str, expected: &BTreeSet<String>) {
    assert!(content.is_empty() || content.ends_with('\n'));
    let lines: Vec<_> = content.lines().map(str::to_owned).collect();
    let distinct: BTreeSet<_> = lines.iter().cloned().collect();
    assert_eq!(distinct.len(), lines.len(), "a line is there twice");
    assert_eq!(&distinct, expected);
}

fn lines(numbers: impl Iterator<Item = u64>) -> BTreeSet<String> {
    numbers
        .map(|number| format!("web-{number} {}", text(&key(number))))
        .collect()
}

fn pin_range(known: &KnownHosts, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        let name = format!("web-{number}");
        known.pin(&host(&name), &key(number)).unwrap();
    }
}

#[test]
fn two_hundred_connections_pin_at_once() {
    let file = Folder::with("");
    let known = file.open();
    let start = Barrier::new(200);
    thread::scope(|scope| {
        for number in 0..200 {
            let (known, start) = (&known, &start);
            scope.spawn(move || {
                start.wait();
                pin_range(known, [number, (number + 1) % 200].into_iter());
            });
        }
    });
    assert_whole(&file.content(), &lines(0..200));
    for number in 0..200 {
        let name = format!("web-{number}");
        let verdict = known.check(&host(&name), &key(number));
        assert!(trusted_line(&verdict).is_some(), "{name}");
    }
}

/// Pins 200 keys. Also what the programs of the next two tests run, on a file that they share.
#[test]
fn a_writer_pins_its_keys() {
    let own = Folder::with("");
    let shared = env::var_os(FILE);
    let writer: u64 = env::var(WRITER).map_or(0, |writer| writer.parse().unwrap());
    let file = shared.as_ref().map_or(own.file(), PathBuf::from);
    let numbers = || (0..100).chain(1000 * (writer + 1)..1000 * (writer + 1) + 100);
    let known = open(&file);
    pin_range(&known, numbers());
    if shared.is_none() {
        assert_whole(&own.content(), &lines(numbers()));
    }
}

/// Replaces one host's key again and again. Also what the program of the next test runs.
#[test]
fn a_writer_replaces_a_key() {
    let shared = env::var_os(FILE);
    let rounds = if shared.is_some() { 5000 } else { 20 };
    let own = Folder::with("# mine\nother x\n");
    let file = shared.as_ref().map_or(own.file(), PathBuf::from);
    let known = open(&file);
    for number in 0..rounds {
        known.retrust(&host("web"), &key(number)).unwrap();
    }
    if shared.is_none() {
        let last = text(&key(rounds - 1));
        assert_eq!(own.content(), format!("# mine\nother x\nweb {last}\n"));
    }
}

#[test]
fn a_program_killed_while_it_replaces_a_key_leaves_a_whole_file() {
    for round in 1..6 {
        let mine: String = (100..200)
            .map(|number| format!("web-{number} {}\n", text(&key(number))))
            .collect();
        let file = Folder::with(&mine);
        let mut writer = start("pinning::a_writer_replaces_a_key", &file.file(), 0);
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut seen = BTreeSet::new();
        while seen.len() < 3 * round {
            assert!(Instant::now() < deadline, "nothing was replaced");
            seen.insert(file.content());
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        seen.insert(file.content());
        for content in seen {
            let rest = content.strip_prefix(&mine).unwrap();
            assert!(rest.is_empty() || (rest.starts_with("web ssh-") && rest.lines().count() == 1));
        }
        // What the killed one was writing beside the file does not stay there.
        let known = file.open();
        known.retrust(&host("web"), &key(7777)).unwrap();
        assert!(trusted_line(&file.open().check(&host("web"), &key(7777))).is_some());
        assert_eq!(fs::read_dir(file.path()).unwrap().count(), 1);
    }
}

fn start_writer(file: &Path, writer: u64) -> std::process::Child {
    start("pinning::a_writer_pins_its_keys", file, writer)
}

fn start(test: &str, file: &Path, writer: u64) -> std::process::Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(FILE, file)
        .env(WRITER, writer.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn several_programs_pin_at_once() {
    let file = Folder::with("");
    let writers: Vec<_> = (0..3).map(|n| start_writer(&file.file(), n)).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let expected = lines(
        (0..100)
            .chain(1000..1100)
            .chain(2000..2100)
            .chain(3000..3100),
    );
    assert_whole(&file.content(), &expected);
}

#[test]
fn a_killed_program_leaves_whole_lines_and_no_lock() {
    for after in [1, 17, 60] {
        let file = Folder::with("# mine\n");
        let mut writer = start_writer(&file.file(), 0);
        let deadline = Instant::now() + Duration::from_secs(20);
        while file.content().lines().count() < after {
            assert!(Instant::now() < deadline, "the writer wrote nothing");
            thread::yield_now();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let content = file.content();
        assert!(content.starts_with("# mine\n") && content.ends_with('\n'));
        let all = lines((0..100).chain(1000..1100));
        assert!(content.lines().skip(1).all(|line| all.contains(line)));
        let known = file.open();
        assert!(known.warnings().is_empty());
        known.pin(&host("next"), &key(5)).unwrap();
        assert!(matches!(
            known.check(&host("next"), &key(5)),
            Verdict::Trusted { .. }
        ));
    }
}

#[test]
fn a_lock_held_by_another_program_is_waited_for() {
    let file = Folder::with("");
    let holder = fs::File::open(file.file()).unwrap();
    holder.lock().unwrap();
    let known = file.open();
    thread::scope(|scope| {
        let pin = scope.spawn(|| known.pin(&host("web"), &key(1)));
        // It must not get through while the lock is held.
        let until = Instant::now() + Duration::from_millis(50);
        while Instant::now() < until {
            assert!(!pin.is_finished());
            thread::yield_now();
        }
        holder.unlock().unwrap();
        assert!(matches!(pin.join().unwrap(), Ok(Pinned::Written(_))));
    });
}
