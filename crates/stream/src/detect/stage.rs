//! One task of the detect stage: a decoder, an engine, and what is counted between two commits.

use std::sync::Arc;

use tierline_engine::{Arrival, Engine, Input, Output};
use tierline_model::{Decoder, Millis, Notes, TicketRecord, check_instant};
use tierline_observe::events::{ImportsTimedOut, LatchedQuietly, MovesGivenUp};
use tierline_observe::why::{Asked, Found};
use tierline_observe::{LaneMetrics, Moved, PassedOver};

use super::Common;
use super::emit::{self, Occasion};
use super::record;
use super::snapshot_topics::SnapshotTopics;
use super::why;
use crate::clock::Clock;
use crate::log::{Partition, Record};
use crate::outbox::Outbox;
use crate::place::check_place;
use crate::stage::{Applied, EachChange, Stage};
use crate::topics::Stream;

/// A task's worth of the detect stage.
pub struct DetectStage {
    engine: Engine,
    decoder: Decoder,
    common: Arc<Common>,
    partition: Partition,
    partitions: i32,
    topics: SnapshotTopics,
    /// The task has caught up since it was made.
    has_caught_up: bool,
    /// What the next outputs come from.
    occasion: Occasion,
    /// The append times of the records that led to escalations since the last commit, one for each.
    causes: Vec<Millis>,
}

impl DetectStage {
    pub(super) fn new(
        engine: Engine,
        decoder: Decoder,
        common: Arc<Common>,
        partition: Partition,
        partitions: i32,
    ) -> DetectStage {
        DetectStage {
            engine,
            decoder,
            topics: SnapshotTopics::new(&common.streams),
            common,
            partition,
            partitions,
            has_caught_up: false,
            occasion: Occasion::Restart,
            causes: Vec::new(),
        }
    }

    /// What it holds, in the words of [`Engine::meaning`].
    pub fn meaning(self, each: &mut dyn FnMut(&[u8], &[u8])) {
        self.engine.meaning(each);
    }

    fn stream(&self, record: &Record<'_>) -> Stream {
        self.common.streams[usize::from(record.input.0)].0
    }

    /// Decodes, checks, and hands it to the engine. `Err`: what became of it instead.
    fn take(
        &mut self,
        clock: &mut Clock,
        record: &Record<'_>,
        dated: bool,
        metrics: &mut LaneMetrics,
    ) -> Result<(), Applied> {
        let (partitions, max_future) = (self.partitions, self.common.max_future);
        let stream = self.stream(record);
        let appended_at = dated.then_some(record.appended_at);
        let arrival = |input| Arrival { appended_at, input };
        let Some(value) = record.value else {
            let input = match stream {
                Stream::Accounts(_) => {
                    let topic = self.topics.number(record.input);
                    Input::AccountGone { topic, account_id: record::account_of(record, partitions)? }
                }
                Stream::Billing(_) => {
                    let topic = self.topics.number(record.input);
                    Input::BillingGone { topic, account_id: record::account_of(record, partitions)? }
                }
                _ => return Err(record::no_value()),
            };
            return Ok(self.engine.apply(clock.now(), arrival(input))?);
        };
        let (decoder, engine) = (&mut self.decoder, &mut self.engine);
        let notes = match stream {
            Stream::Tickets => {
                let (told, notes) = decoder.ticket(value)?;
                match told {
                    TicketRecord::Event(mut event) => {
                        check_place(record, &event.account_id, partitions)?;
                        event.occurred_at = check_instant(event.occurred_at, record.appended_at, max_future)?;
                        witness(engine, clock, event.occurred_at, arrival(Input::Ticket(&event)))?;
                    }
                    TicketRecord::AccountRehomed(mut moved) => {
                        check_place(record, &moved.account_id, partitions)?;
                        moved.occurred_at = check_instant(moved.occurred_at, record.appended_at, max_future)?;
                        witness(engine, clock, moved.occurred_at, arrival(Input::AccountRehomed(&moved)))?;
                    }
                    TicketRecord::Heartbeat { source, heard_until } => {
                        // Nobody has been heard later than now.
                        let heard_until = heard_until.min(record.appended_at);
                        let heard_until = check_instant(heard_until, record.appended_at, max_future)?;
                        engine.apply(clock.now(), arrival(Input::Heartbeat { source: &source, heard_until }))?;
                    }
                    TicketRecord::ImportFinished { import_id, import_began_at } => {
                        let began_at = import_began_at.min(record.appended_at);
                        let mark = Input::ImportFinished { import_id: &import_id, began_at };
                        witness(engine, clock, record.appended_at, arrival(mark))?;
                    }
                }
                notes
            }
            Stream::AccountMoves => {
                let account_id = record::account_of(record, partitions)?;
                // One of a newer version waits: its ticket is nowhere else.
                tierline_engine::moved_at(value)?;
                engine.apply(clock.now(), arrival(Input::Moved { account_id, value }))?;
                Notes::default()
            }
            Stream::Signals => {
                let (mut signal, notes) = decoder.signal(value)?;
                check_place(record, &signal.account_id, partitions)?;
                signal.occurred_at = check_instant(signal.occurred_at, record.appended_at, max_future)?;
                witness(engine, clock, signal.occurred_at, arrival(Input::Signal(&signal)))?;
                notes
            }
            Stream::Commands => {
                let (mut command, notes) = decoder.command(value)?;
                check_place(record, &command.account_id, partitions)?;
                command.occurred_at = check_instant(command.occurred_at, record.appended_at, max_future)?;
                witness(engine, clock, command.occurred_at, arrival(Input::Command(&command)))?;
                notes
            }
            Stream::Accounts(_) => {
                let (snapshot, notes) = decoder.account(value)?;
                check_place(record, &snapshot.account_id, partitions)?;
                engine.apply(
                    clock.now(),
                    arrival(Input::Account { topic: self.topics.number(record.input), snapshot: &snapshot }),
                )?;
                self.topics.hear(record.input, &snapshot.source);
                notes
            }
            Stream::Billing(_) => {
                let (snapshot, notes) = decoder.billing(value)?;
                check_place(record, &snapshot.account_id, partitions)?;
                engine.apply(
                    clock.now(),
                    arrival(Input::Billing { topic: self.topics.number(record.input), snapshot: &snapshot }),
                )?;
                self.topics.hear(record.input, &snapshot.source);
                notes
            }
            Stream::AccountChanges => {
                let (change, notes) = decoder.account_change(value)?;
                check_place(record, &change.account_id, partitions)?;
                engine.apply(clock.now(), arrival(Input::AccountChange(&change)))?;
                notes
            }
            Stream::BillingChanges => {
                let (change, notes) = decoder.billing_change(value)?;
                check_place(record, &change.account_id, partitions)?;
                engine.apply(clock.now(), arrival(Input::BillingChange(&change)))?;
                notes
            }
            Stream::Escalations
            | Stream::EscalationsShadow
            | Stream::EscalationQueue
            | Stream::SlaEvents
            | Stream::DetectState
            | Stream::ScoreState
            | Stream::DeadLetters
            | Stream::Directory
            | Stream::Aliases
            | Stream::IntakeRaw => unreachable!("`detect_inputs` names inputs only"),
        };
        note(notes, metrics);
        Ok(())
    }
}

/// Hands over a record that moves clocks; one that the engine rejects moves none.
fn witness(engine: &mut Engine, clock: &mut Clock, occurred_at: Millis, arrival: Arrival<'_>) -> Result<(), Applied> {
    let mut moved = clock.clone();
    moved.witness(occurred_at);
    engine.apply(moved.now(), arrival)?;
    *clock = moved;
    Ok(())
}

fn note(notes: Notes, metrics: &mut LaneMetrics) {
    if notes == Notes::default() {
        return;
    }
    metrics.passed_over(PassedOver::UnknownMember, u64::from(notes.unknown_members + notes.unknown_cleared));
    metrics.passed_over(PassedOver::UnrecognisedWord, notes.unrecognised_words.into());
}

impl Stage for DetectStage {
    fn instant(&mut self, record: &Record<'_>) -> Result<Millis, String> {
        let stream = self.stream(record);
        record::instant(&mut self.decoder, stream, record, self.common.max_future)
    }

    fn apply(&mut self, clock: &mut Clock, record: &Record<'_>, dated: bool, metrics: &mut LaneMetrics) -> Applied {
        self.occasion = Occasion::Record { appended_at: record.appended_at };
        self.take(clock, record, dated, metrics).err().unwrap_or(Applied::Ok)
    }

    fn advance(&mut self, clock: &Clock) {
        self.occasion = Occasion::Timer;
        self.engine.advance(clock.now(), clock.edge());
    }

    fn next_deadline(&self) -> Option<Millis> {
        self.engine.next_deadline()
    }

    fn caught_up(&mut self, reached: Millis) -> bool {
        if std::mem::replace(&mut self.has_caught_up, true) {
            return false;
        }
        self.occasion = Occasion::Restart;
        self.engine.caught_up(reached);
        true
    }

    fn outputs(&mut self, to: &mut Outbox<'_>, metrics: &mut LaneMetrics) {
        for output in self.engine.outputs() {
            match &output {
                Output::Escalation(escalation) => {
                    emit::count(escalation, self.occasion, self.common.grace, metrics);
                    if let Occasion::Record { appended_at } = self.occasion {
                        self.causes.push(appended_at);
                    }
                }
                Output::Sla(event) => emit::count_breach(event, metrics),
                Output::Shadow(_) | Output::Queue(..) | Output::Move { .. } => {}
            }
            emit::put(&output, &self.common, self.partitions, to);
        }
    }

    fn changes(&mut self, each: &mut EachChange<'_>) {
        self.engine.changes(each);
    }

    fn snapshot_part(&self, before: u32, entries: usize, each: &mut dyn FnMut(&[u8], &[u8])) -> Option<u32> {
        self.engine.snapshot_part(before, entries, each)
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        self.engine.restore(key, value).map_err(|error| error.to_string())
    }

    fn restored(&mut self, clock: &Clock, memory: Option<&[u8]>) -> Result<(), String> {
        let engine = match memory {
            Some(memory) => {
                let (topics, engine) = SnapshotTopics::recall(memory, &self.common.streams)?;
                self.topics = topics;
                Some(engine)
            }
            None => None,
        };
        self.engine.restored(clock.now(), clock.edge(), engine).map_err(|error| error.to_string())
    }

    fn memory(&self) -> Vec<u8> {
        self.topics.remember(&self.engine.memory())
    }

    fn committed(&mut self, now: Millis, metrics: &mut LaneMetrics) {
        for appended_at in self.causes.drain(..) {
            metrics.event_to_escalation((now - appended_at) as f64 / 1000.0);
        }
        self.engine.heard().for_each(|(source, until)| metrics.heard(source, until));
        let counts = self.engine.counts();
        metrics.passed_over(PassedOver::Repeat, counts.repeats);
        metrics.passed_over(PassedOver::StaleValue, counts.stale);
        metrics.passed_over(PassedOver::IdleCommand, counts.idle_commands);
        metrics.moved(Moved::Out, counts.moved_away);
        metrics.moved(Moved::In, counts.moved_here);
        if counts.moves_given_up > 0 {
            MovesGivenUp { partition: self.partition, tickets: counts.moves_given_up }.emit(metrics);
        }
        for (rule, &times) in self.common.rules.rules.iter().zip(&counts.undecided) {
            metrics.undecided(&rule.id, times);
        }
        if counts.imports_timed_out > 0 {
            ImportsTimedOut { partition: self.partition, imports: counts.imports_timed_out }.emit(metrics);
        }
        if counts.latched_quietly > 0 {
            LatchedQuietly { partition: self.partition, latches: counts.latched_quietly }.emit(metrics);
        }
    }

    fn why(&self, asked: &Asked, now: Millis) -> Found {
        why::find(&self.engine, &self.common, asked, now)
    }

    fn holds(&self) -> (usize, [usize; 2]) {
        (self.engine.open_tickets(), self.engine.open_escalations())
    }
}
