//! One changelog entry read back.

use tierline_model::Context;

use super::account::AccountState;
use super::ticket::TicketState;
use super::{Key, StateError, take, take_apart};
use crate::account::Slot;
use crate::engine::Engine;
use crate::ticket::StoredMessage;

impl Engine {
    /// Takes one changelog entry, oldest first; the last of a key wins. Nothing is evaluated before
    /// [`restored`](Self::restored).
    ///
    /// # Errors
    /// The entry is not one that this version can read.
    pub fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), StateError> {
        let entity = take_apart(key).ok_or_else(|| StateError::Key(key.escape_ascii().to_string()))?;
        match (entity, value) {
            (Key::Account(id), Some(value)) => self.take_back_account(id, take::<AccountState<'_>>(key, value)?),
            (Key::Account(id), None) => {
                let a = self.account(id);
                for slot in self.accounts[a as usize].tickets.clone() {
                    self.drop_ticket(slot);
                }
                self.vacate(a);
            }
            (Key::Ticket(account, id), Some(value)) => {
                let state = take::<TicketState<'_>>(key, value)?;
                let slot = self.place(account, id);
                self.take_back_ticket(slot, state);
            }
            (Key::Ticket(account, id), None) => {
                let slot = self.place(account, id);
                self.contexts.remove(&slot);
                self.drop_ticket(slot);
            }
            (Key::Message(account, id, ring), value) => {
                let message = value.map(|value| take::<StoredMessage>(key, value)).transpose()?;
                let slot = self.place(account, id);
                let texts = &mut self.tickets[slot as usize].bulk.texts;
                texts.retain(|message| message.slot != ring);
                if let Some(message) = message {
                    let place = texts.partition_point(|other| other.at <= message.at);
                    texts.insert(place, message);
                }
            }
            (Key::Context(account, id), value) => {
                let context = value.map(|value| take::<Context>(key, value)).transpose()?;
                let slot = self.place(account, id);
                match context {
                    Some(context) => self.contexts.insert(slot, Box::new(context)),
                    None => self.contexts.remove(&slot),
                };
            }
        }
        Ok(())
    }

    fn place(&mut self, account: &str, ticket: &str) -> Slot {
        let a = self.account(account);
        self.ticket(a, ticket)
    }

    /// The place of a rule; `None`: it is in force no more.
    pub(crate) fn rule_by_id(&self, id: &str) -> Option<u16> {
        self.index.by_id.get(id).copied()
    }
}
