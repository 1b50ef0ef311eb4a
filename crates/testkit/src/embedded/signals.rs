//! Signal names of the SSH protocol and the system's numbers.

use russh::Sig;
use rustix::process::Signal;

/// The signals OpenSSH's server accepts, by their names in RFC 4254, 6.9; USR2 is not named
/// there, but sent and accepted by everyone.
const NAMES: &[(Sig, Signal)] = &[
    (Sig::ABRT, Signal::ABORT),
    (Sig::ALRM, Signal::ALARM),
    (Sig::FPE, Signal::FPE),
    (Sig::HUP, Signal::HUP),
    (Sig::ILL, Signal::ILL),
    (Sig::INT, Signal::INT),
    (Sig::KILL, Signal::KILL),
    (Sig::PIPE, Signal::PIPE),
    (Sig::QUIT, Signal::QUIT),
    (Sig::SEGV, Signal::SEGV),
    (Sig::TERM, Signal::TERM),
    (Sig::USR1, Signal::USR1),
];

/// The signal to send for a request, if it is one that is accepted.
pub(crate) fn from_request(name: &Sig) -> Option<Signal> {
    if let Sig::Custom(name) = name {
        return (name == "USR2").then_some(Signal::USR2);
    }
    let wanted = std::mem::discriminant(name);
    let found = NAMES
        .iter()
        .find(|(sig, _)| std::mem::discriminant(sig) == wanted);
    found.map(|(_, signal)| *signal)
}

/// The protocol's name of the signal that ended a process.
pub(crate) fn to_name(number: i32) -> Sig {
    let found = NAMES.iter().find(|(_, signal)| signal.as_raw() == number);
    match found {
        Some((sig, _)) => sig.clone(),
        None if number == Signal::USR2.as_raw() => Sig::Custom("USR2".to_owned()),
        // What OpenSSH says for a signal that has no name in the protocol.
        None => Sig::Custom("SIG@openssh.com".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (sig, signal) in NAMES {
            assert_eq!(from_request(sig), Some(*signal));
            let named = to_name(signal.as_raw());
            assert_eq!(std::mem::discriminant(&named), std::mem::discriminant(sig));
        }
        assert_eq!(
            from_request(&Sig::Custom("USR2".to_owned())),
            Some(Signal::USR2)
        );
        assert!(matches!(to_name(Signal::USR2.as_raw()), Sig::Custom(name) if name == "USR2"));
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(from_request(&Sig::Custom("STOP".to_owned())), None);
        let unnamed = to_name(Signal::XCPU.as_raw());
        assert!(matches!(unnamed, Sig::Custom(name) if name == "SIG@openssh.com"));
    }
}
