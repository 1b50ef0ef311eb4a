//! The keywords, and what kind of value each of them takes.

use super::choices::*;

/// Settings kept as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    BindAddress,
    BindInterface,
    CaSignatureAlgorithms,
    Ciphers,
    ControlPath,
    ForwardAgentPath,
    HostKeyAlgorithms,
    HostKeyAlias,
    HostbasedAcceptedAlgorithms,
    Hostname,
    IdentityAgent,
    IgnoreUnknown,
    KexAlgorithms,
    KnownHostsCommand,
    Macs,
    Pkcs11Provider,
    PreferredAuthentications,
    ProxyCommand,
    PubkeyAcceptedAlgorithms,
    RemoteCommand,
    RevokedHostKeys,
    SecurityKeyProvider,
    Tag,
    User,
}

/// How many there are of [`Text`].
pub(super) const TEXTS: usize = Text::User as usize + 1;

/// Settings kept as a number: flags, choices, counts, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    AddKeysToAgent,
    AddKeysLifetime,
    AddressFamily,
    BatchMode,
    CanonicalizeHostname,
    CheckHostIp,
    Compression,
    ConnectTimeout,
    ConnectionAttempts,
    ControlMaster,
    ControlPersist,
    ControlPersistSeconds,
    ForwardAgent,
    GssapiAuthentication,
    HashKnownHosts,
    HostbasedAuthentication,
    IdentitiesOnly,
    KbdInteractiveAuthentication,
    LogLevel,
    NoHostAuthenticationForLocalhost,
    PasswordPrompts,
    PasswordAuthentication,
    PermittedCnames,
    Port,
    ProxyUseFdpass,
    PubkeyAuthentication,
    RekeyBytes,
    RekeySeconds,
    RequestTty,
    RequiredRsaSize,
    ServerAliveCountMax,
    ServerAliveInterval,
    SessionType,
    StrictHostKeyChecking,
    TcpKeepAlive,
    UpdateHostKeys,
    VerifyHostKeyDns,
}

/// How many there are of [`Number`].
pub(super) const NUMBERS: usize = Number::VerifyHostKeyDns as usize + 1;

/// What a value is checked against when Towline has no use for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// One word.
    Word,
    Choice(Choices),
    Count,
    Seconds,
    /// Any number of words.
    Words,
}

/// What a keyword does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Host,
    Match,
    Include,
    Text(Text),
    /// The rest of the line as it stands.
    Command(Text),
    ProxyCommand,
    ProxyJump,
    Choice(Number, Choices),
    Count(Number),
    Seconds(Number),
    Port,
    RekeyLimit,
    IdentityFile,
    CertificateFile,
    UserKnownHosts,
    GlobalKnownHosts,
    SendEnv,
    SetEnv,
    ForwardAgent,
    IdentityAgent,
    AddKeysToAgent,
    ControlPersist,
    PermittedCnames,
    /// Read, checked a little, and of no consequence for a run over many hosts.
    Ignored(Check),
    /// Read, checked a little; would change what the user gets, but nothing here honours it. When a choice, only
    /// another number than 0 would.
    Unsupported(Check),
}

use Check as C;
use Keyword as K;
use Number as N;
use Text as T;

/// Lower-case name of each keyword that OpenSSH knows, newer ones than 9.2 included.
const KEYWORDS: &[(&str, Keyword)] = &[
    ("addkeystoagent", K::AddKeysToAgent),
    ("addressfamily", K::Choice(N::AddressFamily, FAMILY)),
    ("afstokenpassing", K::Ignored(C::Words)),
    ("batchmode", K::Choice(N::BatchMode, FLAG)),
    ("bindaddress", K::Text(T::BindAddress)),
    ("bindinterface", K::Text(T::BindInterface)),
    ("canonicaldomains", K::Ignored(C::Words)),
    ("canonicalizefallbacklocal", K::Ignored(C::Choice(FLAG))),
    (
        "canonicalizehostname",
        K::Choice(N::CanonicalizeHostname, CANONICALIZE),
    ),
    ("canonicalizemaxdots", K::Ignored(C::Count)),
    ("canonicalizepermittedcnames", K::PermittedCnames),
    ("casignaturealgorithms", K::Text(T::CaSignatureAlgorithms)),
    ("certificatefile", K::CertificateFile),
    (
        "challengeresponseauthentication",
        K::Choice(N::KbdInteractiveAuthentication, FLAG),
    ),
    ("channeltimeout", K::Ignored(C::Words)),
    ("checkhostip", K::Choice(N::CheckHostIp, FLAG)),
    ("cipher", K::Ignored(C::Words)),
    ("ciphers", K::Text(T::Ciphers)),
    ("clearallforwardings", K::Ignored(C::Choice(FLAG))),
    ("compression", K::Choice(N::Compression, COMPRESSION)),
    ("compressionlevel", K::Ignored(C::Words)),
    ("connectionattempts", K::Count(N::ConnectionAttempts)),
    ("connecttimeout", K::Seconds(N::ConnectTimeout)),
    ("controlmaster", K::Choice(N::ControlMaster, MASTER)),
    ("controlpath", K::Text(T::ControlPath)),
    ("controlpersist", K::ControlPersist),
    (
        "dsaauthentication",
        K::Choice(N::PubkeyAuthentication, PUBKEY),
    ),
    ("dynamicforward", K::Unsupported(C::Word)),
    ("enableescapecommandline", K::Ignored(C::Choice(FLAG))),
    ("enablesshkeysign", K::Ignored(C::Choice(FLAG))),
    ("escapechar", K::Ignored(C::Word)),
    ("exitonforwardfailure", K::Ignored(C::Choice(FLAG))),
    ("fallbacktorsh", K::Ignored(C::Words)),
    ("fingerprinthash", K::Ignored(C::Word)),
    ("forkafterauthentication", K::Ignored(C::Choice(FLAG))),
    ("forwardagent", K::ForwardAgent),
    ("forwardx11", K::Unsupported(C::Choice(FLAG))),
    ("forwardx11timeout", K::Ignored(C::Seconds)),
    ("forwardx11trusted", K::Ignored(C::Choice(FLAG))),
    ("gatewayports", K::Ignored(C::Choice(FLAG))),
    ("globalknownhostsfile", K::GlobalKnownHosts),
    ("globalknownhostsfile2", K::Ignored(C::Words)),
    (
        "gssapiauthentication",
        K::Choice(N::GssapiAuthentication, FLAG),
    ),
    ("gssapiclientidentity", K::Ignored(C::Word)),
    ("gssapidelegatecredentials", K::Ignored(C::Choice(FLAG))),
    ("gssapikexalgorithms", K::Ignored(C::Word)),
    ("gssapikeyexchange", K::Unsupported(C::Choice(FLAG))),
    ("gssapirenewalforcesrekey", K::Ignored(C::Choice(FLAG))),
    ("gssapiserveridentity", K::Ignored(C::Word)),
    ("gssapitrustdns", K::Ignored(C::Choice(FLAG))),
    ("hashknownhosts", K::Choice(N::HashKnownHosts, FLAG)),
    ("host", K::Host),
    (
        "hostbasedacceptedalgorithms",
        K::Text(T::HostbasedAcceptedAlgorithms),
    ),
    (
        "hostbasedauthentication",
        K::Choice(N::HostbasedAuthentication, FLAG),
    ),
    ("hostbasedkeytypes", K::Text(T::HostbasedAcceptedAlgorithms)),
    ("hostkeyalgorithms", K::Text(T::HostKeyAlgorithms)),
    ("hostkeyalias", K::Text(T::HostKeyAlias)),
    ("hostname", K::Text(T::Hostname)),
    ("identitiesonly", K::Choice(N::IdentitiesOnly, FLAG)),
    ("identityagent", K::IdentityAgent),
    ("identityfile", K::IdentityFile),
    ("identityfile2", K::IdentityFile),
    ("ignoreunknown", K::Text(T::IgnoreUnknown)),
    ("include", K::Include),
    ("ipqos", K::Ignored(C::Words)),
    (
        "kbdinteractiveauthentication",
        K::Choice(N::KbdInteractiveAuthentication, FLAG),
    ),
    ("kbdinteractivedevices", K::Ignored(C::Word)),
    ("keepalive", K::Choice(N::TcpKeepAlive, FLAG)),
    ("kerberosauthentication", K::Ignored(C::Words)),
    ("kerberostgtpassing", K::Ignored(C::Words)),
    ("kexalgorithms", K::Text(T::KexAlgorithms)),
    ("knownhostscommand", K::Command(T::KnownHostsCommand)),
    ("localcommand", K::Ignored(C::Words)),
    ("localforward", K::Unsupported(C::Words)),
    ("loglevel", K::Choice(N::LogLevel, LOG_LEVEL)),
    ("logverbose", K::Ignored(C::Words)),
    ("macs", K::Text(T::Macs)),
    ("match", K::Match),
    (
        "nohostauthenticationforlocalhost",
        K::Choice(N::NoHostAuthenticationForLocalhost, FLAG),
    ),
    ("numberofpasswordprompts", K::Count(N::PasswordPrompts)),
    ("obscurekeystroketiming", K::Ignored(C::Word)),
    (
        "passwordauthentication",
        K::Choice(N::PasswordAuthentication, FLAG),
    ),
    ("permitlocalcommand", K::Unsupported(C::Choice(FLAG))),
    ("permitremoteopen", K::Ignored(C::Words)),
    ("pkcs11provider", K::Text(T::Pkcs11Provider)),
    ("port", K::Port),
    (
        "preferredauthentications",
        K::Text(T::PreferredAuthentications),
    ),
    ("protocol", K::Ignored(C::Words)),
    ("protocolkeepalives", K::Seconds(N::ServerAliveInterval)),
    ("proxycommand", K::ProxyCommand),
    ("proxyjump", K::ProxyJump),
    ("proxyusefdpass", K::Choice(N::ProxyUseFdpass, FLAG)),
    (
        "pubkeyacceptedalgorithms",
        K::Text(T::PubkeyAcceptedAlgorithms),
    ),
    (
        "pubkeyacceptedkeytypes",
        K::Text(T::PubkeyAcceptedAlgorithms),
    ),
    (
        "pubkeyauthentication",
        K::Choice(N::PubkeyAuthentication, PUBKEY),
    ),
    ("refuseconnection", K::Unsupported(C::Words)),
    ("rekeylimit", K::RekeyLimit),
    ("remotecommand", K::Command(T::RemoteCommand)),
    ("remoteforward", K::Unsupported(C::Words)),
    ("requesttty", K::Choice(N::RequestTty, TTY)),
    ("requiredrsasize", K::Count(N::RequiredRsaSize)),
    ("revokedhostkeys", K::Text(T::RevokedHostKeys)),
    ("rhostsauthentication", K::Ignored(C::Words)),
    ("rhostsrsaauthentication", K::Ignored(C::Words)),
    ("rsaauthentication", K::Ignored(C::Words)),
    ("securitykeyprovider", K::Text(T::SecurityKeyProvider)),
    ("sendenv", K::SendEnv),
    ("serveralivecountmax", K::Count(N::ServerAliveCountMax)),
    ("serveraliveinterval", K::Seconds(N::ServerAliveInterval)),
    ("sessiontype", K::Choice(N::SessionType, SESSION)),
    ("setenv", K::SetEnv),
    ("setuptimeout", K::Seconds(N::ServerAliveInterval)),
    (
        "skeyauthentication",
        K::Choice(N::KbdInteractiveAuthentication, FLAG),
    ),
    ("smartcarddevice", K::Text(T::Pkcs11Provider)),
    ("stdinnull", K::Ignored(C::Choice(FLAG))),
    ("streamlocalbindmask", K::Ignored(C::Word)),
    ("streamlocalbindunlink", K::Ignored(C::Choice(FLAG))),
    (
        "stricthostkeychecking",
        K::Choice(N::StrictHostKeyChecking, STRICT),
    ),
    ("syslogfacility", K::Ignored(C::Word)),
    ("tag", K::Text(T::Tag)),
    ("tcpkeepalive", K::Choice(N::TcpKeepAlive, FLAG)),
    (
        "tisauthentication",
        K::Choice(N::KbdInteractiveAuthentication, FLAG),
    ),
    ("tunnel", K::Unsupported(C::Choice(TUNNEL))),
    ("tunneldevice", K::Ignored(C::Word)),
    ("updatehostkeys", K::Choice(N::UpdateHostKeys, YES_NO_ASK)),
    ("useblacklistedkeys", K::Ignored(C::Words)),
    ("useprivilegedport", K::Ignored(C::Words)),
    ("user", K::Text(T::User)),
    ("userknownhostsfile", K::UserKnownHosts),
    ("userknownhostsfile2", K::Ignored(C::Words)),
    ("useroaming", K::Ignored(C::Words)),
    ("usersh", K::Ignored(C::Words)),
    (
        "verifyhostkeydns",
        K::Choice(N::VerifyHostKeyDns, YES_NO_ASK),
    ),
    ("versionaddendum", K::Ignored(C::Words)),
    ("visualhostkey", K::Ignored(C::Choice(FLAG))),
    ("warnweakcrypto", K::Ignored(C::Words)),
    ("xauthlocation", K::Ignored(C::Word)),
];

/// The keyword of a lower-case name, with the name as it stands in the table.
pub(super) fn lookup(name: &str) -> Option<(&'static str, Keyword)> {
    let at = KEYWORDS
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    KEYWORDS.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(lookup("host"), Some(("host", Keyword::Host)));
        assert_eq!(lookup("hosts"), None);
    }
}
