//! One changelog entry read back.

use tierline_model::Context;

use super::account::AccountState;
use super::rare::{RareAndMoreState, RareState};
use super::{Key, StateError, WhysState, damaged, take, take_apart, take_two, v1, versioned};
use crate::account::Slot;
use crate::engine::Engine;
use crate::moves::Stray;
use crate::planted::{Bug, planted};
use crate::ticket::{Merged, Said, StoredMessage};

impl Engine {
    /// Takes one changelog entry, oldest first; the last of a key wins. Nothing is evaluated before
    /// [`restored`](Self::restored).
    ///
    /// # Errors
    /// The entry is not one that this version can read.
    pub fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), StateError> {
        let entity = take_apart(key).ok_or_else(|| StateError::Key(key.escape_ascii().to_string()))?;
        match (entity, value) {
            (Key::Account(id), Some(value)) => {
                let (state, whys) = match versioned(key, value)?.0 {
                    ..=3 => (take::<AccountState<'_>>(key, value)?, WhysState::default()),
                    _ => take(key, value)?,
                };
                self.take_back_account(id, state, whys);
            }
            (Key::Account(id), None) => {
                let a = self.account(id);
                for slot in self.accounts[a].tickets.clone() {
                    self.drop_ticket(slot);
                }
                self.vacate(a);
            }
            (Key::Life(account, id), Some(value)) => {
                let (version, entry) = versioned(key, value)?;
                if version == v1::VERSION {
                    let state = take::<v1::TicketState<'_>>(key, value)?;
                    let slot = self.place(account, id);
                    self.take_back_first_format(slot, state);
                } else {
                    let slot = self.place(account, id);
                    self.take_back_life(slot, entry).map_err(|_| damaged(key, "its bytes make no sense"))?;
                }
            }
            (Key::Life(account, id), None) => {
                if let Some(slot) = self.placed(account, id) {
                    self.contexts.remove(&slot);
                    self.last_words.remove(&slot);
                    self.drop_ticket(slot);
                }
            }
            (Key::Fields(account, id), Some(value)) => {
                let (_, entry) = versioned(key, value)?;
                let slot = self.place(account, id);
                self.take_back_fields(slot, entry).map_err(|_| damaged(key, "its bytes make no sense"))?;
            }
            (Key::Rare(account, id), Some(value)) => {
                let ((state, whys), merged) = match versioned(key, value)?.0 {
                    ..=2 => ((take::<RareState<'_>>(key, value)?.with_nothing_more(), WhysState::default()), None),
                    3 => ((take::<RareAndMoreState<'_>>(key, value)?, WhysState::default()), None),
                    _ => take_two::<_, Merged>(key, value)?,
                };
                let slot = self.place(account, id);
                self.take_back_rare(slot, state, whys);
                if let Some(rare) = &mut self.tickets[slot].rare {
                    rare.merged = merged.map(Box::new);
                }
            }
            (Key::Clocks(account, id), Some(value)) => {
                let (version, entry) = versioned(key, value)?;
                let slot = self.place(account, id);
                self.take_back_clocks(slot, version, entry).map_err(|_| damaged(key, "its bytes make no sense"))?;
            }
            // They end with their ticket; but one of the same id may have come since, and then that its life ended is
            // compacted away.
            (Key::Fields(account, id), None) => {
                if let Some(slot) = self.placed(account, id) {
                    let ticket = &mut self.tickets[slot];
                    (ticket.source, ticket.cells) = Default::default();
                }
            }
            (Key::Rare(account, id), None) => {
                if let Some(slot) = self.placed(account, id) {
                    self.tickets[slot].rare = None;
                }
            }
            (Key::Clocks(account, id), None) => {
                if let Some(slot) = self.placed(account, id) {
                    self.tickets[slot].clocks = None;
                }
            }
            (Key::Message(account, id, ring), Some(value)) => {
                // The key is what a later message in its place goes by.
                let message = StoredMessage { slot: ring, ..take::<StoredMessage>(key, value)? };
                let slot = self.place(account, id);
                let texts = &mut self.tickets[slot].bulk.texts;
                texts.retain(|message| message.slot != ring);
                let place = texts.partition_point(|other| other.at <= message.at);
                texts.insert(place, message);
            }
            (Key::Message(account, id, ring), None) => {
                if let Some(slot) = self.placed(account, id) {
                    self.tickets[slot].bulk.texts.retain(|message| message.slot != ring);
                }
            }
            (Key::Context(account, id), Some(value)) => {
                let context = take::<Context>(key, value)?;
                let slot = self.place(account, id);
                self.contexts.insert(slot, Box::new(context));
            }
            (Key::Context(account, id), None) => {
                if let Some(slot) = self.placed(account, id) {
                    self.contexts.remove(&slot);
                }
            }
            (Key::Said(account, id), Some(value)) => {
                let said = take::<Said>(key, value)?;
                let slot = self.place(account, id);
                self.last_words.insert(slot, Box::new(said));
            }
            (Key::Said(account, id), None) => {
                if let Some(slot) = self.placed(account, id) {
                    self.last_words.remove(&slot);
                }
            }
            (Key::Stray(account, id), Some(value)) => {
                let stray = take::<Stray>(key, value)?;
                if !planted(Bug::StraysForgotten) {
                    self.strays.take_back(account, id, Some(stray));
                }
            }
            (Key::Stray(account, id), None) => self.strays.take_back(account, id, None),
        }
        Ok(())
    }

    /// The place of a ticket, made where there is none. What belongs to a ticket was written one after the other, and an
    /// account's tickets too: so most often it is the latest, or of the same account, and nothing has to be looked up.
    fn place(&mut self, account: &str, ticket: &str) -> Slot {
        let latest = self.latest.map(|slot| (slot, &self.tickets[slot]));
        let a = match latest {
            Some((slot, latest)) if *self.accounts[latest.account].id == *account => {
                if *latest.id == *ticket {
                    return slot;
                }
                latest.account
            }
            _ => self.account(account),
        };
        let slot = self.ticket(a, ticket);
        self.latest = Some(slot);
        slot
    }

    /// The place of a ticket that has one.
    fn placed(&self, account: &str, ticket: &str) -> Option<Slot> {
        self.find(account, ticket)
    }

    /// The place of a rule; `None`: it is in force no more.
    pub(crate) fn rule_by_id(&self, id: &str) -> Option<u16> {
        self.index.by_id.get(id).copied()
    }
}
