//! Numeric addresses in any of the ways that the system's resolver reads, brought to the usual one.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What a host name is as an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Numeric {
    /// A name.
    No,
    /// An address, in its usual writing when it was written in another.
    Yes(Option<String>),
    /// An IPv6 address with a zone, which depends on this machine's interfaces.
    Zoned,
}

/// Reads `host`; `family` is 4 or 6 when only that counts, else 0.
pub(super) fn read(host: &str, family: i64) -> Numeric {
    let usual = match (read_v4(host), family) {
        (Some(address), 0 | 4) => address.to_string(),
        (Some(_), _) => return Numeric::No,
        (None, 4) => return Numeric::No,
        (None, _) => {
            let (address, zone) = host
                .split_once('%')
                .map_or((host, None), |(a, z)| (a, Some(z)));
            match (address.parse::<Ipv6Addr>(), zone) {
                (Err(_), _) => return Numeric::No,
                (Ok(_), Some(_)) => return Numeric::Zoned,
                (Ok(address), None) => write_v6(address),
            }
        }
    };
    Numeric::Yes((!usual.eq_ignore_ascii_case(host)).then_some(usual))
}

/// One to four parts, each decimal, octal or hexadecimal; the last fills what is left.
fn read_v4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = host.split('.').collect();
    let (last, heads) = parts.split_last()?;
    if heads.len() > 3 {
        return None;
    }
    let mut address: u32 = 0;
    for (at, head) in heads.iter().enumerate() {
        let part = u8::try_from(read_part(head)?).ok()?;
        address |= u32::from(part) << (24 - 8 * at);
    }
    let last = read_part(last)?;
    let room = 32 - 8 * heads.len();
    if u64::from(last) >= 1_u64 << room {
        return None;
    }
    Some(Ipv4Addr::from_bits(address | last))
}

fn read_part(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// As the C library writes it, which differs from Rust for addresses with an old-style IPv4 tail.
fn write_v6(address: Ipv6Addr) -> String {
    let s = address.segments();
    if s[..6] == [0; 6] && s[6] != 0 {
        let [.., a, b, c, d] = address.octets();
        return format!("::{a}.{b}.{c}.{d}");
    }
    address.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_brought_to_the_usual_form() {
        for (host, usual) in [
            ("10.1", "10.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("FE80::00:1", "fe80::1"),
            ("::102:304", "::1.2.3.4"),
            ("::ffff:102:304", "::ffff:1.2.3.4"),
        ] {
            assert_eq!(
                read(host, 0),
                Numeric::Yes(Some(usual.to_owned())),
                "{host}"
            );
        }
        assert_eq!(read("FE80::1", 0), Numeric::Yes(None));
        assert_eq!(read("10.0.0.1", 4), Numeric::Yes(None));
        assert_eq!(read("10.0.0.1", 6), Numeric::No);
        assert_eq!(read("::1", 4), Numeric::No);
        assert_eq!(read("fe80::1%eth0", 0), Numeric::Zoned);
        for name in [
            "web",
            "10.0.0.256",
            "1.2.3.4.5",
            "08",
            "0x",
            "",
            "1..2",
            "10.0.0.1.",
            "+1",
            "1%x",
        ] {
            assert_eq!(read(name, 0), Numeric::No, "{name}");
        }
    }
}
