//! The README's table of rights, tried as it stands there: with these and no others everything works.

use serde_json::json;
use tierline_testkit::{Broker, Grant, Resource, Right};

use crate::deployment::{Deployment, FIRST, now};
use crate::events::{bill, created};
use crate::security::{USER, asking_for_rights, deployment};

const README: &str = include_str!("../../README.md");

/// A line of the table.
#[derive(Debug)]
struct Row {
    resource: Resource,
    names: Vec<String>,
    rights: Vec<Right>,
}

#[test]
fn the_rights_that_the_readme_lists_are_enough_and_each_command_needs_what_it_says() {
    let broker = asking_for_rights();
    let deployment = deployment(&broker);
    let (making, running): (Vec<Row>, Vec<Row>) =
        table(&deployment).into_iter().partition(|row| row.resource == Resource::Cluster);
    assert_eq!((making.len(), running.len()), (1, 8), "the table has other rows now");
    let also = |stream: &str, right: Right| {
        grant(&broker, &Row { resource: Resource::Topic, names: vec![deployment.topic(stream)], rights: vec![right] });
    };

    running.iter().for_each(|row| grant(&broker, row));
    refused(&deployment, &["topics", "create"], "CREATE");
    making.iter().for_each(|row| grant(&broker, row));
    deployment.command(&["topics", "create", "--partitions", "1"]).well();
    deployment.command(&["topics", "check"]).well();

    let mut running = deployment.run(FIRST);
    refused(&deployment, &["send", "billing", "bills.jsonl"], "WRITE");
    also("billing", Right::Write);
    also("tickets", Right::Write);
    deployment.send("billing", &[bill("acme", "past_due")]);
    let mut unreadable = created("acme", "T2", now(), json!({}));
    unreadable["occurred_at"] = json!("1999-12-31T00:00:00Z");
    deployment.send("tickets", &[created("acme", "T1", now(), json!({ "priority": "urgent" })), unreadable]);

    refused(&deployment, &["tail", "escalations", "--from-start", "--until-end"], "READ");
    also("escalations", Right::Read);
    deployment.wait_for_escalation(&mut running, "an escalation", |record| record["rule"] == "urgent-past-due");
    refused(&deployment, &["dead-letters", "list"], "READ");
    also("dead-letters", Right::Read);
    running.wait_for("the dead letter", || match deployment.command(&["dead-letters", "list"]).well().out {
        out if out.contains("time") => Ok(()),
        out => Err(out),
    });
    deployment.command(&["dead-letters", "replay", "--all"]).well();
    running.end();
}

/// The table, with the names that the deployment's topics and group really have.
fn table(deployment: &Deployment) -> Vec<Row> {
    let section = README.split("### Rights").nth(1).expect("the README has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|')?.split_once('|'));
    let rows = lines.filter(|(resource, _)| resource.trim() != "resource" && !resource.starts_with('-'));
    rows.map(|(resource, rights)| {
        let (kind, name): (_, fn(&Deployment, &str) -> String) = match resource.split_whitespace().next() {
            Some("topic" | "topics") => (Resource::Topic, |deployment, name| deployment.topic(name)),
            Some("group") => (Resource::Group, |deployment, name| name.replace("tierline", &deployment.group())),
            Some("transactional") => (Resource::TransactionalId, |deployment, _| format!("{}-*", deployment.group())),
            Some("cluster,") => (Resource::Cluster, |_, _| "kafka-cluster".to_owned()),
            other => panic!("the table has a row on {other:?}"),
        };
        // What stands in parentheses explains.
        let quoted = resource.split(" (").next().unwrap_or_default().split('`').skip(1).step_by(2);
        let names = match kind {
            Resource::Cluster => vec![name(deployment, "")],
            _ => quoted.map(|quoted| name(deployment, quoted)).collect(),
        };
        Row { resource: kind, names, rights: rights.split(',').map(|right| parse(right.trim())).collect() }
    })
    .collect()
}

fn parse(right: &str) -> Right {
    match right {
        "Read" => Right::Read,
        "Write" => Right::Write,
        "Create" => Right::Create,
        "Describe" => Right::Describe,
        "DescribeConfigs" => Right::DescribeConfigs,
        other => panic!("the table names a right `{other}`"),
    }
}

fn grant(broker: &Broker, row: &Row) {
    for name in &row.names {
        broker.grant(&Grant { principal: &format!("User:{USER}"), resource: row.resource, name, rights: &row.rights });
    }
}

fn refused(deployment: &Deployment, command: &[&str], right: &str) {
    deployment.write("bills.jsonl", &bill("acme", "past_due").to_string());
    let answer = deployment.command(command);
    assert_eq!(answer.code, Some(2), "{command:?}: {answer:?}");
    assert!(answer.err.contains(right), "{command:?} does not name {right}: {}", answer.err);
}
