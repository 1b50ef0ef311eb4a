//! Login shells of many kinds, and what they write of their own.

use crate::ground::Ground;

#[test]
fn words_reach_the_program_as_they_are_whatever_the_login_shell() {
    let ground = Ground::shared();
    let words = [
        "it's", "a\nb", "$HOME", "!!x", "*", "-n", "", "\\", "ü \"q\"",
    ];
    for user in ["admin", "ash", "dash", "noisy"] {
        let done = ground
            .tow(["exec", "-w", "n1", "-l", user, "-N", "--", "printf", "%s|"])
            .and(words)
            .expect(0);
        let out = done.out();
        let wanted = [&words.join("|"), "|"].concat();
        assert!(out.ends_with(&wanted), "{user}: {out}");
    }
}

#[test]
fn a_noisy_login_shell_does_not_disturb_an_ending() {
    let ground = Ground::shared();
    let done = ground
        .tow([
            "exec",
            "-w",
            "n1",
            "-l",
            "noisy",
            "-u",
            "1",
            "--",
            "sleep 1000",
        ])
        .expect(3);
    assert!(done.err().contains("ended"), "{}", done.err());
    assert!(done.out().contains("Welcome!"), "{}", done.out());
}
