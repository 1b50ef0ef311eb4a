//! Words that stand for numbers: yes, no, and what else a setting may be.

/// Words that stand for numbers, whose case does not count. Of several with one number, the first is what ssh prints.
pub(super) type Choices = &'static [(&'static str, i64)];

pub(super) const FLAG: Choices = &[("true", 1), ("false", 0), ("yes", 1), ("no", 0)];
pub(super) const YES_NO_ASK: Choices =
    &[("true", 1), ("false", 0), ("yes", 1), ("no", 0), ("ask", 2)];
pub(super) const STRICT: Choices = &[
    ("true", 2),
    ("false", 0),
    ("yes", 2),
    ("no", 0),
    ("ask", 3),
    ("off", 0),
    ("accept-new", 1),
];
pub(super) const ADD_KEYS: Choices = &[
    ("true", 1),
    ("false", 0),
    ("yes", 1),
    ("no", 0),
    ("ask", 2),
    ("confirm", 3),
];
pub(super) const FAMILY: Choices = &[("inet", 4), ("inet6", 6), ("any", 0)];
pub(super) const MASTER: Choices = &[
    ("true", 1),
    ("yes", 1),
    ("false", 0),
    ("no", 0),
    ("auto", 2),
    ("ask", 3),
    ("autoask", 4),
];
pub(super) const TTY: Choices = &[
    ("true", 1),
    ("yes", 1),
    ("false", 0),
    ("no", 0),
    ("force", 2),
    ("auto", 3),
];
pub(super) const SESSION: Choices = &[("none", 0), ("subsystem", 1), ("default", 2)];
pub(super) const CANONICALIZE: Choices = &[
    ("true", 1),
    ("false", 0),
    ("yes", 1),
    ("no", 0),
    ("always", 2),
];
pub(super) const PUBKEY: Choices = &[
    ("true", 1),
    ("false", 0),
    ("yes", 1),
    ("no", 0),
    ("unbound", 2),
    ("host-bound", 3),
];
pub(super) const COMPRESSION: Choices = &[("yes", 1), ("no", 0)];
pub(super) const TUNNEL: Choices = &[
    ("ethernet", 2),
    ("point-to-point", 1),
    ("true", 1),
    ("yes", 1),
    ("false", 0),
    ("no", 0),
];
pub(super) const LOG_LEVEL: Choices = &[
    ("quiet", 0),
    ("silent", 0),
    ("fatal", 1),
    ("error", 2),
    ("info", 3),
    ("verbose", 4),
    ("debug", 5),
    ("debug1", 5),
    ("debug2", 6),
    ("debug3", 7),
];

/// The number of a word.
pub(super) fn choose(choices: Choices, word: &str) -> Option<i64> {
    choices
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|&(_, number)| number)
}

/// What would have been right, in words.
pub(super) fn expected(choices: Choices) -> &'static str {
    const NAMES: &[(Choices, &str)] = &[
        (FLAG, "yes or no"),
        (COMPRESSION, "yes or no"),
        (YES_NO_ASK, "yes, no or ask"),
        (STRICT, "yes, no, ask, off or accept-new"),
        (FAMILY, "any, inet or inet6"),
        (MASTER, "yes, no, ask, auto or autoask"),
        (TTY, "yes, no, force or auto"),
        (SESSION, "none, subsystem or default"),
        (CANONICALIZE, "yes, no or always"),
        (PUBKEY, "yes, no, unbound or host-bound"),
        (TUNNEL, "yes, no, point-to-point or ethernet"),
        (
            LOG_LEVEL,
            "QUIET, FATAL, ERROR, INFO, VERBOSE or DEBUG to DEBUG3",
        ),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == choices)
        .map_or("a known word", |&(_, name)| name)
}
