//! A Zendesk that pages, throttles, fails and repeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tierline_intake::proof::hmac_sha256;
use tierline_model::{Millis, instant_text};

use super::vendor::{Question, Vendor};
use super::{Dice, Trial, instant, is_said_in_the_end, of_kind, said};
use crate::world::{Running, SECRETS, World, now, source_of};

/// A ticket, and when what was written on it; seconds.
#[derive(Clone)]
pub struct Ticket {
    pub id: i64,
    pub created_at: i64,
    pub comments: Vec<(i64, Author)>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Author {
    Customer,
    Agent,
}

const CUSTOMER: i64 = 501;
const AGENT: i64 = 601;

/// Tickets in one page of the export.
const PAGE: usize = 3;

impl Ticket {
    /// Opened by a customer so many seconds ago, with these answers so many seconds ago.
    pub fn opened(id: i64, ago: i64, comments: &[(i64, Author)]) -> Ticket {
        let now = now() / 1_000;
        let comments = comments.iter().map(|(ago, author)| (now - ago, *author)).collect();
        Ticket { id, created_at: now - ago, comments }
    }

    fn comments_by(&self, at: i64) -> impl Iterator<Item = (usize, &(i64, Author))> {
        self.comments.iter().enumerate().filter(move |(_, (written, _))| *written <= at)
    }

    fn changed_by(&self, at: i64) -> i64 {
        self.comments_by(at).map(|(_, (written, _))| *written).max().unwrap_or(self.created_at)
    }

    fn told(&self, at: i64) -> Value {
        json!({
            "id": self.id, "url": format!("https://acme.zendesk.com/api/v2/tickets/{}.json", self.id),
            "created_at": text(self.created_at), "updated_at": text(self.changed_by(at)),
            "generated_timestamp": self.changed_by(at), "subject": "Export fails", "description": "It fails",
            "status": "open", "priority": "urgent", "requester_id": CUSTOMER, "submitter_id": CUSTOMER,
            "organization_id": 900, "group_id": 41, "custom_fields": [{"id": 360_001, "value": "emea"}],
        })
    }
}

fn text(seconds: i64) -> String {
    instant_text(seconds * 1_000)
}

/// Answers as Zendesk does, with what has happened by then.
pub fn zendesk(tickets: Vec<Ticket>) -> impl Fn(&Question) -> (u16, Value) {
    let pages = AtomicUsize::new(0);
    move |question| {
        let at = now() / 1_000;
        let there = || tickets.iter().filter(move |ticket| ticket.created_at <= at);
        let whole = |name: &str| question.query.get(name).cloned().unwrap_or_default();
        let users = json!([{"id": CUSTOMER, "name": "Jo", "role": "end-user", "organization_id": 900},
            {"id": AGENT, "name": "Sam", "role": "agent"}]);
        let told = match question.path.as_str() {
            "/api/v2/groups.json" => json!({"groups": [{"id": 41, "name": "Support"}], "meta": {"has_more": false}}),
            "/api/v2/ticket_fields.json" => {
                let (first, second) = (json!({"id": 1, "title": "A"}), json!({"id": 360_001, "title": "Region"}));
                match whole("page[after]").as_str() {
                    "two" => json!({"ticket_fields": [second], "meta": {"has_more": false, "after_cursor": "end"}}),
                    _ => json!({"ticket_fields": [first], "meta": {"has_more": true, "after_cursor": "two"}}),
                }
            }
            "/api/v2/brands.json" => return (403, json!({"error": "Forbidden"})),
            "/api/v2/custom_statuses.json" => return (404, json!({"error": "not found"})),
            "/api/v2/users.json" => json!({"users": users, "meta": {"has_more": false}}),
            "/api/v2/incremental/organizations.json" => {
                let organisation = json!({"id": 900, "name": "Acme", "organization_fields": {"plan": "enterprise"}});
                json!({"organizations": [organisation], "end_time": at - 60, "end_of_stream": true})
            }
            "/api/v2/incremental/tickets/cursor.json" => {
                // `from-skip`, where the page begins.
                let cursor = whole("cursor");
                let (from, skip) = cursor.split_once('-').unwrap_or((question.query_of("start_time"), "0"));
                let (from, skip) = (from.parse::<i64>().expect("seconds"), skip.parse::<usize>().expect("a number"));
                let mut changed: Vec<_> =
                    there().filter(|ticket| (from..=at - 60).contains(&ticket.changed_by(at))).collect();
                changed.sort_by_key(|ticket| (ticket.changed_by(at), ticket.id));
                let page: Vec<_> = changed.iter().skip(skip).take(PAGE).map(|ticket| ticket.told(at)).collect();
                // Now and then the next page begins with what this one ended with.
                let again = pages.fetch_add(1, Ordering::Relaxed) % 3;
                let next = skip + page.len().saturating_sub(again.min(1)).max(1);
                let is_end = skip + page.len() >= changed.len();
                json!({"tickets": page, "users": users, "after_cursor": format!("{from}-{next}"),
                    "end_of_stream": is_end})
            }
            "/api/v2/tickets.json" => {
                let mut newest: Vec<_> = there().collect();
                newest.sort_by_key(|ticket| std::cmp::Reverse(ticket.changed_by(at)));
                let number = whole("page").parse::<usize>().expect("a number");
                let page: Vec<_> = newest.iter().skip((number - 1) * PAGE).take(PAGE).collect();
                let has_more = number * PAGE < newest.len();
                let page: Vec<_> = page
                    .into_iter()
                    .map(|ticket| {
                        let mut told = ticket.told(at);
                        told.as_object_mut().expect("an object").remove("generated_timestamp");
                        told
                    })
                    .collect();
                json!({"tickets": page, "users": users, "next_page": has_more.then_some("https://…")})
            }
            path => {
                let id = path.strip_prefix("/api/v2/tickets/").and_then(|rest| rest.strip_suffix("/comments.json"));
                let id = id.and_then(|id| id.parse::<i64>().ok());
                let Some(ticket) = there().find(|ticket| Some(ticket.id) == id) else {
                    return (404, json!({"error": "RecordNotFound"}));
                };
                let first = json!({"id": ticket.id * 100, "author_id": CUSTOMER, "plain_body": "It fails", "public": true,
                    "created_at": text(ticket.created_at)});
                let others = ticket.comments_by(at).map(|(n, (written, author))| {
                    let author = if *author == Author::Customer { CUSTOMER } else { AGENT };
                    json!({"id": ticket.id * 100 + 1 + n as i64, "author_id": author, "plain_body": "…", "public": true,
                        "created_at": text(*written), "attachments": [{"content_url": at}]})
                });
                let all: Vec<_> = std::iter::once(first).chain(others).collect();
                let skip = whole("page[after]").parse::<usize>().unwrap_or(0);
                let page: Vec<_> = all.iter().skip(skip).take(2).collect();
                let has_more = skip + page.len() < all.len();
                let next = (skip + page.len()).to_string();
                json!({"comments": page, "users": users, "meta": {"has_more": has_more, "after_cursor": next}})
            }
        };
        (200, told)
    }
}

pub fn world() -> World {
    World::of(source_of("zendesk", "{ kind: zendesk }"))
}

/// Tickets of the last hour, a day's, and some of the last minute, which come to be told while the test goes on.
fn tickets(dice: &mut Dice) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for id in 1..=12 {
        let mut ago = 100 + dice.below(3_000) as i64;
        let opened = ago;
        let mut comments = Vec::new();
        for _ in 0..dice.below(4) {
            ago -= 1 + dice.below(ago as usize / 2) as i64;
            comments.push((ago, if dice.below(2) == 0 { Author::Agent } else { Author::Customer }));
        }
        tickets.push(Ticket::opened(id, opened, &comments));
    }
    tickets.push(Ticket::opened(13, 62, &[(58, Author::Agent)]));
    tickets.push(Ticket::opened(14, 59, &[]));
    tickets
}

#[test]
fn whatever_fails_in_whatever_order_in_the_end_all_is_there_and_nothing_twice() {
    let tickets = tickets(&mut Dice(3));
    let (calm, vendor) = (world(), Vendor::start(zendesk(tickets.clone())));
    Trial::new(&calm, &vendor).run(4);
    let expected = said(&calm);
    assert!(expected.len() > 30, "{expected:?}");
    is_said_in_the_end(&expected, (3, 4), world, || Vendor::start(zendesk(tickets.clone())));
}

#[test]
fn what_webhooks_have_brought_is_not_told_again() {
    let vendor = Vendor::start(zendesk(vec![Ticket::opened(7, 600, &[(300, Author::Agent)])]));
    let world = world();
    let gateway = world.start();
    let created = event("created", 7, 600, json!({}));
    let comment = json!({"comment": {"id": 701, "body": "…", "is_public": true,
        "author": {"id": AGENT, "is_staff": true, "name": "Sam"}}});
    let answered = event("comment_added", 7, 300, comment);
    assert_eq!(post(&gateway, &created), 200);
    assert_eq!(post(&gateway, &answered), 200);
    let trial = Trial::new(&world, &vendor);
    trial.rounds(&gateway, 2);
    let kinds: Vec<_> =
        world.tickets().iter().map(|told| told["kind"].clone()).filter(|kind| kind != "heartbeat").collect();
    assert_eq!(kinds, ["created", "message", "updated"], "how it stands is all that is new");
    // The other way round: a webhook that comes late is the same message by its id.
    let late = world_with_late_webhook(&vendor, &answered);
    let messages = of_kind(&late, "message");
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|told| told["message"]["id"] == "701"), "{messages:?}");
}

fn world_with_late_webhook(vendor: &Vendor, payload: &Value) -> World {
    let world = world();
    let gateway = world.start();
    Trial::new(&world, vendor).rounds(&gateway, 1);
    assert_eq!(post(&gateway, payload), 200);
    drop(gateway);
    world
}

#[test]
fn an_older_ticket_that_was_never_met_is_an_import_and_one_that_was_met_is_not_told_again() {
    let vendor = Vendor::start(zendesk(vec![Ticket::opened(
        7,
        3 * 86_400,
        &[(2 * 86_400, Author::Agent), (600, Author::Customer)],
    )]));
    let world = world();
    let gateway = world.start();
    Trial::new(&world, &vendor).rounds(&gateway, 2);
    let told: Vec<_> = world.tickets().into_iter().filter(|told| !told["ticket_id"].is_null()).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    let import = &told[0]["import_id"];
    assert!(import.as_str().is_some_and(|id| id.starts_with("reconcile-desk-")), "{import}");
    assert!(told.iter().all(|record| record["import_id"] == *import));
    let ends = of_kind(&world, "import_finished");
    assert!(ends.iter().filter(|end| end["import_id"] == *import).count() == 3, "one in each partition: {ends:?}");
    drop(gateway);
    // Another process, which has no memory but the directory.
    let gateway = world.start();
    let trial = Trial { by: "another", ..Trial::new(&world, &vendor) };
    trial.rounds(&gateway, 2);
    assert_eq!(of_kind(&world, "created").len(), 1, "it was met");
}

#[test]
fn names_are_known_before_tickets_name_them_and_what_may_not_be_seen_is_done_without() {
    let vendor = Vendor::start(zendesk(vec![Ticket::opened(7, 600, &[])]));
    let world = world();
    let gateway = world.start();
    Trial::new(&world, &vendor).rounds(&gateway, 1);
    let created = of_kind(&world, "created");
    assert_eq!(created[0]["message"]["author_name"], "Jo");
    let updated = [of_kind(&world, "updated"), created].concat();
    assert!(updated.iter().any(|told| told["ticket"]["team"] == "Support"), "{updated:?}");
    assert!(updated.iter().any(|told| told["ticket"]["custom"]["region"] == "emea"), "{updated:?}");
    assert_eq!(world.records("account-changes").len(), 1);
    let keys = world.records("directory").into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned());
    assert!(keys.into_iter().any(|key| key == "desk,position,reconcile"));
}

#[test]
fn zendesk_is_asked_as_an_admins_token_or_as_an_app() {
    let vendor = Vendor::start(zendesk(Vec::new()));
    let world = world();
    let gateway = world.start();
    let mut trial = Trial::new(&world, &vendor);
    trial.rounds(&gateway, 1);
    trial.user = Some("jo@acme.example".to_owned());
    trial.rounds(&gateway, 1);
    let said: Vec<_> = vendor.asked().into_iter().map(|asked| asked.headers["authorization"].clone()).collect();
    assert!(said.contains(&"Bearer hunter2".to_owned()));
    // jo@acme.example/token:hunter2
    assert!(said.contains(&"Basic am9AYWNtZS5leGFtcGxlL3Rva2VuOmh1bnRlcjI=".to_owned()), "{said:?}");
}

/// An event of a subscription, as Zendesk sends it.
fn event(what: &str, id: i64, ago: i64, event: Value) -> Value {
    let at = now() - ago * 1_000;
    let detail = json!({"id": id.to_string(), "created_at": instant_text(now() / 1_000 * 1_000 - 600_000), "description": "It fails",
        "organization_id": "900", "requester_id": CUSTOMER.to_string(), "submitter_id": CUSTOMER.to_string(),
        "status": "OPEN", "priority": "URGENT", "subject": "Export fails", "updated_at": instant_text(at)});
    json!({"id": format!("{what}-{id}"), "type": format!("zen:event-type:ticket.{what}"), "detail": detail,
        "subject": format!("zen:ticket:{id}"), "time": instant_text(at), "event": event,
        "zendesk_event_version": "2022-11-06"})
}

fn post(gateway: &Running, payload: &Value) -> u16 {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let (body, stamp) = (payload.to_string(), instant_text(now()));
    let signature = hmac_sha256(SECRETS[0].as_bytes(), &[stamp.as_bytes(), body.as_bytes()]);
    let signature = BASE64_STANDARD.encode(signature);
    let headers = [
        ("content-type", "application/json"),
        ("x-zendesk-webhook-signature", &signature),
        ("x-zendesk-webhook-signature-timestamp", &stamp),
    ];
    gateway.send("desk", &body, &headers).0
}

#[test]
fn the_vendors_clock_counts_where_it_is_behind() {
    let clock: Arc<dyn Fn() -> Millis + Send + Sync> = Arc::new(now);
    let vendor = Vendor::start(zendesk(Vec::new()));
    vendor.date(move || clock() - 600_000);
    let world = world();
    let gateway = world.start();
    Trial::new(&world, &vendor).rounds(&gateway, 1);
    let heard = of_kind(&world, "heartbeat").last().map(|told| instant(&told["heard_until"])).expect("one is there");
    let behind = now() - heard;
    assert!((660_000..680_000).contains(&behind), "{behind}");
}
