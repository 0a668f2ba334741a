//! The fingerprint: what moves it and what does not.

use crate::sample::{read, read_all};

fn fingerprint(rule: &str) -> String {
    let text = format!("terms: {{ rich: {{ account.plan: enterprise }} }}\nrules: [{{ id: r, tier: 2, {rule} }}]\n");
    read(&text).rules.remove(0).fingerprint
}

#[test]
fn what_does_not_change_the_meaning_does_not_change_the_version() {
    let plain = fingerprint("when: { account.plan: enterprise, ticket.no_agent_reply_for: 2h }");
    for same in [
        "when: { all: [account.plan: enterprise, ticket.no_agent_reply_for: 120m] }",
        "when: { is: rich, ticket.no_agent_reply_for: 2h }",
        "when: { account.plan: ENTERPRISE, all: [{ not: { not: { ticket.no_agent_reply_for: { for: 2h } } } }] }",
        "when: { account.plan: [enterprise], ticket.no_agent_reply_for: 2h }, description: a, route: b, suggest: c",
        "when: { is: rich, ticket.no_agent_reply_for: 2h }, mode: live, on_deploy: quiet, clear: solved, once_per: ticket",
    ] {
        assert_eq!(fingerprint(same), plain, "{same}");
    }
}

#[test]
fn whatever_changes_the_meaning_changes_the_version() {
    let versions: std::collections::BTreeSet<String> = [
        "when: { account.plan: enterprise }",
        "when: { account.plan: pro }",
        "when: { not: { account.plan: enterprise } }",
        "when: { ticket.sentiment: { at_most: -0.5 } }",
        "when: { ticket.sentiment: { at_most: -0.5, take: lowest } }",
        "when: { ticket.sentiment: { at_most: -0.5, within: 1h } }",
        "when: { any: [account.plan: enterprise, account.health: 5] }",
        "when: { all: [account.plan: enterprise, account.health: 5] }",
        // The engine remembers firings by the places of the conditions.
        "when: { all: [account.health: 5, account.plan: enterprise] }",
        "when: { account.plan: enterprise }, unless: { account.health: 5 }",
        "when: { account.plan: enterprise }, for: 1h",
        "when: { account.plan: enterprise }, cooldown: 1h",
        "when: { account.plan: enterprise }, clear: when_no",
        "when: { account.plan: enterprise }, once_per: account",
        "when: { account.plan: enterprise }, on_deploy: fire",
        "when: { account.plan: enterprise }, mode: disabled",
        "when: { ticket.follow_ups: 2 }",
        "when: { ticket.follow_ups: { is: 2, apart: 1m } }",
        "when: { account.tickets: { at_least: 2, within: 1h } }",
        "when: { account.tickets: { at_least: 2, within: 2h } }",
    ]
    .map(fingerprint)
    .into();
    assert_eq!(versions.len(), 20);
}

#[test]
fn a_calendars_hours_are_of_the_version_and_its_name_is_not() {
    let version = |name: &str, zone: &str, calendar: &str| {
        let when = format!("{{ ticket.no_agent_reply_for: {{ for: 2h, calendar: {calendar} }} }}");
        let hours = format!("{{ time_zone: {zone}, hours: {{ mon: '09:00-17:00' }} }}");
        let sla = "sla: [{ id: p, targets: { resolution: { default: 4h } } }]";
        let rule = format!("rules: [{{ id: r, tier: 2, when: {when} }}]");
        read(&format!("calendars: {{ {name}: {hours} }}\n{sla}\n{rule}\n")).rules.remove(0).fingerprint
    };
    let emea = version("emea", "UTC", "emea");
    assert_eq!(emea, version("europe", "UTC", "europe"));
    assert_ne!(emea, version("emea", "Europe/Berlin", "emea"));
    assert_ne!(emea, version("emea", "UTC", "policy"));
    assert_eq!(version("emea", "UTC", "always"), fingerprint("when: { ticket.no_agent_reply_for: 2h }"));
}

#[test]
fn a_version_is_the_same_in_every_build() {
    assert_eq!(fingerprint("when: { account.plan: enterprise, ticket.no_agent_reply_for: 2h }"), "51ed17e72ca6c70a");
}

#[test]
fn a_policys_version_tells_its_targets() {
    let policy = |target: &str| {
        let text = format!("sla: [{{ id: standard, targets: {{ first_reply: {target} }} }}]");
        read_all(&text).0.policies.remove(0).fingerprint
    };
    assert_eq!(policy("{ default: 4h }"), policy("{ default: { in: 240m, calendar: always } }"));
    assert_ne!(policy("{ default: 4h }"), policy("{ default: 5h }"));
    assert_ne!(policy("{ default: 4h }"), policy("{ urgent: 4h }"));
}
