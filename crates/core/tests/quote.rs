//! Quoted words against real shells: what goes in must come out of `printf` byte for byte.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is to be seen at once"
)]

use std::{
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    process::{Command, Output},
};

use proptest::prelude::*;
use towline_core::quote::quote_into;

/// A shell as it is started, up to where the line goes.
type Shell = &'static [&'static str];

/// Without these the tests mean nothing, so their absence is a failure.
const NEEDED: &[Shell] = &[&["dash"], &["bash"], &["busybox", "sh"]];

/// Login shells that people have; tried where they are installed.
const OPTIONAL: &[Shell] = &[
    &["zsh", "-f"],
    &["fish", "--no-config"],
    &["ksh"],
    &["mksh"],
];

/// What Linux takes as one argument (MAX_ARG_STRLEN), its NUL included.
const LONGEST_ARGUMENT: usize = 128 * 1024;

fn shells() -> Vec<Shell> {
    let there = |program: &str| {
        std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        })
    };
    for shell in NEEDED {
        assert!(
            there(shell[0]),
            "{0} is needed to test quoting: apt-get install {0}",
            shell[0]
        );
    }
    let optional = OPTIONAL.iter().filter(|shell| there(shell[0]));
    NEEDED.iter().chain(optional).copied().collect()
}

/// `printf '%s\0' ARGS…`, which prints each argument followed by a NUL.
fn printf_line(args: &[Vec<u8>]) -> Vec<u8> {
    let mut line = br"printf '%s\0'".to_vec();
    for arg in args {
        line.push(b' ');
        quote_into(&mut line, arg).unwrap();
    }
    line
}

/// Runs `line` as sshd would, or from a file where it is too long for an argument.
fn run(shell: Shell, line: &[u8], scratch: &Path) -> Output {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]);
    if line.len() < LONGEST_ARGUMENT {
        command.arg("-c").arg(std::ffi::OsStr::from_bytes(line));
    } else {
        let script = scratch.join("line");
        fs::write(&script, line).unwrap();
        command.arg(script);
    }
    // A UTF-8 locale is the harder case: there a shell decodes, and bytes may not survive it.
    command
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", scratch)
        .current_dir(scratch)
        .output()
        .unwrap()
}

#[track_caller]
fn assert_survive(args: &[Vec<u8>]) {
    let scratch = tempfile::tempdir().unwrap();
    let line = printf_line(args);
    let expected: Vec<u8> = args
        .iter()
        .flat_map(|arg| arg.iter().copied().chain([0]))
        .collect();
    for shell in shells() {
        let output = run(shell, &line, scratch.path());
        assert!(
            output.stdout == expected && output.status.success(),
            "{shell:?} read {} arguments otherwise\nline: {}\nexpected: {}\ngot: {}\nstderr: {}",
            args.len(),
            excerpt(&line),
            excerpt(&expected),
            excerpt(&output.stdout),
            excerpt(&output.stderr),
        );
    }
}

fn excerpt(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(2000)].escape_ascii().to_string()
}

#[test]
fn every_single_byte_survives_alone_and_between_others() {
    let bytes = 1..=u8::MAX;
    let alone = bytes.clone().map(|byte| vec![byte]);
    let between = bytes.clone().map(|byte| vec![b'a', byte, b'z']);
    let doubled = bytes.map(|byte| vec![byte, byte]);
    assert_survive(&alone.chain(between).chain(doubled).collect::<Vec<_>>());
}

#[test]
fn every_pair_of_bytes_special_to_some_shell_survives() {
    let special = b"'\"\\$`!~#&|;<>()[]{}*?^%=@+-,. \t\n\ra0\x1b\x7f\xc3\xa4\xff";
    let pairs: Vec<Vec<u8>> = special
        .iter()
        .flat_map(|&one| special.iter().map(move |&other| vec![one, other]))
        .collect();
    assert_survive(&pairs);
}

#[test]
fn known_traps_survive() {
    let traps: &[&[u8]] = &[
        b"",
        b"-",
        b"--",
        b"-n",
        b"-e",
        b"--help",
        b"-v",
        b"A=b",
        b"~",
        b"~root",
        b"=ls",
        b"%self",
        b"$HOME",
        b"$(touch pwned)",
        b"`touch pwned`",
        b"; touch pwned",
        b"'; touch pwned; '",
        b"\\'; touch pwned; \\'",
        b"a\nb\n",
        b"\n",
        b"\r\n",
        b"%s%d\\n",
        b"/etc/*",
        b"{a,b}",
        b"!!",
        b"\\",
        b"\\\\'\\'",
        b"time",
        b"if",
        b"\xff\xfe\xfd",
        b"\xc3",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        "\u{f601}\u{202e}\u{feff}".as_bytes(),
    ];
    assert_survive(&traps.iter().map(|trap| trap.to_vec()).collect::<Vec<_>>());
}

#[test]
fn a_hundred_kilobytes_survive() {
    const SIZE: usize = 100 * 1024;
    assert_survive(&[vec![b'x'; SIZE]]);
    assert_survive(&[vec![b'\''; SIZE], vec![b'\\'; SIZE]]);
    assert_survive(&[(1..=u8::MAX).cycle().take(SIZE).collect()]);
}

/// The first word of a line is where keywords, assignments and aliases are looked for: a program
/// of such a name must be looked up as a program.
#[test]
fn a_quoted_first_word_is_a_program() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = tempfile::tempdir().unwrap();
    for name in ["time", "if", "A=b", "do", "coproc", "select", "~", "#"] {
        let program = scratch.path().join(name);
        fs::write(&program, "#!/bin/sh\necho ran \"$1\"\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", scratch.path().display());
        let mut line = Vec::new();
        quote_into(&mut line, name.as_bytes()).unwrap();
        line.extend_from_slice(b" arg");
        for shell in NEEDED {
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .arg("-c")
                .arg(std::ffi::OsStr::from_bytes(&line))
                .env("PATH", &path)
                .output()
                .unwrap();
            assert_eq!(
                excerpt(&output.stdout),
                "ran arg\\n",
                "{shell:?} {name}: {}",
                excerpt(&output.stderr)
            );
        }
    }
}

/// Bytes without NUL, those that mean something to a shell more often than the others.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        1u8..=u8::MAX,
        proptest::sample::select(b"'\"\\$`!~#&|;<>(){}[]*?%=- \t\n".as_slice()),
        b'a'..=b'f',
    ];
    prop_oneof![
        proptest::collection::vec(byte, 0..40),
        any::<String>().prop_map(|text| text.replace('\0', "").into_bytes()),
    ]
}

proptest! {
    // Each case is one process per shell, and carries up to 200 arguments.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arbitrary_arguments_survive(args in proptest::collection::vec(argument(), 1..200)) {
        assert_survive(&args);
    }

    #[test]
    fn nul_is_refused_wherever_it_stands(
        before in argument(),
        after in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let arg = [before.as_slice(), &[0], &after].concat();
        let refused = towline_core::quote::quote(&arg).unwrap_err();
        prop_assert_eq!(refused.offset, before.len());
    }
}
