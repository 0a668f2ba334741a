//! Fin, the AI agent: who has a conversation in hand, and what it says when it hands over.

use tierline_model::{Author, HandledBy, Millis, TicketEventKind, TicketField};

use super::{Reader, words};
use crate::directory::{EntryKind, Known};
use crate::records::{Handoff, TicketEvent};
use crate::sources::desk::{self, first, plain, vendor_id};
use crate::{Home, Json, Unreadable, content_id};

/// Who has it in hand: untold where no AI agent ever took part.
pub fn handled_by(reader: &Reader<'_, '_>, item: Json<'_>) -> Option<HandledBy> {
    let agent = item.get("ai_agent");
    let assignee = vendor_id(first([item.get("admin_assignee_id"), item.at("/assignee/id")]));
    let has_agent = assignee.as_deref().is_some_and(|id| !reader.desk.options.is_bot(id));
    let took_part = item.get("ai_agent_participated").flag() == Some(true) || desk::is_object(agent);
    if !took_part {
        return assignee.map(|_| if has_agent { HandledBy::Team } else { HandledBy::Bot });
    }
    let state = agent.get("resolution_state").text().and_then(words::resolution);
    let has_team = vendor_id(item.get("team_assignee_id")).is_some();
    Some(if has_agent || has_team { HandledBy::Team } else { state.unwrap_or(HandledBy::Bot) })
}

/// What the AI agent hands over, told once in a conversation's life: each later notification says again that it did.
pub fn hand_over(reader: &mut Reader<'_, '_>, id: &str, home: &Home, item: Json<'_>, parts: &[Json<'_>], at: Millis) {
    let agent = item.get("ai_agent");
    if agent.get("resolution_state").text() != Some("routed_to_team") {
        return;
    }
    let key = format!("handoff:{id}");
    if reader.known(EntryKind::Item, &key).is_some() {
        return;
    }
    reader.remember(EntryKind::Item, &key, Known { group: Some(id.to_owned()), ..Known::default() });
    // What Fin notes for its colleagues; where there is no such note, what the customer last said to it.
    let newest = |wanted: Author, note: bool| {
        let part = parts.iter().rev().find(|part| {
            let is_note = part.get("part_type").text().is_some_and(|kind| kind.starts_with("note"));
            is_note == note && reader.author(part.get("author")).0 == wanted && part.get("body").text().is_some()
        });
        part?.get("body").text().map(|text| plain(text).into_owned())
    };
    let last_said = || Some(format!("The customer last wrote: {}", newest(Author::Customer, false)?));
    let sources = agent.at("/content_sources/content_sources").items();
    let answered = agent.get("last_answer_type").text().is_some();
    let handoff = Handoff {
        summary: newest(Author::Bot, true).or_else(last_said),
        attempted: sources.filter_map(|source| source.get("title").text().map(str::to_owned)).collect(),
        broke_down: (!answered).then(|| "Fin had no answer".to_owned()),
        wants_human: None,
    };
    let mut signal = desk::handed_over(&reader.desk.basics, id, home, id, at, handoff);
    signal.model = Some("fin".to_owned());
    signal.explanation = agent.get("source_title").text().map(|title| format!("Fin ran in {title}"));
    reader.reading.push(signal);
}

/// An event of Fin's own API: `fin_status_updated` says when it escalates, and why.
pub fn event(reader: &mut Reader<'_, '_>, payload: Json<'_>) -> Result<(), Unreadable> {
    let status = payload.get("status").text();
    if payload.get("event_name").text() != Some("fin_status_updated") || status != Some("escalated") {
        reader.reading.ignore("/event_name", "of Fin's events, only its handing over is told");
        return Ok(());
    }
    let id = vendor_id(payload.get("conversation_id")).ok_or_else(|| Unreadable::missing("/conversation_id"))?;
    let stamp = first([payload.get("created_at_ms"), payload.get("created_at")]);
    let at = desk::when(stamp).unwrap_or(reader.context.delivery.received_at);
    let user = vendor_id(payload.get("user_id"));
    let basics = &reader.desk.basics;
    let home = desk::guessed_home(basics, &id, user.as_deref(), at, reader.context, &mut reader.reading);
    let event_id = content_id(reader.context.delivery.body);
    let reason = payload.get("reason").text();
    let asked = reason.map(|reason| reason.to_lowercase().contains("requested by user"));
    let handoff = Handoff {
        broke_down: reason.filter(|_| asked == Some(false)).map(str::to_owned),
        wants_human: asked.filter(|asked| *asked),
        ..Handoff::default()
    };
    let mut signal = desk::handed_over(basics, &id, &home, &event_id, at, handoff);
    signal.model = Some("fin".to_owned());
    signal.explanation = reason.map(str::to_owned);
    let mut event = TicketEvent::new(basics, TicketEventKind::Updated, event_id, &id, home, at);
    event.by_kind = Some(Author::Bot);
    event.fields.set(TicketField::HandledBy, HandledBy::Team.word());
    reader.reading.push(event);
    reader.reading.push(signal);
    Ok(())
}
