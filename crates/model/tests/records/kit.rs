//! Records made of dice: proptest throws them, and shrinks towards no dice, which is a record that tells nothing.

use std::borrow::Cow;

use tierline_model::*;
use uuid::Uuid;

/// Bytes that decide; when they are used up, everything is the simplest.
pub struct Dice<'d>(pub &'d [u8]);

impl Dice<'_> {
    pub fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first
    }

    fn flip(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn number(&mut self) -> i64 {
        let size = self.byte() % 9;
        let sign = if self.flip() { -1 } else { 1 };
        (0..size).fold(0i64, |so_far, _| so_far.wrapping_shl(8) | i64::from(self.byte())).wrapping_mul(sign)
    }

    fn up_to(&mut self, high: f64) -> f64 {
        f64::from(self.byte()) / 255.0 * high
    }

    pub fn text(&mut self) -> String {
        const LETTERS: [&str; 8] = ["a", "Z", "0", " ", "\"", "\n", "é", "💥"];
        (0..self.byte() % 12).map(|_| LETTERS[usize::from(self.byte() % 8)]).collect()
    }

    fn id(&mut self) -> String {
        format!("i{}", self.text())
    }

    fn told<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 3 == 1).then(|| make(self))
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 4).map(|_| make(self)).collect()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    fn words(&mut self) -> Option<Text<'static>> {
        self.told(Self::text).map(Cow::Owned)
    }

    fn name(&mut self) -> Text<'static> {
        Cow::Owned(self.id())
    }

    fn instant(&mut self) -> Option<Millis> {
        self.told(Self::number)
    }

    fn date(&mut self) -> Option<DateOrInstant> {
        self.told(|it| match it.byte() % 2 {
            0 => DateOrInstant::Date(it.number() as i32),
            _ => DateOrInstant::Instant(it.number()),
        })
    }

    fn custom(&mut self) -> Vec<(Text<'static>, Value<'static>)> {
        self.list(|it| {
            let value = match it.byte() % 4 {
                0 => Value::Text(it.text().into()),
                1 => Value::Number(it.up_to(1e9)),
                2 => Value::Bool(it.flip()),
                _ => Value::List(it.list(|it| it.text().into())),
            };
            (it.name(), value)
        })
    }

    fn cleared<F: Copy>(&mut self, of: &[F], with_custom: bool) -> Cleared<'static, F> {
        let fields = self.list(|it| it.one(of)).into_iter().collect();
        Cleared { fields, custom: if with_custom { self.list(Self::name) } else { Vec::new() } }
    }

    pub fn ticket(&mut self) -> TicketRecord<'static> {
        use TicketEventKind::*;
        match self.byte() {
            254 => return TicketRecord::Heartbeat { source: self.name(), heard_until: self.number() },
            253 => {
                return TicketRecord::AccountRehomed(AccountRehomed {
                    account_id: self.name(),
                    to_account: self.name(),
                    source: self.name(),
                    occurred_at: self.number(),
                });
            }
            255 => return TicketRecord::ImportFinished { import_id: self.name(), import_began_at: self.number() },
            _ => {}
        }
        let kind = self.one(&[Created, Updated, Message, Merged, Rated, Deleted, Rehomed]);
        let clearable: Vec<_> = TicketField::ALL.iter().copied().filter(|it| *it != TicketField::Source).collect();
        let needs = |it: &mut Self, needed: bool| if needed { Some(it.name()) } else { it.told(Self::name) };
        TicketRecord::Event(TicketEvent {
            event_id: self.name(),
            ticket_id: self.name(),
            account_id: self.name(),
            source: self.name(),
            occurred_at: self.number(),
            sequence: self.told(Self::number),
            kind,
            ticket: self.ticket_fields(),
            cleared: self.cleared(&clearable, true),
            message: if kind == Message || self.byte() % 3 == 1 { Some(self.message()) } else { None },
            merged_into: needs(self, kind == Merged),
            rating: if kind == Rated { Some(1 + self.byte() % 5) } else { None },
            rating_comment: self.words(),
            to_account: needs(self, kind == Rehomed),
            import_id: self.told(Self::name),
            by_kind: self.told(|it| it.one(Author::ALL)),
            account_ref: self.told(|it| AccountRef { source: it.words(), kind: it.words(), id: it.words() }),
        })
    }

    fn ticket_fields(&mut self) -> TicketFields<'static> {
        TicketFields {
            subject: self.words(),
            status: self.told(|it| it.one(Status::ALL)),
            priority: self.told(|it| it.one(Priority::ALL)),
            severity: self.words(),
            r#type: self.words(),
            category: self.words(),
            product_area: self.words(),
            tags: self.told(|it| it.list(|it| it.text().into())),
            channel: self.words(),
            requester: self.words(),
            requester_role: self.words(),
            assignee: self.words(),
            team: self.words(),
            language: self.words(),
            brand: self.words(),
            url: self.words(),
            parent: self.words(),
            created_at: self.instant(),
            first_replied_at: self.instant(),
            waiting_since: self.instant(),
            snoozed_until: self.instant(),
            opened_by: self.told(|it| it.one(Author::ALL)),
            handled_by: self.told(|it| it.one(HandledBy::ALL)),
            spam: self.told(|it| it.flip()),
            custom: self.custom(),
        }
    }

    fn message(&mut self) -> Message<'static> {
        Message {
            id: self.told(Self::name),
            author: self.one(Author::ALL),
            author_name: self.words(),
            public: !self.flip(),
            text: self.words(),
            automated: self.flip(),
        }
    }

    pub fn account(&mut self) -> AccountSnapshot<'static> {
        AccountSnapshot {
            account_id: self.name(),
            source: self.name(),
            updated_at: self.instant(),
            fields: self.account_fields(),
            cleared: self.cleared(AccountField::ALL, true),
        }
    }

    pub fn account_change(&mut self) -> AccountChange<'static> {
        AccountChange {
            account_id: self.name(),
            source: self.name(),
            source_id: self.told(Self::name),
            set: self.account_fields(),
            cleared: self.cleared(AccountField::ALL, true),
            deleted: self.flip(),
            updated_at: self.instant(),
        }
    }

    fn account_fields(&mut self) -> AccountFields<'static> {
        AccountFields {
            name: self.words(),
            plan: self.words(),
            segment: self.words(),
            arr: self.told(Self::number),
            currency: self.words(),
            health: self.told(|it| it.up_to(100.0)),
            churn_risk: self.told(|it| it.up_to(1.0)),
            renewal_date: self.date(),
            owner: self.words(),
            region: self.words(),
            time_zone: self.words(),
            flags: self.told(|it| it.list(|it| it.text().into())),
            custom: self.custom(),
        }
    }

    pub fn billing(&mut self) -> BillingSnapshot<'static> {
        BillingSnapshot {
            account_id: self.name(),
            source: self.name(),
            updated_at: self.instant(),
            fields: self.billing_fields(),
            cleared: self.cleared(BillingField::ALL, false),
        }
    }

    pub fn billing_change(&mut self) -> BillingChange<'static> {
        BillingChange {
            account_id: self.name(),
            source: self.name(),
            source_id: self.told(Self::name),
            set: self.billing_fields(),
            cleared: self.cleared(BillingField::ALL, false),
            deleted: self.flip(),
            updated_at: self.instant(),
        }
    }

    fn billing_fields(&mut self) -> BillingFields<'static> {
        BillingFields {
            state: self.told(|it| it.one(BillingState::ALL)),
            past_due_since: self.date(),
            amount_due: self.told(Self::number),
            currency: self.words(),
            plan: self.words(),
            plan_change: self.told(|it| it.one(PlanChange::ALL)),
            plan_changed_at: self.date(),
            renews_at: self.date(),
            cancels_at: self.date(),
        }
    }

    pub fn signal(&mut self) -> Signal<'static> {
        Signal {
            signal_id: self.name(),
            account_id: self.name(),
            ticket_id: self.told(Self::name),
            occurred_at: self.number(),
            name: self.one(&["sentiment", "escalation_risk", "handoff", "mood"]).into(),
            value: self.told(|it| it.up_to(1.0)),
            label: self.words(),
            model: self.words(),
            explanation: self.words(),
            handoff: self.told(|it| Handoff {
                summary: it.words(),
                attempted: it.list(|it| it.text().into()),
                broke_down: it.words(),
                wants_human: it.told(|it| it.flip()),
            }),
        }
    }

    pub fn command(&mut self) -> Command<'static> {
        let kind = self.one(CommandKind::ALL);
        Command {
            command_id: self.name(),
            account_id: self.name(),
            ticket_id: self.told(Self::name),
            escalation_id: self.told(Self::uuid),
            occurred_at: self.number(),
            kind,
            by: self.words(),
            reason: self.words(),
            tier: self.told(|it| 1 + it.byte() % 3),
            until: if kind == CommandKind::Snooze { Some(self.number()) } else { self.instant() },
        }
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &[self.byte()])
    }

    pub fn queue_entry(&mut self) -> QueueEntry {
        QueueEntry { escalation: self.escalation(), opened_at: self.number(), acknowledged_by: self.told(Self::text) }
    }

    pub fn sla_event(&mut self) -> SlaEvent {
        SlaEvent {
            account_id: self.id(),
            ticket_id: self.id(),
            escalation_id: self.told(Self::uuid),
            metric: self.one(SlaMetric::ALL),
            policy: self.told(Self::text),
            cycle: self.byte().into(),
            kind: self.one(SlaEventKind::ALL),
            due_at: self.number(),
            breached_at: self.instant(),
            detected_at: self.number(),
            policy_applied_at: self.instant(),
            provisional: self.flip(),
            ended_at: self.instant(),
        }
    }

    pub fn escalation(&mut self) -> Escalation {
        Escalation {
            escalation_id: self.uuid(),
            sequence: self.number() as u32,
            kind: self.one(EscalationKind::ALL),
            ticket_id: self.id(),
            account_id: self.id(),
            tier: 1 + self.byte() % 3,
            previous_tier: self.told(|it| 1 + it.byte() % 3),
            rule: self.told(Self::text),
            rule_version: self.told(Self::text),
            became_true_at: self.number(),
            detected_at: self.number(),
            reason: self.text(),
            evidence: self.list(|it| Evidence {
                condition: it.text(),
                value: it.text(),
                source: it.told(Self::text),
                as_of: it.instant(),
            }),
            by: self.told(Self::text),
            command_id: self.told(Self::text),
            until: self.instant(),
            due_at: self.instant(),
            suggest: self.told(Self::text),
            route: self.told(Self::text),
            url: self.told(Self::text),
            context: self.told(Self::context),
        }
    }

    fn context(&mut self) -> Context {
        Context {
            account: AccountContext {
                name: self.told(Self::text),
                arr: self.told(Self::number),
                health: self.told(|it| it.up_to(100.0)),
                renewal_date: self.told(Self::text),
                flags: self.list(Self::text),
                as_of: self.instant(),
                ..AccountContext::default()
            },
            billing: BillingContext {
                state: self.told(Self::text),
                past_due_since: self.instant(),
                amount_due: self.told(Self::number),
                cancels_at: self.instant(),
                ..BillingContext::default()
            },
            history: HistoryContext {
                tickets_30d: self.number() as u32,
                unresolved_30d: self.byte().into(),
                categories: self.list(|it| CategoryCount { category: it.text(), count: it.byte().into() }),
            },
            conversation: self.list(|it| MessageContext {
                author: it.text(),
                author_name: it.told(Self::text),
                public: it.flip(),
                at: it.number(),
                text: it.text(),
            }),
            handoff: self.told(|it| HandoffContext {
                summary: it.told(Self::text),
                attempted: it.list(Self::text),
                broke_down: it.told(Self::text),
                wants_human: it.told(|it| it.flip()),
                at: it.number(),
            }),
            sla: self.list(|it| SlaContext {
                metric: it.text(),
                policy: it.text(),
                started_at: it.number(),
                due_at: it.number(),
                breached: it.flip(),
            }),
            ticket: TicketContext {
                subject: self.told(Self::text),
                tags: self.list(Self::text),
                created_at: self.instant(),
                waiting_since: self.instant(),
                ..TicketContext::default()
            },
        }
    }
}

/// A ticket's event as it may come, told in JSON; `change` makes it the one that a test is about.
pub fn ticket_json(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut record = serde_json::json!({
        "event_id": "zd-91", "ticket_id": "zendesk:35436", "account_id": "acme", "source": "zendesk",
        "occurred_at": "2026-03-02T02:04:05Z", "kind": "updated", "ticket": {"status": "open"},
    });
    change(&mut record);
    record.to_string().into_bytes()
}

/// The code and the reason of a record that was refused.
pub fn refused<T: std::fmt::Debug>(result: Result<T, DecodeError>) -> (&'static str, String) {
    match result.expect_err("it was taken") {
        DecodeError::Invalid { code, reason } => (code, reason),
        DecodeError::Unavailable { reason } => panic!("unavailable: {reason}"),
    }
}
