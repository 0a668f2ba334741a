//! What webhooks lost, asked for on Kafka: heartbeats in each partition, a cursor that survives.

use std::collections::BTreeSet;

use serde_json::json;
use tierline_testkit::{Vendor, free_address};

use crate::deployment::{Deployment, FIRST, Instance, SECOND, WALL_TIME, instant, now};

const PARTITIONS: u32 = 4;
const TICKETS: i64 = 8;
const HOUR: i64 = 3_600_000;

/// A Zendesk whose tickets, each of another organisation, nobody has answered for three hours.
fn zendesk() -> Vendor {
    let opened = instant((now() - 3 * HOUR) / 1_000 * 1_000);
    let comment = json!({"id": 1, "author_id": 501, "plain_body": "…", "created_at": opened});
    Vendor::start(move |path| {
        let ticket = |id| {
            json!({"id": id, "subject": "Export fails", "status": "open", "requester_id": 501, "submitter_id": 501,
                "organization_id": 900 + id, "description": "…", "created_at": opened, "updated_at": opened})
        };
        Some(match path {
            "/api/v2/incremental/tickets/cursor.json" => {
                json!({"tickets": (1..=TICKETS).map(ticket).collect::<Vec<_>>(), "end_of_stream": true})
            }
            "/api/v2/tickets.json" => json!({"tickets": []}),
            path if path.ends_with("/comments.json") => json!({"comments": [comment]}),
            _ => json!({}),
        })
    })
}

#[test]
fn what_webhooks_lost_escalates_once_its_source_has_been_heard_and_a_restart_goes_on() {
    let (vendor, listen) = (zendesk(), free_address());
    let url = vendor.url();
    let config = format!(
        "{WALL_TIME}
rules: [ {{ id: silence, tier: 2, when: {{ ticket.no_agent_reply_for: 2h }} }} ]
intake:
  listen: \"{listen}\"
  sources: {{ zendesk: {{ kind: zendesk, secret: \"${{PATH}}\" }} }}
  reconcile: {{ zendesk: {{ url: \"{url}\", token: \"${{PATH}}\", every: 1s }} }}
"
    );
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    let opened = || {
        let records = kafka.records("escalations").into_iter();
        let tickets = records.map(|record| (record["ticket_id"].to_string(), record["kind"].to_string()));
        tickets.collect::<BTreeSet<_>>()
    };
    let heard = || kafka.records("tickets").iter().filter(|told| told["kind"] == "heartbeat").count();
    let hear = |instance: &mut Instance, rounds: usize| {
        let wanted = heard() + rounds * PARTITIONS as usize;
        instance.wait_for("heartbeats", || match heard() {
            some if some >= wanted => Ok(()),
            some => Err(format!("there are {some}")),
        });
    };
    let mut first = kafka.run(FIRST);
    first.wait_for("each ticket's escalation", || match opened() {
        all if all.len() == TICKETS as usize => Ok(()),
        some => Err(format!("there are {some:?}")),
    });
    hear(&mut first, 2);
    first.end();
    // Who comes next has no memory but the directory.
    let mut second = kafka.run(SECOND);
    hear(&mut second, 2);
    second.end();
    assert_eq!(opened().len(), TICKETS as usize, "each once");
    let tickets = kafka.records("tickets");
    let created: BTreeSet<_> =
        tickets.iter().filter(|told| told["kind"] == "created").map(|told| told["event_id"].to_string()).collect();
    assert_eq!(created.len(), TICKETS as usize);
}
