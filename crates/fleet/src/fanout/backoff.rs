//! How long to wait before trying again.

use std::time::Duration;

/// The first pause, doubled with every attempt.
const FIRST: Duration = Duration::from_millis(250);

/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(10);

/// The pause after the given attempt, counted from 1: exponential, with the upper half of it left
/// to chance, so that nodes refused together do not come back together.
pub(super) fn pause(attempt: u32, chance: f64) -> Duration {
    let full = FIRST
        .saturating_mul(1 << attempt.saturating_sub(1).min(10))
        .min(LONGEST);
    full.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_within_bounds() {
        assert_eq!(pause(1, 1.0), FIRST);
        assert_eq!(pause(1, 0.0), FIRST / 2);
        assert_eq!(pause(3, 1.0), FIRST * 4);
        assert_eq!(pause(99, 1.0), LONGEST);
    }
}
