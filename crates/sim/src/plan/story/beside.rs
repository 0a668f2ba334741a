//! What comes beside live events: imports, heartbeats of the mailbox, and what goes to another account.

use serde_json::{Value, json};
use tierline_model::Millis;

use super::{Send, Teller, Topic};

/// An import that runs.
pub(super) struct Import {
    id: String,
    began: Millis,
}

impl Teller<'_> {
    /// An import begins, brings more, or ends; some never do.
    pub(super) fn import(&mut self, now: Millis, at: Millis) {
        let ends = self.chance.one_in(3);
        let Some(import) = self.import.take_if(|_| ends) else {
            if self.import.is_none() {
                self.import = Some(Import { id: self.id("import-"), began: at });
            }
            for _ in 0..self.chance.between(1, 3) {
                let occurred_at = now - self.chance.between(1_000, 60_000);
                self.imported(occurred_at, at);
            }
            return;
        };
        if self.chance.one_in(6) {
            return;
        }
        let mark = json!({ "kind": "import_finished", "source": "desk", "import_id": import.id,
            "import_began_at": import.began });
        self.mark(at, &mark);
    }

    fn imported(&mut self, occurred_at: Millis, at: Millis) {
        let Some(Import { id, .. }) = &self.import else { return };
        let id = json!(id);
        let known = self.any_ticket().filter(|_| self.chance.one_in(2));
        let (ticket, mut more, answers) = match known {
            Some(ticket) => {
                let author = self.chance.of(&["customer", "agent"]);
                let answers = (author == "agent").then(|| (self.tickets[ticket].id.clone(), occurred_at));
                let message = json!({ "author": author, "public": true, "text": "As it was." });
                (ticket, json!({ "kind": "message", "message": message }), answers)
            }
            None => {
                let more = self.new_ticket();
                (self.tickets.len() - 1, more, None)
            }
        };
        more["import_id"] = id;
        self.about(ticket, occurred_at, at, more, answers);
    }

    /// The mailbox says up to when it has been heard.
    pub(super) fn heartbeat(&mut self, now: Millis, at: Millis) {
        let heard_until = now - self.chance.between(0, 6_000);
        self.mark(at, &json!({ "kind": "heartbeat", "source": "mail", "heard_until": heard_until }));
    }

    /// A ticket goes to another account, or all that the CRM has told of one: it is told to the one that is left, and
    /// then to the one that it comes to.
    pub(super) fn rehome(&mut self, now: Millis, at: Millis) {
        let Some(ticket) = self.any_ticket() else { return };
        let to = self.chance.below(self.accounts.len() as u64) as usize;
        let (id, from) = (self.tickets[ticket].id.clone(), self.tickets[ticket].account);
        if to == from {
            return;
        }
        let mut moved = json!({ "kind": "rehomed", "event_id": self.id("e"), "to_account": self.accounts[to],
            "occurred_at": now, "source": self.tickets[ticket].source });
        if self.chance.one_in(6) {
            moved["source"] = json!("crm");
            moved["account_id"] = json!(self.accounts[from]);
            return self.send(at, Topic::Tickets, from, moved);
        }
        moved["ticket_id"] = json!(id);
        for account in [from, to] {
            moved["account_id"] = json!(self.accounts[account]);
            self.send(at, Topic::Tickets, account, moved.clone());
            // Whoever tells but one of them has broken what the contract asks for.
            if let Some(last) = self.told.last_mut() {
                last.hidden = None;
            }
            self.perhaps_again(at);
        }
        (self.tickets[ticket].former, self.tickets[ticket].account) = (Some(from), to);
    }

    /// Into every partition, without a key.
    fn mark(&mut self, at: Millis, mark: &Value) {
        for partition in 0..self.partitions {
            self.told.push(Send {
                at,
                topic: Topic::Tickets,
                partition,
                key: None,
                value: Some(mark.to_string()),
                repeats: false,
                is_bad: false,
                hidden: None,
                answers: None,
                forgets: None,
            });
        }
    }
}
