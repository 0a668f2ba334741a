//! What comes beside live events: imports, and heartbeats of the mailbox.

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
