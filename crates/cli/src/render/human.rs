//! Numbers as people read them.

/// `512B`, `9.8K`, `31G`: at most two digits after which the unit follows, in powers of 1024.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "K", "M", "G", "T", "P", "E"];
    let mut unit = 0;
    // Tenths of the unit, so that nothing but whole numbers is needed.
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_235 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    if unit == 0 {
        return format!("{bytes}B");
    }
    if tenths < 100 {
        format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{}{}", (tenths + 5) / 10, UNITS[unit])
    }
}

/// `42s`, `17m`, `5h12m`, `9d4h`, `412d`.
pub(crate) fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m"),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ if days < 100 => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}

/// How long something took: `350 ms`, `2.3 s`, `4 min 10 s`.
pub(crate) fn took(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `1 node`, `3 nodes`.
pub(crate) fn count(number: usize, one: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {one}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let sizes: Vec<String> = [
            0,
            1023,
            1024,
            10_035,
            1_048_576,
            33_285_996_544,
            8_589_934_592,
            u64::MAX,
        ]
        .map(bytes)
        .to_vec();
        assert_eq!(sizes.join(" "), "0B 1023B 1.0K 9.8K 1.0M 31G 8.0G 16E");
        let ages = [0, 59, 61, 3599, 3600, 18_720, 86_400, 792_000, 35_640_000].map(age);
        assert_eq!(ages.join(" "), "0s 59s 1m 59m 1h00m 5h12m 1d0h 9d4h 412d");
        let times = [7, 999, 2_350, 59_999, 250_000].map(took);
        assert_eq!(times.join(", "), "7 ms, 999 ms, 2.3 s, 59.9 s, 4 min 10 s");
    }
}
