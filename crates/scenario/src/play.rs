//! A scenario played on a virtual clock.

use std::collections::BTreeMap;

use tierline_engine::{Arrival, Engine, Input, Output, Rejected};
use tierline_model::{Millis, SlaEvent};
use tierline_rules::Edge;
use tierline_rules::source::Entry;

use crate::settings::{self, Parts};
use crate::steps::{Step, Stream, What};
use crate::{Happened, Scenario, Verdict, expect, missing, moves, scored, sla_events, times};

/// Plays it as it stands, and with a restart after every step; what went out.
pub(crate) fn twice(scenario: &Scenario) -> (Verdict, Vec<Happened>) {
    let plain = Player::play(scenario, false);
    match plain.verdict() {
        Verdict::Passed => {}
        Verdict::Failed(mut differences) => {
            differences.extend(missing::because(scenario, plain.parts.rules(), &plain.happened));
            if scored::is_missed(scenario, plain.parts.rules()) {
                differences.push(scored::UNSCORED.to_owned());
            }
            return (Verdict::Failed(differences), plain.happened);
        }
        other => return (other, plain.happened),
    }
    let restarted = Player::play(scenario, true);
    if restarted.happened == plain.happened && restarted.sla_events == plain.sla_events && restarted.refused.is_empty()
    {
        return (Verdict::Passed, plain.happened);
    }
    let mut differences = vec!["with a restart after every step something else goes out".to_owned()];
    if restarted.sla_events != plain.sla_events {
        let told = |events: &[SlaEvent]| {
            let told: Vec<_> = events.iter().map(|event| sla_events::line(event, scenario.start)).collect();
            told.join("; ")
        };
        let (before, now) = (told(&plain.sla_events), told(&restarted.sla_events));
        differences.push(format!("sla_events were {before}, are {now}"));
    }
    if let Verdict::Failed(more) = restarted.verdict() {
        differences.extend(more);
    }
    (Verdict::Failed(differences), restarted.happened)
}

/// What it comes to by an instant.
pub(crate) fn up_to(scenario: &Scenario, at: Millis) -> Engine {
    let mut player = Player::new(scenario);
    player.live(at, false);
    player.engine
}

struct Player<'a> {
    scenario: &'a Scenario,
    configuration: Vec<Entry>,
    parts: Parts,
    engine: Engine,
    clock: Millis,
    happened: Vec<Happened>,
    sla_events: Vec<SlaEvent>,
    /// What the engine would not do.
    refused: Vec<String>,
}

impl<'a> Player<'a> {
    fn play(scenario: &'a Scenario, restart_after_each: bool) -> Player<'a> {
        let mut player = Player::new(scenario);
        player.live(scenario.until, restart_after_each);
        player
    }

    fn new(scenario: &'a Scenario) -> Player<'a> {
        let parts = settings::ready(&scenario.configuration);
        let mut engine = parts.engine();
        let clock = scenario.steps.first().map_or(scenario.start, |step| scenario.start.min(step.arrives));
        engine.caught_up(clock);
        Player {
            scenario,
            configuration: scenario.configuration.clone(),
            parts,
            engine,
            clock,
            happened: Vec::new(),
            sla_events: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Takes every step up to an instant, and comes to it.
    fn live(&mut self, until: Millis, restart_after_each: bool) {
        for step in self.scenario.steps.iter().filter(|step| step.arrives <= until) {
            if self.clock < step.arrives {
                self.run_up_to(step.arrives - 1);
                self.clock = step.arrives;
            }
            self.take(step);
            if restart_after_each {
                self.restart();
            }
        }
        self.run_up_to(until);
    }

    fn verdict(&self) -> Verdict {
        let Scenario { expect, never, shadow, sla_events, start, .. } = self.scenario;
        let mut differences = self.refused.clone();
        let (in_shadow, live): (Vec<_>, Vec<_>) = self.happened.iter().cloned().partition(|happened| happened.shadow);
        differences.extend(expect::compare(expect, never, &live, *start));
        if let Some(shadow) = shadow {
            let differ = expect::compare(shadow, &[], &in_shadow, *start);
            differences.extend(differ.into_iter().map(|difference| format!("in the shadow: {difference}")));
        }
        differences.extend(sla_events::compare(sla_events, &self.sla_events, *start));
        if differences.is_empty() { Verdict::Passed } else { Verdict::Failed(differences) }
    }

    /// Lets the clock stop at every deadline up to this instant.
    fn run_up_to(&mut self, instant: Millis) {
        while let Some(deadline) = self.engine.next_deadline().filter(|deadline| *deadline <= instant) {
            self.clock = self.clock.max(deadline);
            self.engine.advance(self.clock, Edge::Bounds);
            self.collect();
            if self.engine.next_deadline() == Some(deadline) {
                let at = times::since(deadline, self.scenario.start);
                self.refused.push(format!("the engine asks to be woken at {at} again and again"));
                break;
            }
        }
        self.clock = self.clock.max(instant);
        self.engine.advance(self.clock, Edge::Bounds);
        self.collect();
    }

    fn take(&mut self, step: &Step) {
        let answer = match &step.what {
            What::Restart(changed) => {
                changed.iter().for_each(|entry| settings::put(&mut self.configuration, entry));
                self.parts = settings::ready(&self.configuration);
                self.restart();
                Ok(())
            }
            What::Tombstone(Stream::Billing(topic), account_id) => {
                self.apply(step, Input::BillingGone { topic: *topic, account_id })
            }
            What::Tombstone(_, account_id) => self.apply(step, Input::AccountGone { topic: 0, account_id }),
            What::Record(stream, json) => {
                let applied = stream.with_input(json, |input| self.apply(step, input));
                applied.expect("every record was decoded when the file was read")
            }
        };
        if let Err(Rejected { code, reason }) = answer {
            self.refused.push(format!("line {}: the record is a dead letter: {code}, {reason}", step.line));
        }
        self.collect();
    }

    fn apply(&mut self, step: &Step, input: Input<'_>) -> Result<(), Rejected> {
        self.engine.apply(self.clock, Arrival { appended_at: Some(step.arrives), input })
    }

    /// A new engine with the old one's state, as from a changelog.
    fn restart(&mut self) {
        self.collect();
        let mut state: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        self.engine.snapshot(&mut |key, value| {
            state.insert(key.to_vec(), value.to_vec());
        });
        let memory = self.engine.memory();
        self.engine = self.parts.engine();
        let mut restored = Ok(());
        for (key, value) in &state {
            restored = restored.and_then(|()| self.engine.restore(key, Some(value)));
        }
        restored = restored.and_then(|()| self.engine.restored(self.clock, Edge::Bounds, Some(&memory)));
        if let Err(error) = restored {
            self.refused.push(format!("the state cannot be restored: {error}"));
        }
        self.engine.caught_up(self.clock);
        self.collect();
    }

    fn collect(&mut self) {
        let happened = moves::settled(&mut self.engine, self.clock, |output| match output {
            Output::Escalation(it) => self.happened.push(Happened { escalation: *it, shadow: false }),
            Output::Shadow(it) => self.happened.push(Happened { escalation: *it, shadow: true }),
            Output::Sla(event) => self.sla_events.push(*event),
            Output::Queue(..) | Output::Move { .. } => {}
        });
        if let Err(Rejected { code, reason }) = happened {
            self.refused.push(format!("what goes to another account is a dead letter: {code}, {reason}"));
        }
    }
}
