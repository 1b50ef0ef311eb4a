use super::*;
use crate::command::{BecomeMethod, Script};

fn line(command: &Command) -> String {
    String::from_utf8(command.wire(&Mark::new(0xab)).unwrap().line).unwrap()
}

const MARK: &str = "TOWLINE_ID=000000000000000000000000000000ab";

fn as_root(method: BecomeMethod, password: Option<&str>) -> Option<Become> {
    let account = crate::command::Account::root();
    let password = password.map(|p| Secret::new(p.as_bytes().to_vec()));
    Some(Become {
        account,
        method,
        password,
    })
}

#[test]
fn several_words_are_quoted_and_one_is_a_line() {
    let words = |w: &[&str]| Command::typed(w.iter().map(|w| w.as_bytes().to_vec()).collect());
    assert_eq!(
        line(&words(&["echo", "a b", "$HOME"])),
        format!("export {MARK}; 'echo' 'a b' '$HOME'")
    );
    assert_eq!(
        line(&words(&["echo $HOME | wc"])),
        format!("export {MARK}; echo $HOME | wc")
    );
}

#[test]
fn a_program_is_never_taken_for_a_keyword_or_an_assignment() {
    assert!(line(&Command::argv(["if"])).ends_with("; 'if'"));
    assert!(line(&Command::argv(["a=b", "c=d"])).contains("; 'a=b' "));
}

#[test]
fn folder_and_variables_come_before_the_command() {
    let mut command = Command::argv(["make"]);
    command.cwd = Some(b"my app".to_vec());
    command.env.insert("A".into(), b"x y".to_vec());
    assert_eq!(
        line(&command),
        format!("export {MARK} A='x y'; cd ./'my app' || exit 1; 'make'")
    );
    command.cwd = Some(b"/srv".to_vec());
    assert!(line(&command).contains("cd /srv ||"));
}

#[test]
fn a_script_gets_its_values_as_positional_parameters() {
    let script = Script {
        name: "probe.sh",
        text: "echo \"$1\"\n",
    };
    let command = Command::script(script, ["it's"]);
    assert_eq!(
        line(&command),
        format!("export {MARK}; sh -c 'echo \"$1\"\n' probe.sh 'it'\\''s'")
    );
}

#[test]
fn another_account_is_had_by_the_method_that_was_asked_for() {
    let with = |method, password| Command::argv(["id"]).become_(as_root(method, password));
    assert!(line(&with(BecomeMethod::Sudo, None)).starts_with("sudo -n -u root -- /bin/sh -c "));
    assert!(line(&with(BecomeMethod::Doas, None)).starts_with("doas -n -u root -- /bin/sh -c "));
    let wire = with(BecomeMethod::Sudo, Some("pw"))
        .wire(&Mark::new(1))
        .unwrap();
    let text = String::from_utf8(wire.line).unwrap();
    assert!(text.starts_with("sudo -S -p '[towline "), "{text}");
    assert!(
        !text.contains("pw"),
        "the password stands in the line: {text}"
    );
    let prompt = wire.prompt.unwrap();
    assert!(!prompt.terminal);
    assert!(
        with(BecomeMethod::Doas, Some("pw"))
            .wire(&Mark::new(1))
            .unwrap()
            .prompt
            .unwrap()
            .terminal
    );
}

#[test]
fn what_can_not_be_said_is_refused() {
    let error = |command: Command| command.wire(&Mark::new(1)).err().unwrap();
    assert_eq!(
        error(Command::argv(Vec::<Vec<u8>>::new())),
        CommandError::Empty
    );
    assert_eq!(error(Command::argv([""])), CommandError::Empty);
    assert_eq!(error(Command::argv([&b"a\0b"[..]])), CommandError::Nul);
    assert_eq!(error(Command::line(&b"a\0b"[..])), CommandError::Nul);
    let become_ = as_root(BecomeMethod::Doas, Some("pw"));
    let command = Command::argv(["cat"]).become_(become_);
    let file = command.clone().stdin(Stdin::File("/etc/motd".into()));
    assert_eq!(error(file), CommandError::TerminalInput);
    let bytes = command.stdin(Stdin::Bytes("typed".into()));
    assert!(bytes.wire(&Mark::new(1)).is_ok());
    let mut command = Command::argv(["env"]);
    command.env.insert("A-B".into(), Vec::new());
    assert_eq!(error(command), CommandError::VariableName("A-B".into()));
}

#[test]
fn a_line_may_be_as_long_as_an_argument_of_a_program_can_be() {
    let wire = |length| Command::line("x".repeat(length)).wire(&Mark::new(1));
    let head = wire(0).unwrap().line.len();
    assert_eq!(wire(131_071 - head).unwrap().line.len(), 131_071);
    let error = wire(131_072 - head).err().unwrap();
    assert_eq!(error, CommandError::TooLong { bytes: 131_072 });
}

#[test]
fn the_display_is_what_one_would_type() {
    let command = Command::argv(["echo", "a b"]).become_(as_root(BecomeMethod::Sudo, Some("pw")));
    assert_eq!(command.display(), "sudo -u root -- echo 'a b'");
}
