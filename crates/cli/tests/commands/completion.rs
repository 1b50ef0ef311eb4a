//! `tow completion`.

use crate::support::World;

/// Shells that are not here can not be asked; bash is on every Debian.
fn is_installed(shell: &str) -> bool {
    std::process::Command::new(shell)
        .args(["-c", "exit 0"])
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn each_shell_can_read_its_script() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.tow(["completion", shell]).expect(0);
        assert!(script.out().contains("rerun-failed"), "{shell}");
        let file = world.write(&format!("work/{shell}.script"), &script.out());
        if shell != "bash" && !is_installed(shell) {
            continue;
        }
        let checked = std::process::Command::new(shell)
            .arg("-n")
            .arg(&file)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{shell}: {checked:?}");
    }
}

#[test]
fn an_unknown_shell_is_named_with_the_known_ones() {
    let done = World::new().tow(["completion", "tcsh"]).expect(2);
    assert!(done.err().contains("bash"), "{}", done.err());
}
