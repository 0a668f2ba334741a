//! The records by name, each with its schema.

use std::sync::LazyLock;

use crate::avro::WriterSchema;
use crate::words::words;

words! {
    /// Which record a topic carries; the word is the contract's name of the stream.
    RecordType {
        Tickets = "tickets", Accounts = "accounts", Billing = "billing", AccountChanges = "account-changes",
        BillingChanges = "billing-changes", Signals = "signals", Commands = "commands", Escalations = "escalations",
        EscalationQueue = "escalation-queue", SlaEvents = "sla-events",
    }
}

impl RecordType {
    /// Its Avro schema as it stands in `schemas/`.
    pub const fn schema(self) -> &'static str {
        match self {
            RecordType::Tickets => include_str!("../../../schemas/tickets.avsc"),
            RecordType::Accounts => include_str!("../../../schemas/accounts.avsc"),
            RecordType::Billing => include_str!("../../../schemas/billing.avsc"),
            RecordType::AccountChanges => include_str!("../../../schemas/account-changes.avsc"),
            RecordType::BillingChanges => include_str!("../../../schemas/billing-changes.avsc"),
            RecordType::Signals => include_str!("../../../schemas/signals.avsc"),
            RecordType::Commands => include_str!("../../../schemas/commands.avsc"),
            RecordType::Escalations => include_str!("../../../schemas/escalations.avsc"),
            RecordType::EscalationQueue => include_str!("../../../schemas/escalation-queue.avsc"),
            RecordType::SlaEvents => include_str!("../../../schemas/sla-events.avsc"),
        }
    }

    /// The field whose value is the key of the record.
    pub const fn key_field(self) -> &'static str {
        match self {
            RecordType::EscalationQueue => "escalation_id",
            _ => "account_id",
        }
    }

    /// Whether others write it and Tierline reads it.
    pub const fn is_input(self) -> bool {
        !matches!(self, RecordType::Escalations | RecordType::EscalationQueue | RecordType::SlaEvents)
    }

    /// The CRC-64-AVRO fingerprint of the schema's canonical form: what single-object encoding begins with.
    pub fn fingerprint(self) -> u64 {
        self.parsed().fingerprint()
    }

    pub(crate) fn parsed(self) -> &'static WriterSchema {
        static PARSED: LazyLock<Vec<WriterSchema>> = LazyLock::new(|| {
            let parse = |record: &RecordType| WriterSchema::parse(record.schema());
            // Ours are compiled in, and a test parses each of them.
            RecordType::ALL.iter().map(|record| parse(record).expect("a schema of our own")).collect()
        });
        &PARSED[self as usize]
    }
}
