//! Folding and expanding undo each other, whatever the names.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use towline_core::nodeset::{Charset, Pattern, expand, fold, natural_cmp};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab][0-9]{1,3}",
        "[ab][01][0-9]?n[0-3]",
        "r[1-3]n[0-2]{1,2}x[12]\\.lan",
        "[0-2]{1,3}",
        "[a-c0-9._:@-]{1,12}",
        "n[0-9]{17,21}",
        "(root@)?10\\.0\\.[0-2]\\.[0-9]{1,2}(:22)?",
        "(root@)?\\[fe80::[0-9a-f](%eth0)?\\](:22)?",
        "küche-[0-9]é[0-9]",
    ]
}

fn sorted(names: &[String]) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
}

proptest! {
    #[test]
    fn expand_undoes_fold(names in prop::collection::vec(name(), 0..60)) {
        let folded = fold(&names);
        if names.is_empty() {
            prop_assert_eq!(folded, "");
        } else {
            let expanded = expand(&folded).unwrap();
            prop_assert_eq!(sorted(&expanded), sorted(&names), "{}", folded);
            prop_assert_eq!(expanded.len(), sorted(&names).len(), "{}", folded);
        }
    }

    #[test]
    fn folding_does_not_depend_on_order_or_repetition(
        names in prop::collection::vec(name(), 1..40),
    ) {
        let mut other = names.clone();
        other.sort_by(|a, b| natural_cmp(b, a));
        other.extend(names.iter().take(3).cloned());
        prop_assert_eq!(fold(&names), fold(other));
    }

    #[test]
    fn full_products_become_one_pattern(
        (a, b, c) in (1_u8..12, 1_u8..12, 1_u8..4),
    ) {
        let mut names = Vec::new();
        for x in 1..=a {
            for y in 0..=b {
                for z in 1..=c {
                    names.push(format!("r{x}n{y:02}.z{z}"));
                }
            }
        }
        let folded = fold(&names);
        prop_assert_eq!(expand(&folded).unwrap(), names);
        prop_assert!(Pattern::parse(&folded, Charset::Name).is_ok(), "{}", folded);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", tricky in "[a0-9,\\[\\]/*?@:% é-]{0,24}") {
        for text in [text, tricky] {
            if let Err(error) = expand(&text) {
                prop_assert!((1..=text.len() + 1).contains(&error.column), "{}", error);
            }
        }
    }

    #[test]
    fn a_pattern_matches_what_it_expands_to_and_reads_as_it_prints(
        text in "[a1]{0,2}(\\[(0[1-4]-1[0-9](/[2-5])?|[1-4]-2[0-9](/[2-5])?|0?[0-9](,[0-9]{1,3})?)\\][a1]?){1,2}",
        other in "[a1]{0,2}[0-9]{1,3}",
    ) {
        let pattern = Pattern::parse(&text, Charset::Name).unwrap();
        let printed = pattern.to_string();
        prop_assert_eq!(&Pattern::parse(&printed, Charset::Name).unwrap(), &pattern);
        let names = pattern.names();
        for name in &names {
            prop_assert!(pattern.matches(name), "{} {}", text, name);
        }
        prop_assert_eq!(pattern.matches(&other), names.contains(&other), "{} {}", text, other);
    }
}

/// A regular fleet, names that share nothing, and two kinds of grid with holes.
fn big_fleets() -> [(&'static str, Vec<String>); 5] {
    // A multiplicative hash: the same "random" numbers on every run.
    let scatter = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let irregular = (0..10_000).map(|i| format!("{:x}-{}", scatter(i), scatter(i + 1)));
    let uuids = (0..10_000).map(|i| {
        let (a, b) = (scatter(i), scatter(!i));
        format!(
            "{:08x}-{:04x}-4{:03x}-{b:012x}",
            a >> 12,
            a & 0xffff,
            b & 0xfff
        )
    });
    let scattered = (0..10_000).map(|i| {
        let n = scatter(i);
        format!("r{}c{}n{}", n % 50, n / 50 % 40, n / 2_000 % 60)
    });
    let grid = (0..10_001).map(|i| format!("r{}c{:02}n{}", i / 500, i / 20 % 25, i % 20));
    [
        (
            "regular",
            (0..10_000).map(|i| format!("web-{i:05}")).collect(),
        ),
        ("irregular", irregular.collect()),
        ("uuids", uuids.collect()),
        ("scattered", scattered.collect()),
        ("grid", grid.collect()),
    ]
}

#[test]
fn ten_thousand_names_of_any_kind_fold_at_once_and_losslessly() {
    for (kind, names) in big_fleets() {
        let begun = Instant::now();
        let folded = fold(&names);
        let took = begun.elapsed();
        // Unoptimised and on a busy machine: what grows with the square takes minutes here.
        assert!(took < Duration::from_secs(3), "{kind}: {took:?}");
        assert_eq!(sorted(&expand(&folded).unwrap()), sorted(&names), "{kind}");
    }
}
