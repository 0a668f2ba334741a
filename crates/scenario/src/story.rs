//! Records as a log holds them, lived through once more up to an instant: what `why` asks when it looks back.

use std::sync::Arc;

use serde_json::Value as Json;
use tierline_config::Config;
use tierline_engine::{Arrival, Engine, Input, Settings};
use tierline_model::Millis;
use tierline_rules::Edge;

use crate::moves;
use crate::steps::{self, Step, Stream, What};

/// Records of input streams, in any order.
#[derive(Debug, Default)]
pub struct Story {
    steps: Vec<Step>,
    /// The sources of accounts and of bills, in the order in which they were met: one topic a source.
    sources: [Vec<String>; 2],
}

impl Story {
    /// Adds a record of a stream, by the contract's name of it.
    /// `appended_at`: when the log took it; none: as it happened.
    ///
    /// # Errors
    /// It is no input stream, or no record of it.
    pub fn add(&mut self, stream: &str, appended_at: Option<Millis>, record: &Json) -> Result<(), String> {
        let text = |name: &str| record.get(name).and_then(Json::as_str).unwrap_or_default();
        let stream = match stream {
            "tickets" => Stream::Tickets,
            "accounts" => Stream::Accounts(self.topic(0, text("source"))),
            "billing" => Stream::Billing(self.topic(1, text("source"))),
            "account-changes" => Stream::AccountChanges,
            "billing-changes" => Stream::BillingChanges,
            "signals" => Stream::Signals,
            "commands" => Stream::Commands,
            other => return Err(format!("'{other}' is no input stream")),
        };
        let json = record.to_string();
        let at = stream.with_input(&json, |input| instant(&input))?.or(appended_at).unwrap_or(Millis::MIN);
        let arrives = appended_at.unwrap_or(at).max(at);
        self.steps.push(Step { line: 0, at, arrives, what: What::Record(stream, json) });
        Ok(())
    }

    /// An engine that has lived through all that had arrived by an instant, each record as it arrived, and whose clock
    /// has come to there. Everything fires (`time.start: replay`).
    pub fn play(mut self, config: &Config, until: Millis) -> Engine {
        steps::sort(&mut self.steps);
        let settings = Settings { start_quietly: false, ..config.engine() };
        let mut engine = Engine::new(Arc::clone(&config.rules), Arc::new(settings));
        let mut clock = Millis::MIN;
        for step in self.steps.iter().filter(|step| step.arrives <= until) {
            if clock < step.arrives && step.arrives > Millis::MIN {
                engine.advance(step.arrives - 1, Edge::Bounds);
                clock = step.arrives;
            }
            let What::Record(stream, json) = &step.what else { continue };
            // A snapshot that nobody dated carries no instant.
            let appended_at = (step.arrives > Millis::MIN).then_some(step.arrives);
            let applied = stream.with_input(json, |input| engine.apply(clock, Arrival { appended_at, input }));
            debug_assert!(applied.is_ok(), "every record was decoded when it was added");
            let settled = moves::settled(&mut engine, clock, drop);
            debug_assert!(settled.is_ok(), "an engine reads what it has written");
        }
        engine.advance(until, Edge::Bounds);
        engine.outputs().for_each(drop);
        engine
    }

    fn topic(&mut self, side: usize, source: &str) -> u8 {
        let met = &mut self.sources[side];
        let place = met.iter().position(|other| other == source).unwrap_or_else(|| {
            met.push(source.to_owned());
            met.len() - 1
        });
        u8::try_from(place).unwrap_or(u8::MAX)
    }
}

/// When a record says that it happened.
fn instant(input: &Input<'_>) -> Option<Millis> {
    match input {
        Input::Ticket(event) => Some(event.occurred_at),
        Input::Signal(signal) => Some(signal.occurred_at),
        Input::Command(command) => Some(command.occurred_at),
        Input::Heartbeat { heard_until, .. } => Some(*heard_until),
        Input::AccountRehomed(moved) => Some(moved.occurred_at),
        Input::ImportFinished { .. } | Input::Moved { .. } => None,
        Input::Account { snapshot, .. } => snapshot.updated_at,
        Input::Billing { snapshot, .. } => snapshot.updated_at,
        Input::AccountChange(change) => change.updated_at,
        Input::BillingChange(change) => change.updated_at,
        Input::AccountGone { .. } | Input::BillingGone { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tierline_engine::{Stands, Unforeseen};
    use tierline_rules::source::Source;

    const NINE: Millis = 1_772_442_000_000;
    const HOUR: Millis = 3_600_000;

    fn story() -> Story {
        let mut story = Story::default();
        let account = json!({ "account_id": "acme", "source": "crm", "plan": "enterprise" });
        story.add("accounts", Some(NINE), &account).expect("a snapshot");
        let created = json!({ "event_id": "e1", "ticket_id": "T1", "account_id": "acme", "source": "desk",
            "occurred_at": NINE, "kind": "created", "ticket": { "status": "new" } });
        story.add("tickets", None, &created).expect("an event");
        story
    }

    fn why(at: Millis) -> tierline_engine::Why {
        lived(at).why(None, "T1", at).expect("it is there")
    }

    fn lived(at: Millis) -> Engine {
        let rules = "rules: [ { id: r, tier: 3, when: { all: [ account.plan: enterprise, ticket.category: billing, \
                     ticket.no_agent_reply_for: 2h ] } }, { id: s, tier: 2, when: { ticket.no_agent_reply_for: 2h } } ]";
        let (config, _) = tierline_config::read(&Source::new("rules.yaml", rules)).expect("it is right");
        story().play(&config, at)
    }

    #[test]
    fn what_is_foreseen_is_what_comes_if_nothing_happens() {
        for (now, at) in [(NINE, NINE + HOUR), (NINE + HOUR, NINE + 2 * HOUR + 5_000), (NINE + HOUR, NINE + 9 * HOUR)] {
            let engine = lived(now);
            let foreseen = engine.foresee(None, "T1", at).expect("it can be copied");
            assert_eq!(foreseen, Some(why(at)));
            assert_eq!(engine.why(None, "T1", now), Some(why(now)), "it stays where it is");
        }
        assert_eq!(lived(NINE).foresee(Some("other"), "T1", NINE).expect("nothing to copy"), None);
    }

    #[test]
    fn what_is_too_far_or_too_much_or_forgotten_by_then_is_refused_for_that_reason() {
        let engine = lived(NINE + HOUR);
        assert!(matches!(engine.foresee(None, "T1", NINE + 400 * 24 * HOUR), Err(Unforeseen::TooFar)));
        let mut story = story();
        let solved = json!({ "event_id": "e2", "ticket_id": "T1", "account_id": "acme", "source": "desk",
            "occurred_at": NINE + 1, "kind": "updated", "ticket": { "status": "solved" } });
        story.add("tickets", None, &solved).expect("an event");
        let (config, _) = tierline_config::read(&Source::new("rules.yaml", "rules: []")).expect("it is right");
        let engine = story.play(&config, NINE + HOUR);
        assert!(engine.foresee(None, "T1", NINE + 24 * HOUR).is_ok_and(|why| why.is_some()));
        assert!(matches!(engine.foresee(None, "T1", NINE + 40 * 24 * HOUR), Err(Unforeseen::Forgotten)));
        let mut story = self::story();
        for number in 2..2_002 {
            let created = json!({ "event_id": format!("e-{number}"), "ticket_id": format!("T{number}"),
                "account_id": "acme", "source": "desk", "occurred_at": NINE, "kind": "created" });
            story.add("tickets", None, &created).expect("an event");
        }
        let engine = story.play(&config, NINE + HOUR);
        assert!(matches!(engine.foresee(None, "T1", NINE + 24 * HOUR), Err(Unforeseen::TooMany)));
    }

    #[test]
    fn what_is_missing_when_it_fires_and_the_smallest_change_are_told() {
        let before = why(NINE + HOUR);
        assert_eq!((before.tier, before.rules[1].stands), (1, Stands::No));
        assert_eq!(before.rules[1].fires_at, Some(NINE + 2 * HOUR));
        let undecided = &before.rules[0];
        // Time alone does not decide it: nobody has told the category.
        assert_eq!((undecided.stands, undecided.fires_at), (Stands::No, None));
        let wanted: Vec<_> =
            undecided.answer.change.iter().map(|&place| undecided.answer.conditions[place].wanted.as_str()).collect();
        assert_eq!(wanted, ["the ticket's category is billing", "no agent has replied for 2 hours"]);

        let after = why(NINE + 3 * HOUR);
        assert_eq!((after.tier, after.rules[1].stands), (2, Stands::Fired));
        assert_eq!(after.rules[0].stands, Stands::Undecided);
        let change = &after.rules[1].answer;
        assert_eq!(change.conditions[change.change[0]].otherwise, "the customer has not waited 2 hours for an agent");
    }

    #[test]
    fn what_is_no_record_is_said() {
        let mut story = Story::default();
        assert_eq!(story.add("weather", None, &json!({})), Err("'weather' is no input stream".to_owned()));
        assert!(story.add("tickets", None, &json!({ "kind": "created" })).is_err());
        assert!(story.add("tickets", None, &json!({ "kind": "import_finished" })).is_err());
    }
}
