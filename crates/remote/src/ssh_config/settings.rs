//! What ssh would do for one host, typed.

use std::path::PathBuf;
use std::time::Duration;

use super::algorithms::Algorithms;
use super::hops::Hop;
use super::tokens::{ExpandError, Tokens};

/// Everything that counts for a connection, with the defaults of the OpenSSH client filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name or address to connect to, in lower case, addresses in their usual writing.
    pub hostname: String,
    /// The remote user.
    pub user: String,
    /// The port.
    pub port: u16,
    /// `Tag`.
    pub tag: Option<String>,
    /// How to get there.
    pub proxy: Proxy,
    /// `ProxyUseFdpass`.
    pub proxy_use_fdpass: bool,
    /// The way of the packets.
    pub network: Network,
    /// Who we are.
    pub auth: Auth,
    /// Who they are.
    pub host_keys: HostKeys,
    /// Algorithm lists; `None` is the client's own default.
    pub algorithms: Algorithms,
    /// What runs there.
    pub session: Session,
    /// Shared connections of the OpenSSH client.
    pub control: Control,
    /// `LogLevel`, from 0 (`QUIET`) to 7 (`DEBUG3`); 3 is `INFO`.
    pub log_level: u8,
    /// `BatchMode`: never ask.
    pub batch_mode: bool,
    /// What the tokens of templates stand for.
    pub tokens: Tokens,
}

/// How to get to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// Straight.
    Direct,
    /// Through these hosts, in this order; never empty. Each has settings of its own, from the same files but without
    /// the `-o` options, its user and port given here winning. Of those settings the proxy counts for the first hop
    /// only: the others are reached through the hop before them.
    Jump(Vec<Hop>),
    /// Over the streams of a command, given to the user's shell. Expand it with [`Tokens::expand_proxy`].
    Command(String),
}

impl Settings {
    /// The `ProxyCommand` with its tokens replaced.
    pub fn proxy_command(&self) -> Option<Result<String, ExpandError>> {
        match &self.proxy {
            Proxy::Command(template) => Some(self.tokens.expand_proxy(template)),
            Proxy::Direct | Proxy::Jump(_) => None,
        }
    }
}

/// The way of the packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// `AddressFamily`.
    pub address_family: AddressFamily,
    /// `BindAddress`.
    pub bind_address: Option<String>,
    /// `BindInterface`.
    pub bind_interface: Option<String>,
    /// `ConnectTimeout`; `None` leaves it to the system.
    pub connect_timeout: Option<Duration>,
    /// `ConnectionAttempts`, at least 1.
    pub connection_attempts: u32,
    /// `TCPKeepAlive`.
    pub tcp_keep_alive: bool,
    /// `ServerAliveInterval`; `None` sends nothing.
    pub server_alive_interval: Option<Duration>,
    /// `ServerAliveCountMax`.
    pub server_alive_count_max: u32,
    /// `Compression`.
    pub compression: bool,
    /// `RekeyLimit` in bytes; `None` is the cipher's own.
    pub rekey_bytes: Option<u64>,
    /// `RekeyLimit`'s time.
    pub rekey_interval: Option<Duration>,
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFamily {
    /// Either.
    Any,
    /// IPv4 only.
    Inet,
    /// IPv6 only.
    Inet6,
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// `IdentityFile` in order, or the client's usual ones.
    pub identity_files: Vec<KeyFile>,
    /// Whether these are other than the client's usual ones.
    pub identity_files_are_named: bool,
    /// `CertificateFile` in order.
    pub certificate_files: Vec<KeyFile>,
    /// `IdentitiesOnly`: only the keys that are named, whatever the agent has.
    pub identities_only: bool,
    /// `IdentityAgent`.
    pub identity_agent: AgentSocket,
    /// `AddKeysToAgent`.
    pub add_keys_to_agent: AddKeys,
    /// `ForwardAgent`.
    pub forward_agent: ForwardAgent,
    /// `PKCS11Provider`.
    pub pkcs11_provider: Option<String>,
    /// `SecurityKeyProvider`; `internal` is the client's own.
    pub security_key_provider: Option<String>,
    /// `PreferredAuthentications` in order, when given.
    pub preferred: Option<Vec<String>>,
    /// `PubkeyAuthentication`.
    pub pubkey: PubkeyAuth,
    /// `PasswordAuthentication`.
    pub password: bool,
    /// `KbdInteractiveAuthentication`.
    pub kbd_interactive: bool,
    /// `HostbasedAuthentication`.
    pub hostbased: bool,
    /// `GSSAPIAuthentication`.
    pub gssapi: bool,
    /// `NumberOfPasswordPrompts`.
    pub password_prompts: u32,
    /// `RequiredRSASize` in bits.
    pub required_rsa_size: u32,
}

/// A key or certificate to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// As it is written.
    pub template: String,
    /// With `~`, tokens and variables replaced.
    pub path: PathBuf,
}

/// Where the agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentSocket {
    /// Where `SSH_AUTH_SOCK` says.
    Environment,
    /// Not used.
    Disabled,
    /// At this socket.
    Path(PathBuf),
}

/// `AddKeysToAgent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddKeys {
    /// Not.
    No,
    /// For as long as given, or for ever.
    Yes(Option<Duration>),
    /// After asking.
    Ask,
    /// With each use to be confirmed.
    Confirm(Option<Duration>),
}

/// `ForwardAgent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardAgent {
    /// Not.
    No,
    /// The agent that is used for authentication.
    Yes,
    /// The agent at this socket, or the one that the variable (`$NAME`) names.
    Path(String),
}

/// `PubkeyAuthentication`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PubkeyAuth {
    /// Not.
    No,
    /// Yes, with every extension.
    All,
    /// Without the extension that binds it to the host.
    Unbound,
    /// With that extension.
    HostBound,
}

/// Who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeys {
    /// `UserKnownHostsFile`, expanded; empty for `none`.
    pub user_files: Vec<PathBuf>,
    /// `GlobalKnownHostsFile`, which is never expanded; empty for `none`.
    pub global_files: Vec<PathBuf>,
    /// `HostKeyAlias`, in lower case.
    pub alias: Option<String>,
    /// `StrictHostKeyChecking`.
    pub strict: StrictHostKeys,
    /// `HashKnownHosts`.
    pub hash: bool,
    /// `CheckHostIP`.
    pub check_ip: bool,
    /// `KnownHostsCommand`, a template; it also has `%f %H %I %K %t`.
    pub command: Option<String>,
    /// `VerifyHostKeyDNS`.
    pub verify_dns: YesNoAsk,
    /// `UpdateHostKeys`.
    pub update: YesNoAsk,
    /// `RevokedHostKeys`.
    pub revoked: Option<String>,
    /// `NoHostAuthenticationForLocalhost`.
    pub skip_localhost: bool,
}

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrictHostKeys {
    /// Any key will do.
    Off,
    /// New keys are kept, changed ones refused.
    AcceptNew,
    /// Only known keys.
    Yes,
    /// The default: ask about new ones.
    Ask,
}

/// A choice that may be left to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YesNoAsk {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Ask.
    Ask,
}

/// What runs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `SendEnv`: names of variables, which may be patterns.
    pub send_env: Vec<String>,
    /// `SetEnv`: names and values.
    pub set_env: Vec<(String, String)>,
    /// `RemoteCommand`, expanded.
    pub remote_command: Option<String>,
    /// `RequestTTY`.
    pub request_tty: RequestTty,
    /// `SessionType`.
    pub kind: SessionType,
}

/// `RequestTTY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestTty {
    /// Never.
    No,
    /// When our standard input is one.
    Yes,
    /// Always.
    Force,
    /// For a login session.
    Auto,
}

/// `SessionType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionType {
    /// No session.
    None,
    /// A subsystem.
    Subsystem,
    /// A shell or command.
    Default,
}

/// Shared connections of the OpenSSH client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// `ControlMaster`.
    pub master: ControlMaster,
    /// `ControlPath`, expanded.
    pub path: Option<PathBuf>,
    /// `ControlPersist`.
    pub persist: ControlPersist,
}

/// `ControlMaster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlMaster {
    /// Use one, never be one.
    No,
    /// Be one.
    Yes,
    /// Use one, or be one.
    Auto,
    /// Be one, each use to be confirmed.
    Ask,
    /// Use one, or be one with each use to be confirmed.
    AutoAsk,
}

/// `ControlPersist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlPersist {
    /// Ends with the first session.
    No,
    /// Stays for ever.
    Forever,
    /// Stays for so long after the last session.
    For(Duration),
}
