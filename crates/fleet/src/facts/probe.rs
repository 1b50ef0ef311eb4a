//! What is asked of a node.

use std::{fmt, str::FromStr};

use towline_core::command::{Command, Script};

const SCRIPT: Script = Script {
    name: "towline-probe",
    text: include_str!("probe.sh"),
};

/// A part of the facts that can be asked for. Name, kernel, processors, load, uptime and memory
/// are always told: they cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// The node's clock.
    Clock,
    /// File systems.
    Disk,
    /// How many inodes of the file systems are used; needs [`Section::Disk`].
    Inodes,
    /// Graphics cards.
    Gpu,
    /// What it can run.
    Runs,
    /// Versions of engines: each costs a start of its client.
    Versions,
    /// The account, its shell and home, and whether it becomes root without a password. Where it
    /// does not, sudo writes that to the node's log.
    Account,
    /// The limits of the SSH server.
    Sshd,
}

impl Section {
    /// What `tow status` shows.
    pub const STATUS: &'static [Self] = &[Self::Disk, Self::Gpu, Self::Runs];
    /// What `tow doctor` checks.
    pub const DOCTOR: &'static [Self] = &[
        Self::Clock,
        Self::Disk,
        Self::Inodes,
        Self::Runs,
        Self::Account,
        Self::Sshd,
    ];

    /// Its name in the script.
    fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Disk => "disk",
            Self::Inodes => "inodes",
            Self::Gpu => "gpu",
            Self::Runs => "runs",
            Self::Versions => "versions",
            Self::Account => "account",
            Self::Sshd => "sshd",
        }
    }
}

/// The command that makes a node tell about itself. Its output is for [`super::Facts::parse`].
///
/// It changes nothing, needs no rights, and every program it starts gets 2 seconds at most.
#[must_use]
pub fn probe(sections: &[Section], units: &[UnitName]) -> Command {
    let names: Vec<&str> = sections.iter().map(|section| section.name()).collect();
    let units = units.iter().map(|unit| unit.0.clone());
    Command::script(SCRIPT, std::iter::once(names.join(",")).chain(units))
}

/// The name of a service: `nginx`, `k3s.service`, `getty@tty1.service`.
///
/// At most 255 of the characters that systemd allows, the first of them no dash: it can be neither
/// a flag nor a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(String);

/// A text is no service name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a service: letters, digits and :_.\\@- may stand in it")]
pub struct InvalidUnitName(pub String);

impl FromStr for UnitName {
    type Err = InvalidUnitName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b);
        let named = text.bytes().any(|b| b.is_ascii_alphanumeric());
        if named && text.len() <= 255 && !text.starts_with('-') && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUnitName(text.to_owned()))
        }
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use towline_core::command::Mark;

    use super::*;

    #[test]
    fn names_of_services_can_be_no_flags_and_no_paths() {
        for good in [
            "nginx",
            "k3s.service",
            "getty@tty1.service",
            r"dev-disk-by\x2dlabel.swap",
        ] {
            assert!(good.parse::<UnitName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "..", "a/b", "a b", "a*", "a\nb", "$a"] {
            assert!(bad.parse::<UnitName>().is_err(), "{bad:?}");
        }
    }

    /// Dropbear takes no longer command line than 9000 bytes.
    #[test]
    fn the_probe_fits_into_a_command_line_of_dropbear() {
        let unit: UnitName = "nginx.service".parse().unwrap();
        let everything = [Section::STATUS, Section::DOCTOR, &[Section::Versions]].concat();
        let wire = probe(&everything, &[unit]).wire(&Mark::new(0)).unwrap();
        assert!(wire.line.len() < 9000, "{} bytes", wire.line.len());
    }
}
