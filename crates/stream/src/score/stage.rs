//! One task of the score stage: it holds what the record before it wants written, and nothing else.

use std::sync::Arc;

use tierline_model::{Author, DecodeError, Decoder, Millis, TicketEvent, TicketEventKind, TicketRecord, check_instant};
use tierline_observe::why::{Asked, Found};
use tierline_observe::{LaneMetrics, MessageOutcome};

use super::emit::{self, Ready};
use super::{Answer, Message, ScoreSettings};
use crate::clock::Clock;
use crate::log::Record;
use crate::outbox::Outbox;
use crate::place::check_place;
use crate::stage::{Applied, EachChange, Stage};
use crate::topics::score_output;

/// A task's worth of the score stage.
pub struct ScoreStage {
    settings: Arc<ScoreSettings>,
    decoder: Decoder,
    partitions: i32,
    ready: Vec<Ready>,
}

impl ScoreStage {
    pub(super) fn new(settings: Arc<ScoreSettings>, decoder: Decoder, partitions: i32) -> ScoreStage {
        ScoreStage { settings, decoder, partitions, ready: Vec::new() }
    }

    /// Scores what a record brings of a customer. Whatever cannot be taken is detect's to make a dead letter of.
    fn take(&mut self, record: &Record<'_>, metrics: &mut LaneMetrics) -> Applied {
        let ScoreStage { settings, decoder, partitions, ready } = self;
        let Some(value) = record.value else { return Applied::PassedOver };
        let event = match decoder.ticket(value) {
            Ok((TicketRecord::Event(event), _)) => event,
            Ok(_) | Err(DecodeError::Invalid { .. }) => return Applied::PassedOver,
            Err(unavailable @ DecodeError::Unavailable { .. }) => return Applied::Wait(unavailable.to_string()),
        };
        let occurred_at = check_instant(event.occurred_at, record.appended_at, settings.max_future);
        let (Ok(occurred_at), Ok(())) = (occurred_at, check_place(record, &event.account_id, *partitions)) else {
            return Applied::PassedOver;
        };
        let Some(message) = customers_message(&event, occurred_at) else { return Applied::PassedOver };
        if event.import_id.is_some() {
            metrics.message(MessageOutcome::Imported);
            return Applied::PassedOver;
        }
        let (outcome, feeling) = match settings.scorer.score(&message) {
            Answer::Scored(feeling) => (MessageOutcome::Scored, Some(feeling)),
            Answer::Fallback(feeling) => (MessageOutcome::Fallback, Some(feeling)),
            Answer::Unknown => (MessageOutcome::Unknown, None),
            Answer::Unanswered => (MessageOutcome::Unanswered, None),
        };
        metrics.message(outcome);
        if let Some(feeling) = feeling {
            ready.extend(emit::signals(&message, &feeling, settings.signals));
        }
        Applied::Ok
    }
}

/// What a customer wrote, public or not, where an event brings that: what the detect stage counts as their message.
fn customers_message<'e>(event: &'e TicketEvent<'_>, occurred_at: Millis) -> Option<Message<'e>> {
    if matches!(event.kind, TicketEventKind::Deleted | TicketEventKind::Rehomed) {
        return None;
    }
    let message = event.message.as_ref()?;
    let text = message.text.as_deref().filter(|text| !text.trim().is_empty())?;
    (message.author == Author::Customer && !message.automated).then(|| Message {
        ticket_id: &event.ticket_id,
        account_id: &event.account_id,
        id: message.id.as_deref().unwrap_or(&event.event_id),
        occurred_at,
        language: event.ticket.language.as_deref(),
        text,
    })
}

impl Stage for ScoreStage {
    fn instant(&mut self, record: &Record<'_>) -> Result<Millis, String> {
        // There is one input: nothing waits beside it.
        Ok(record.appended_at)
    }

    fn apply(&mut self, _: &mut Clock, record: &Record<'_>, _: bool, metrics: &mut LaneMetrics) -> Applied {
        self.take(record, metrics)
    }

    fn advance(&mut self, _: &Clock) {}

    fn next_deadline(&self) -> Option<Millis> {
        None
    }

    fn caught_up(&mut self, _: Millis) -> bool {
        false
    }

    fn outputs(&mut self, to: &mut Outbox<'_>, _: &mut LaneMetrics) {
        for Ready { key, value } in self.ready.drain(..) {
            to.put(score_output::SIGNALS, Some(&key), Some(&mut |buffer| buffer.extend_from_slice(&value)));
        }
    }

    fn changes(&mut self, _: &mut EachChange<'_>) {}

    fn snapshot_part(&self, _: u32, _: usize, _: &mut dyn FnMut(&[u8], &[u8])) -> Option<u32> {
        None
    }

    fn restore(&mut self, key: &[u8], _: Option<&[u8]>) -> Result<(), String> {
        Err(format!("the changelog has a key that is none of this stage's: {}", key.escape_ascii()))
    }

    fn restored(&mut self, _: &Clock, _: Option<&[u8]>) -> Result<(), String> {
        Ok(())
    }

    fn memory(&self) -> Vec<u8> {
        Vec::new()
    }

    fn committed(&mut self, _: Millis, _: &mut LaneMetrics) {}

    fn why(&self, _: &Asked, _: Millis) -> Found {
        Found::NoTicket
    }

    fn holds(&self) -> (usize, [usize; 2]) {
        (0, [0, 0])
    }
}
