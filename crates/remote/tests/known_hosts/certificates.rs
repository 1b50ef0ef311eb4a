//! Host certificates of a listed authority.

use std::{
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use russh::keys::{
    Certificate, PrivateKey,
    ssh_key::certificate::{Builder, CertType},
};
use towline_remote::known_hosts::{CertificateFault, HostName, TrustedBy, Verdict};

use super::support::{Folder, host, key, on_port, private, text, trusted_line};

const AUTHORITY: u64 = 100;
const FROM: u64 = 1_700_000_000;
const UNTIL: u64 = 1_800_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(FROM + 1)
}

/// A good certificate for `web`, unless `change` makes it another.
fn certificate(change: impl FnOnce(&mut Builder)) -> Certificate {
    signed(&private(AUTHORITY), |builder| {
        builder.valid_principal("web").unwrap();
        change(builder);
    })
}

fn signed(authority: &PrivateKey, fill: impl FnOnce(&mut Builder)) -> Certificate {
    signed_as(CertType::Host, authority, fill)
}

fn signed_as(
    kind: CertType,
    authority: &PrivateKey,
    fill: impl FnOnce(&mut Builder),
) -> Certificate {
    let certified = key(1).key_data().clone();
    let mut builder = Builder::new(vec![1; 16], certified, FROM, UNTIL).unwrap();
    builder.cert_type(kind).unwrap();
    fill(&mut builder);
    builder.sign(authority).unwrap()
}

fn listed(hosts: &str) -> Folder {
    Folder::with(&format!(
        "@cert-authority {hosts} {}\n",
        text(&key(AUTHORITY))
    ))
}

fn fault(verdict: Verdict) -> CertificateFault {
    match verdict {
        Verdict::CertificateRefused { fault, .. } => fault,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_good_certificate_vouches_for_its_host() {
    let vouches = Some((1, TrustedBy::Authority));
    let good = certificate(|_| {});
    for (hosts, host) in [
        ("web", host("web")),
        ("*", host("Web")),
        ("*", on_port("web", 2222)),
        ("web", on_port("web", 2222)),
        ("[web]:2222", on_port("web", 2222)),
        ("w*,!db", HostName::alias("web").unwrap()),
    ] {
        let verdict = listed(hosts).open().check_certificate(&host, &good, now());
        assert_eq!(trusted_line(&verdict), vouches, "{hosts} for {host}");
    }
    assert!(listed("web").open().has_authority(&on_port("web", 2222)));
    assert!(!listed("web").open().has_authority(&host("db")));
}

#[test]
fn what_is_wrong_with_a_certificate_is_named() {
    let known = listed("*").open();
    let check = |certificate: &Certificate, at| {
        fault(known.check_certificate(&host("web"), certificate, at))
    };
    let good = certificate(|_| {});
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(
        check(&good, at(FROM - 1)),
        CertificateFault::NotYetValid(FROM)
    );
    assert_eq!(check(&good, at(UNTIL)), CertificateFault::Expired(UNTIL));
    let verdict = known.check_certificate(&host("db"), &good, now());
    assert!(matches!(fault(verdict), CertificateFault::Principal { .. }));

    let user = signed_as(CertType::User, &private(AUTHORITY), |builder| {
        builder.valid_principal("web").unwrap();
    });
    assert_eq!(check(&user, now()), CertificateFault::NotForHosts);
    let critical = certificate(|builder| {
        builder.critical_option("force-command", "x").unwrap();
    });
    assert_eq!(
        check(&critical, now()),
        CertificateFault::CriticalOption("force-command".to_owned())
    );
    let nobodys = signed(&private(AUTHORITY), |builder| {
        builder.all_principals_valid().unwrap();
    });
    assert!(matches!(
        check(&nobodys, now()),
        CertificateFault::Principal { principals, .. } if principals.is_empty()
    ));
    let pattern = signed(&private(AUTHORITY), |builder| {
        builder.valid_principal("*").unwrap();
    });
    assert!(matches!(
        check(&pattern, now()),
        CertificateFault::Principal { .. }
    ));
}

#[test]
fn a_forged_signature_is_refused() {
    // The listed authority's key in the certificate, but signed by someone else: flip a bit.
    let mut bytes = certificate(|_| {}).to_bytes().unwrap();
    let last = bytes.len() - 1;
    bytes[last - 40] ^= 1;
    let forged = Certificate::from_bytes(&bytes).unwrap();
    let verdict = listed("*")
        .open()
        .check_certificate(&host("web"), &forged, now());
    assert_eq!(fault(verdict), CertificateFault::Signature);
}

#[test]
fn sha1_signatures_are_refused_and_sha2_ones_taken() {
    let folder = Folder::with("");
    let keygen = |args: &[&str]| {
        let done = Command::new("ssh-keygen")
            .args(args)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    keygen(&["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "ca"]);
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "host"]);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let line = format!("@cert-authority * {}", read("ca.pub"));
    std::fs::write(folder.file(), line).unwrap();
    let check = |signature: &str| {
        keygen(&[
            "-q", "-s", "ca", "-t", signature, "-h", "-I", "x", "-n", "web", "host.pub",
        ]);
        let certificate = Certificate::from_openssh(&read("host-cert.pub")).unwrap();
        folder
            .open()
            .check_certificate(&host("web"), &certificate, SystemTime::now())
    };
    assert_eq!(
        fault(check("ssh-rsa")),
        CertificateFault::SignatureAlgorithm("ssh-rsa".to_owned())
    );
    for signature in ["rsa-sha2-256", "rsa-sha2-512"] {
        let vouched = trusted_line(&check(signature));
        assert_eq!(vouched, Some((1, TrustedBy::Authority)), "{signature}");
    }
}

#[test]
fn without_a_listed_authority_the_plain_key_counts() {
    let good = certificate(|_| {});
    let check = |content: &str| {
        let verdict = Folder::with(content)
            .open()
            .check_certificate(&host("web"), &good, now());
        (trusted_line(&verdict), verdict)
    };
    let plain = format!("web {}\n", text(&key(1)));
    assert_eq!(check(&plain).0, Some((1, TrustedBy::Key)));
    let as_a_key = format!("web {}\n", text(&key(AUTHORITY)));
    assert!(matches!(check(&as_a_key).1, Verdict::Changed { .. }));
    assert_eq!(check("").1, Verdict::Unknown { authority: None });
    let another = format!("@cert-authority web {}\n", text(&key(101)));
    assert!(matches!(
        check(&another).1,
        Verdict::Unknown { authority: Some(_) }
    ));
    let elsewhere = format!("@cert-authority db {}\n", text(&key(AUTHORITY)));
    assert_eq!(check(&elsewhere).1, Verdict::Unknown { authority: None });
}

#[test]
fn an_invalid_certificate_falls_back_to_a_known_key_but_never_to_first_use() {
    let file = Folder::with(&format!(
        "@cert-authority * {}\nold {}\n",
        text(&key(AUTHORITY)),
        text(&key(1))
    ));
    let known = file.open();
    let good = certificate(|_| {});
    let verdict = known.check_certificate(&host("old"), &good, now());
    assert_eq!(trusted_line(&verdict), Some((2, TrustedBy::Key)));
    let verdict = known.check_certificate(&host("new"), &good, now());
    assert!(matches!(verdict, Verdict::CertificateRefused { .. }));
}

#[test]
fn a_revoked_authority_or_key_is_revoked() {
    for revoked in [AUTHORITY, 1] {
        let file = Folder::with(&format!(
            "@cert-authority * {}\nweb {}\n@revoked * {}\n",
            text(&key(AUTHORITY)),
            text(&key(1)),
            text(&key(revoked))
        ));
        let good = certificate(|_| {});
        let verdict = file.open().check_certificate(&host("web"), &good, now());
        assert!(matches!(verdict, Verdict::Revoked { at } if at.line == 3));
    }
}
