//! Selections against a small fleet: the order, the flags, the errors.

#![expect(clippy::unwrap_used, reason = "what can not be read is a failed test")]

use std::{collections::BTreeMap, sync::Arc};

use towline_core::{
    node::Node,
    nodeset::fold,
    selection::{
        AdHoc, EmptyReason, Expr, Pick, Request, SelectError, Universe, parse_hostfile, resolve,
        select,
    },
};

fn universe(ids: &[&str], groups: &[(&str, &str)]) -> Universe {
    let node = |id: &&str| Arc::new(Node::new(id.parse().unwrap(), *id));
    let group = |(name, members): &(&str, &str)| {
        let members = members.split_whitespace();
        let members: Vec<Expr> = members.map(|member| member.parse().unwrap()).collect();
        ((*name).to_owned(), members)
    };
    let groups: BTreeMap<_, _> = groups.iter().map(group).collect();
    Universe::new(ids.iter().map(node).collect(), groups).unwrap()
}

fn fleet() -> Universe {
    universe(&["web-2", "web-1", "db"], &[("web", "web-*"), ("none", "")])
}

fn exprs(texts: &[&str]) -> Vec<Expr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn nodes(texts: &[&str]) -> Request {
    Request {
        nodes: exprs(texts),
        ..Request::default()
    }
}

fn ids(nodes: &[Arc<Node>]) -> Vec<&str> {
    nodes.iter().map(|node| node.id.as_str()).collect()
}

#[track_caller]
fn assert_resolves(request: &Request, expected: &[&str]) {
    let chosen = resolve(request, &fleet()).unwrap();
    assert_eq!(ids(&chosen), expected);
}

#[track_caller]
fn assert_empty(request: &Request, reason: EmptyReason) {
    assert_eq!(
        resolve(request, &fleet()),
        Err(SelectError::Empty(reason)),
        "{request:?}"
    );
}

#[test]
fn the_order_is_that_of_the_inventory_and_then_of_mention() {
    let request = nodes(&["h.lan,db", "a.lan,web-1,h.lan"]);
    assert_resolves(&request, &["web-1", "db", "h.lan", "a.lan"]);
}

#[test]
fn flags_compose_in_a_fixed_order() {
    let request = Request {
        groups: vec!["@web".parse().unwrap()],
        exclude: exprs(&["web-1"]),
        limit: exprs(&["web-*,h.lan", "*!web-1"]),
        ..nodes(&["db,h.lan"])
    };
    assert_resolves(&request, &["web-2", "h.lan"]);
    let request = Request {
        all: true,
        ..nodes(&["h.lan"])
    };
    assert_resolves(&request, &["web-2", "web-1", "db", "h.lan"]);
}

#[test]
fn exclude_and_limit_see_the_hosts_that_were_named() {
    let request = Request {
        exclude: exprs(&["*.9"]),
        ..nodes(&["10.0.0.[8-10]"])
    };
    assert_resolves(&request, &["10.0.0.8", "10.0.0.10"]);
    let request = Request {
        exclude: exprs(&["@all"]),
        ..nodes(&["10.0.0.[8-10]"])
    };
    assert_empty(&request, EmptyReason::AllExcluded);
    let request = nodes(&["10.0.0.8 *.8"]);
    let error = resolve(&request, &fleet()).unwrap_err();
    assert_eq!(error, SelectError::NoMatch("*.8".into()));
}

#[test]
fn what_leaves_nothing_says_so() {
    let wanted = |exclude: &[&str], limit: &[&str]| Request {
        exclude: exprs(exclude),
        limit: exprs(limit),
        ..nodes(&["@web"])
    };
    assert_empty(&wanted(&["web-[1-2]"], &["db"]), EmptyReason::AllExcluded);
    assert_empty(&wanted(&[], &["db"]), EmptyReason::OutsideLimit);
    assert_empty(&wanted(&[], &["web-1", "web-2"]), EmptyReason::OutsideLimit);
    assert_empty(&nodes(&["db&web-1"]), EmptyReason::NobodyChosen);
    assert_empty(&nodes(&["@none"]), EmptyReason::NobodyChosen);
    let all = Request {
        all: true,
        ..Request::default()
    };
    let error = resolve(&all, &Universe::default()).unwrap_err();
    assert_eq!(error, SelectError::Empty(EmptyReason::NoNodes));
    assert!(error.hint().unwrap().contains("--hostfile"), "{error}");
}

#[test]
fn flags_that_only_narrow_select_nothing() {
    let narrowing = Request {
        exclude: exprs(&["web-1"]),
        limit: exprs(&["*"]),
        pick: Some(Pick { count: 1, seed: 1 }),
        ..Request::default()
    };
    let error = resolve(&narrowing, &fleet()).unwrap_err();
    assert_eq!(error, SelectError::NothingSelected);
    assert!(error.to_string().contains("give -w, -g or -a"), "{error}");
}

#[test]
fn a_draw_depends_on_its_seed_and_keeps_the_order() {
    let universe = universe(&[], &[]);
    let draw = |count, seed| {
        let request = Request {
            pick: Some(Pick { count, seed }),
            ..nodes(&["n[1-1000]"])
        };
        resolve(&request, &universe)
    };
    let first = draw(10, 7).unwrap();
    assert_eq!(first.len(), 10);
    assert_eq!(draw(10, 7).unwrap(), first);
    let number = |node: &Arc<Node>| node.host[1..].parse::<u32>().unwrap();
    assert!(first.is_sorted_by_key(number), "{:?}", ids(&first));
    let others = (8..18).filter(|&seed| draw(10, seed).unwrap() != first);
    assert_eq!(others.count(), 10);
    assert_eq!(draw(5_000, 7).unwrap().len(), 1_000);
    let picked_none = Err(SelectError::Empty(EmptyReason::PickedNone));
    assert_eq!(draw(0, 7), picked_none);
}

#[test]
fn a_bare_word_is_a_host_only_where_there_is_no_inventory() {
    let none = Universe::default();
    let chosen = select(&"n[1-2]".parse().unwrap(), &none).unwrap();
    assert_eq!(ids(&chosen), ["n1", "n2"]);
    let error = select(&"wbe-[1-3]".parse().unwrap(), &fleet()).unwrap_err();
    let SelectError::UnknownNodes {
        folded,
        count,
        similar,
        could_be_hosts,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!((folded.as_str(), *count), ("wbe-[1-3]", 3));
    assert_eq!(similar, &["web-1"]);
    assert!(could_be_hosts);
    let error = select(&"web".parse().unwrap(), &fleet()).unwrap_err();
    assert!(error.hint().unwrap().contains("@web"), "{error:?}");
}

#[test]
fn a_hostfile_takes_any_name_and_knows_the_inventory() {
    let mut hosts = parse_hostfile("mail\nroot@10.0.0.1\nweb-1\n").unwrap();
    hosts[2].access.user = Some("nobody".into());
    let request = Request {
        hosts,
        exclude: exprs(&["root@*"]),
        ..nodes(&["mail,db"])
    };
    let chosen = resolve(&request, &fleet()).unwrap();
    assert_eq!(ids(&chosen), ["web-1", "db", "mail"]);
    assert_eq!(
        chosen[0].access.user, None,
        "the inventory's node goes first"
    );
}

#[test]
fn a_host_keeps_what_was_said_of_it() {
    let chosen = select(&"pi@[fe80::1%eth0]:22".parse().unwrap(), &fleet()).unwrap();
    assert_eq!(chosen[0].host, "fe80::1%eth0");
    assert_eq!(chosen[0].access.user.as_deref(), Some("pi"));
    assert_eq!(chosen[0].access.port, Some(22));
}

#[test]
fn hosts_can_be_refused() {
    let closed = fleet().with_ad_hoc(AdHoc::Refuse);
    assert!(select(&"web-1".parse().unwrap(), &closed).is_ok());
    for host in ["10.0.0.7", "root@web-1", "localhost", "mail:22"] {
        let error = select(&host.parse().unwrap(), &closed).unwrap_err();
        assert!(matches!(error, SelectError::UnknownNodes { .. }), "{error}");
        assert!(
            !error.hint().unwrap_or_default().contains("USER@"),
            "{error}"
        );
    }
}

#[test]
fn groups_that_contain_themselves_are_told_by_their_circle() {
    let ring = universe(
        &["n"],
        &[("a", "n @b"), ("b", "@c"), ("c", "n @b"), ("me", "n!@me")],
    );
    let path = |group: &str| match select(&group.parse().unwrap(), &ring) {
        Err(SelectError::GroupCycle { path }) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(path("@a"), ["b", "c", "b"]);
    assert_eq!(path("@me"), ["me", "me"]);
}

#[test]
fn the_innermost_wrong_group_is_named() {
    let wrong = universe(&["n1"], &[("a", "@b"), ("b", "n2")]);
    let error = select(&"@a".parse().unwrap(), &wrong).unwrap_err();
    let SelectError::InGroup { group, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(group, "b");
    assert!(error.hint().unwrap().contains("n1"), "{error:?}");
}

#[test]
fn a_group_is_the_same_to_everyone() {
    let fleet = universe(&["n"], &[("every", "*")]);
    let request = Request {
        exclude: exprs(&["@every"]),
        ..nodes(&["n,h.lan,@every"])
    };
    assert_eq!(ids(&resolve(&request, &fleet).unwrap()), ["h.lan"]);
}

#[test]
fn no_nesting_and_no_range_is_a_danger() {
    let names: Vec<String> = (0..=5_000).map(|n| format!("g{n}")).collect();
    let members: Vec<String> = (1..=5_000).map(|n| format!("@g{n}")).collect();
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for (name, member) in names.iter().zip(&members) {
        groups.push((name, member));
    }
    groups.push((&names[5_000], "n"));
    let deep = universe(&["n"], &groups);
    let error = select(&"@g0".parse().unwrap(), &deep).unwrap_err();
    assert_eq!(error, SelectError::TooDeep);

    let many = ["n[1-300000]"; 4].join(",");
    let error = select(&many.parse().unwrap(), &Universe::default()).unwrap_err();
    assert_eq!(error, SelectError::TooMany);
}

#[test]
fn a_request_reads_as_json() {
    let json = r#"{"nodes":["web-*,h.lan"],"groups":["@web"],"pick":{"count":2,"seed":1}}"#;
    let request: Request = serde_json::from_str(json).unwrap();
    let chosen = resolve(&request, &fleet()).unwrap();
    assert_eq!(chosen.len(), 2, "{}", fold(ids(&chosen)));
    let again: Request = serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap();
    assert_eq!(again, request);
    assert!(serde_json::from_str::<Request>(r#"{"node":["a"]}"#).is_err());
    assert!(serde_json::from_str::<Request>(r#"{"nodes":["a,,b"]}"#).is_err());
}
