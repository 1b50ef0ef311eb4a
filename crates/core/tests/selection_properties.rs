//! Selections obey the laws of sets, agree with a model that asks node by node, and no text makes
//! the reader panic.

#![expect(clippy::unwrap_used, reason = "what can not be read is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::{prelude::*, string::string_regex};
use towline_core::{
    node::Node,
    selection::{Comparison, Expr, SetOp, Universe, parse_hostfile, parse_target, select},
};

const GROUPS: [(&str, &str); 4] = [
    ("web", "web-[01-06]"),
    ("even", "*-0[2,4,6] r?n2"),
    ("mixed", "@web&zone=a db1"),
    ("rest", "*!@mixed!role:worker"),
];

fn universe() -> Universe {
    let mut ids: Vec<String> = (1..=6).map(|n| format!("web-{n:02}")).collect();
    ids.extend(["db1", "db2", "gw"].map(str::to_owned));
    ids.extend((0..4).map(|n| format!("r{}n{}", n / 2 + 1, n % 2 + 1)));
    let nodes = ids.iter().enumerate().map(|(i, id)| {
        let mut node = Node::new(id.parse().unwrap(), id.as_str());
        if i % 2 == 0 {
            node.roles.insert("worker".into());
        }
        if i % 5 == 0 {
            node.roles.insert("control-plane".into());
        }
        if let Some(zone) = ["a", "b", "a2"].get(i % 4) {
            node.labels.insert("zone".into(), (*zone).into());
        }
        Arc::new(node)
    });
    let groups = GROUPS.map(|(name, members)| {
        let members = members.split(' ').map(|member| member.parse().unwrap());
        (name.to_owned(), members.collect())
    });
    Universe::new(nodes.collect(), BTreeMap::from(groups)).unwrap()
}

/// Atoms that the universe can answer.
fn known_atom() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "*",
        "all",
        "web-01",
        "web-[02-05]",
        "web-[01-06/2]",
        "web-*",
        "?b?",
        "db[1-2]",
        "gw",
        "r[1-2]n[1-2]",
        "r*n[2]",
        "*[1-2]",
        "@web",
        "@even",
        "@mixed",
        "@rest",
        "@m*",
        "@*",
        "role:worker",
        "role:*plane",
        "zone=a",
        "zone=a*",
        "zone!=a",
        "zone!=*",
        "zone=a[2]",
    ])
}

fn op() -> impl Strategy<Value = SetOp> {
    prop::sample::select(vec![
        SetOp::Union,
        SetOp::Difference,
        SetOp::Intersection,
        SetOp::SymmetricDifference,
    ])
}

/// Expressions over these atoms, nested a few levels deep.
fn tree(atom: impl Strategy<Value = Expr> + 'static) -> impl Strategy<Value = Expr> {
    atom.prop_recursive(4, 24, 4, |inner| {
        let rest = prop::collection::vec((op(), inner.clone()), 1..4);
        (inner, rest).prop_map(|(first, rest)| Expr::Chain {
            first: Box::new(first),
            rest,
        })
    })
}

fn known_expr() -> impl Strategy<Value = Expr> {
    tree(known_atom().prop_map(|atom| atom.parse().unwrap()))
}

/// Atoms of every kind, whatever a universe may say to them.
fn any_atom() -> impl Strategy<Value = Expr> {
    let range = "\\[(0[1-3]-1[0-9]|[1-3]-2[0-9]/[2-5]|[0-9]{1,3}(,[0-9])?)\\]";
    let word = format!("[a-z][a-z0-9.é_-]{{0,4}}({range})?[*?]?");
    let regexes = [
        word.clone(),
        format!("@{word}"),
        format!("role:{word}"),
        format!("[a-z/.:]{{1,5}}!?={word}"),
        format!("[a-z]{{1,3}}@(10\\.0\\.0\\.{range}|\\[fe80::[1-9]%eth0\\]):22"),
        "\\*".to_owned(),
    ];
    let strategies = regexes.map(|regex| string_regex(&regex).unwrap().boxed());
    proptest::strategy::Union::new(strategies).prop_map(|text| text.parse().unwrap())
}

/// What one node would say, asked by itself.
fn holds(expr: &Expr, node: &Node) -> bool {
    match expr {
        Expr::All => true,
        Expr::Name(pattern) => pattern.matches(node.id.as_str()),
        Expr::Group(group) => GROUPS.iter().any(|(name, members)| {
            let member = |text: &str| holds(&text.parse().unwrap(), node);
            group.pattern().matches(name) && members.split(' ').any(member)
        }),
        Expr::Role(role) => node.roles.iter().any(|r| role.matches(r)),
        Expr::Label {
            key,
            comparison,
            value,
        } => {
            let equal = node.labels.get(key).is_some_and(|v| value.matches(v));
            equal == (*comparison == Comparison::Equal)
        }
        Expr::Chain { first, rest } => {
            rest.iter().fold(holds(first, node), |left, (op, operand)| {
                let right = holds(operand, node);
                match op {
                    SetOp::Union => left || right,
                    SetOp::Difference => left && !right,
                    SetOp::Intersection => left && right,
                    SetOp::SymmetricDifference => left != right,
                }
            })
        }
    }
}

fn chosen(text: &str) -> BTreeSet<String> {
    let expr: Expr = text.parse().unwrap();
    let nodes = select(&expr, &universe()).unwrap();
    nodes.iter().map(|node| node.id.to_string()).collect()
}

proptest! {
    #[test]
    fn agrees_with_a_model_that_asks_node_by_node(expr in known_expr()) {
        let universe = universe();
        let expected = universe.nodes().iter().filter(|node| holds(&expr, node));
        let expected: Vec<_> = expected.cloned().collect();
        prop_assert_eq!(select(&expr, &universe).unwrap(), expected, "{}", expr);
    }

    #[test]
    fn obeys_the_laws_of_sets((a, b, c) in (known_expr(), known_expr(), known_expr())) {
        for (left, right) in [
            (format!("({a}),({b})"), format!("({b}) ({a})")),
            (format!("({a})&({b})"), format!("({b})&({a})")),
            (format!("({a})!({b})"), format!("({a})&(*!({b}))")),
            (format!("({a})^({b})"), format!("(({a}),({b}))!(({a})&({b}))")),
            (format!("({a})&(({b}),({c}))"), format!("(({a})&({b})),(({a})&({c}))")),
            (format!("*!(({a}),({b}))"), format!("(*!({a}))&(*!({b}))")),
            (format!("({a})^({a})"), "web-01!web-01".to_owned()),
        ] {
            prop_assert_eq!(chosen(&left), chosen(&right), "{} / {}", left, right);
        }
    }

    #[test]
    fn reads_as_it_prints(expr in tree(any_atom())) {
        let printed = expr.to_string();
        prop_assert_eq!(printed.parse::<Expr>().unwrap(), expr, "{}", printed);
    }

    #[test]
    fn no_text_makes_a_reader_panic(
        text in "\\PC*",
        tricky in "[a1é=@:*? \n,!&^()\\[\\]/%#.-]{0,32}",
    ) {
        for text in [text, tricky] {
            match text.parse::<Expr>() {
                Ok(expr) => {
                    let printed = expr.to_string();
                    prop_assert_eq!(printed.parse::<Expr>().unwrap(), expr, "{}", printed);
                }
                Err(error) => {
                    prop_assert!((1..=text.len() + 1).contains(&error.column), "{}", error);
                    prop_assert!(text.is_char_boundary(error.column - 1), "{}", error);
                }
            }
            let _ = parse_hostfile(&text);
            if let Ok(node) = parse_target(&text) {
                prop_assert!(!node.host.starts_with('-'), "{}", text);
                prop_assert!(!node.host.is_empty(), "{}", text);
            }
        }
    }
}

#[test]
fn ten_thousand_names_are_selected_at_once() {
    let ids = (0..10_000).map(|n| format!("web-{n:05}"));
    let nodes = ids
        .clone()
        .map(|id| Arc::new(Node::new(id.parse().unwrap(), id)));
    let universe = Universe::new(nodes.collect(), BTreeMap::new()).unwrap();
    let expr: Expr = ids.collect::<Vec<_>>().join("\n").parse().unwrap();
    let begun = Instant::now();
    assert_eq!(select(&expr, &universe).unwrap(), universe.nodes());
    // Unoptimised and on a busy machine: copying the set at each name takes far longer.
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}
