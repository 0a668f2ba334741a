//! Asking Intercom for what has changed: its search of conversations and of tickets, and each of them whole.
//!
//! <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/searchconversations>. A search
//! is of an index, and its pages are of no order that is documented: what changes while they are read may be passed by, so
//! the search is made again from when it began, until one page holds all of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Intercom;
use crate::directory::EntryKind;
use crate::reconcile::page::{id, if_allowed, items, odd, take_each, text, without};
use crate::reconcile::{Api, Halt, Round, Terms};

/// A page of a search; the most there is.
const PAGE: u32 = 150;
/// Pages of one search.
const MOST_PAGES: usize = 1_000;
/// How often a search is made that one page does not hold: who slips through all of them is found in the next round.
const MOST_SEARCHES: usize = 3;
/// The index of the search follows what happens.
const LAG: Duration = Duration::from_secs(60);

/// What a search finds: its path, its list, where one of them stands whole.
struct Searched {
    search: &'static str,
    list: &'static str,
    one: &'static str,
}

const CONVERSATIONS: Searched =
    Searched { search: "/conversations/search", list: "conversations", one: "/conversations/" };
const TICKETS: Searched = Searched { search: "/tickets/search", list: "tickets", one: "/tickets/" };

impl Api for Intercom {
    fn terms(&self) -> Terms {
        Terms {
            url: Some("https://api.intercom.io".to_owned()),
            requests_per_minute: 300,
            lag: LAG,
            every: Duration::from_secs(30),
            has_tickets: true,
            user: None,
        }
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("Intercom-Version", "2.14")]
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        self.all_of(round, &CONVERSATIONS)?;
        // Not every workspace has tickets.
        if_allowed(self.all_of(round, &TICKETS))?;
        Ok(())
    }

    fn names(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        for (list, path) in [("admins", "/admins"), ("teams", "/teams")] {
            if let Some(mut page) = if_allowed(round.get(path, &[]))? {
                let found = items(&mut page, list).unwrap_or_default();
                take_each(round, list, found)?;
            }
        }
        Ok(())
    }
}

impl Intercom {
    /// All that a search finds, each whole; again for what changed meanwhile.
    fn all_of(&self, round: &mut Round<'_>, what: &Searched) -> Result<(), Halt> {
        let mut since = round.since();
        for _ in 0..MOST_SEARCHES {
            let began = round.there_and_now();
            let pages = self.search(round, what, since / 1_000)?;
            round.flush()?;
            if pages <= 1 {
                return Ok(());
            }
            since = began - LAG.as_millis() as i64;
        }
        Ok(())
    }

    /// One search; how many pages it had.
    fn search(&self, round: &mut Round<'_>, what: &Searched, since: i64) -> Result<usize, Halt> {
        let mut after: Option<String> = None;
        for number in 1..=MOST_PAGES {
            let mut pagination = json!({"per_page": PAGE});
            if let Some(after) = &after {
                pagination["starting_after"] = after.as_str().into();
            }
            // `>` is *greater than or equal* here.
            let query = json!({"query": {"operator": "AND",
                "value": [{"field": "updated_at", "operator": ">", "value": since}]}, "pagination": pagination});
            let mut page = round.post(what.search, &query)?;
            let found = items(&mut page, what.list).ok_or_else(|| odd("a search without its list"))?;
            for one in found {
                self.told(round, what, &one)?;
            }
            let next = page.get("pages").and_then(|pages| text(pages.get("next")?, "starting_after"));
            match next {
                None => return Ok(number),
                Some(next) if Some(next) == after.as_deref() => return Err(odd("a page names itself as the next")),
                Some(next) => after = Some(next.to_owned()),
            }
        }
        Err(odd("a search of more than a thousand pages"))
    }

    /// Tells one of them, unless this very state of it was told before.
    fn told(&self, round: &mut Round<'_>, what: &Searched, found: &Value) -> Result<(), Halt> {
        let Some(id) = id(found).filter(|_| !round.is_taken(found)) else { return Ok(()) };
        let whole = match round.get(&format!("{}{id}", what.one), &[("display_as", "plaintext")]) {
            Ok(whole) => lean(whole),
            // It was deleted meanwhile, and the search does not know it yet.
            Err(Halt::Missing(_)) => return Ok(()),
            Err(halt) => return Err(halt),
        };
        contacts(round, &whole)?;
        round.take_for(found, &whole)
    }
}

/// Whoever is not known yet decides under which company it is filed.
fn contacts(round: &mut Round<'_>, whole: &Value) -> Result<(), Halt> {
    let contacts = whole.get("contacts").and_then(|contacts| contacts.get("contacts")?.as_array());
    for contact in contacts.into_iter().flatten().filter_map(id) {
        if !round.is_known(EntryKind::User, &contact)
            && let Some(person) = if_allowed(round.get(&format!("/contacts/{contact}"), &[]))?
        {
            round.take(person)?;
            // From then on they are known.
            round.flush()?;
        }
    }
    Ok(())
}

/// Without the addresses of attachments, which change from answer to answer.
fn lean(mut whole: Value) -> Value {
    const FLEETING: [&str; 1] = ["attachments"];
    if let Some(source) = whole.get_mut("source") {
        *source = without(source.take(), &FLEETING);
    }
    for list in ["conversation_parts", "ticket_parts"] {
        let parts = whole.get_mut(list).and_then(|parts| parts.get_mut(list)?.as_array_mut());
        for part in parts.into_iter().flatten() {
            *part = without(part.take(), &FLEETING);
        }
    }
    whole
}
