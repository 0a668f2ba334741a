//! The topics as they should be: one list, from which `topics create`, `topics check` and the start's own check follow.

/// What a topic is kept for, and so how it is cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// By time: `cleanup.policy=delete` with this `retention.ms`.
    Delete {
        /// Milliseconds.
        retention_ms: i64,
    },
    /// By key: `cleanup.policy=compact` with this bound on how long a forgotten key may linger
    /// (`max.compaction.lag.ms`) and on how long its tombstone stays (`delete.retention.ms`).
    Compact {
        /// Milliseconds.
        max_compaction_lag_ms: i64,
        /// Milliseconds.
        delete_retention_ms: i64,
    },
}

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name on the cluster.
    pub name: String,
    /// Whether it must have as many partitions as `tickets`.
    pub co_partitioned: bool,
    /// How it is cleaned.
    pub cleanup: Cleanup,
    /// Whether the broker stamps its records (`message.timestamp.type=LogAppendTime`): all inputs. Only a warning.
    pub append_time: bool,
    /// Whether Tierline writes to it (and so needs the right to).
    pub written: bool,
    /// Whether Tierline reads from it.
    pub read: bool,
}

/// The streams of the contract by their names on the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the stream that it is called after")]
pub struct Names {
    pub tickets: String,
    /// One a source.
    pub accounts: Vec<String>,
    /// One a source.
    pub billing: Vec<String>,
    pub account_changes: String,
    pub billing_changes: String,
    pub account_moves: String,
    pub signals: String,
    pub commands: String,
    pub escalations: String,
    pub escalations_shadow: String,
    pub escalation_queue: String,
    pub sla_events: String,
    pub detect_state: String,
    pub score_state: String,
    pub dead_letters: String,
    pub directory: String,
    pub aliases: String,
    pub intake_raw: String,
}

impl Names {
    /// The contract's own names, each behind this prefix (none: empty).
    pub fn with_prefix(prefix: &str) -> Names {
        let name = |stream: &str| format!("{prefix}{stream}");
        Names {
            tickets: name("tickets"),
            accounts: vec![name("accounts")],
            billing: vec![name("billing")],
            account_changes: name("account-changes"),
            billing_changes: name("billing-changes"),
            account_moves: name("account-moves"),
            signals: name("signals"),
            commands: name("commands"),
            escalations: name("escalations"),
            escalations_shadow: name("escalations-shadow"),
            escalation_queue: name("escalation-queue"),
            sla_events: name("sla-events"),
            detect_state: name("detect-state"),
            score_state: name("score-state"),
            dead_letters: name("dead-letters"),
            directory: name("directory"),
            aliases: name("aliases"),
            intake_raw: name("intake-raw"),
        }
    }

    /// The topics that tell of accounts.
    pub fn of_accounts(&self) -> Vec<String> {
        self.accounts.iter().chain([&self.account_changes]).cloned().collect()
    }

    /// The topics that tell of bills.
    pub fn of_billing(&self) -> Vec<String> {
        self.billing.iter().chain([&self.billing_changes]).cloned().collect()
    }

    /// The topics that tell what a condition reads, by the name that rules use; none: it is Tierline's own.
    pub fn telling(&self, field: &str) -> Vec<String> {
        match field.split('.').next() {
            Some("account") if field.ends_with("tickets") => vec![self.tickets.clone()],
            Some("account") => self.of_accounts(),
            Some("billing") => self.of_billing(),
            Some("signal") => vec![self.signals.clone()],
            Some("ticket") if matches!(field, "ticket.sentiment" | "ticket.escalation_risk") => {
                vec![self.signals.clone()]
            }
            Some("ticket" | "message" | "sla") => vec![self.tickets.clone()],
            _ => Vec::new(),
        }
    }
}

impl Default for Names {
    fn default() -> Names {
        Names::with_prefix("")
    }
}

/// What a stream carries, and so how a person's JSON for it is checked and what its records decode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the stream that it is called after")]
pub enum Stream {
    Tickets,
    /// The n-th of the accounts' topics.
    Accounts(u8),
    /// The n-th of the billing topics.
    Billing(u8),
    AccountChanges,
    BillingChanges,
    /// Of the detect stage for itself: from one task to another.
    AccountMoves,
    Signals,
    Commands,
    Escalations,
    EscalationsShadow,
    EscalationQueue,
    SlaEvents,
    DetectState,
    ScoreState,
    DeadLetters,
    Directory,
    Aliases,
    IntakeRaw,
}

impl Stream {
    /// Its place among records of the same instant (SEMANTICS 1.7); inputs only.
    pub const fn rank(self) -> u8 {
        match self {
            Stream::AccountMoves => 0,
            Stream::Accounts(_) => 1,
            Stream::AccountChanges => 2,
            Stream::Billing(_) => 3,
            Stream::BillingChanges => 4,
            Stream::Signals => 5,
            Stream::Tickets => 6,
            Stream::Commands => 7,
            _ => u8::MAX,
        }
    }

    /// Whether it holds whole snapshots, which a cold start reads to their end first.
    pub const fn is_snapshot(self) -> bool {
        matches!(self, Stream::Accounts(_) | Stream::Billing(_))
    }
}

/// The inputs of the detect stage in the order of their `InputId`: the driver's first.
pub fn detect_inputs(names: &Names) -> Vec<(Stream, String)> {
    let numbered = |topics: &[String], stream: fn(u8) -> Stream| -> Vec<(Stream, String)> {
        // Invariant: the configuration refuses more than 100 sources.
        topics.iter().enumerate().map(|(n, topic)| (stream(n as u8), topic.clone())).collect()
    };
    let mut inputs = vec![(Stream::Tickets, names.tickets.clone())];
    inputs.extend(numbered(&names.accounts, Stream::Accounts));
    inputs.extend(numbered(&names.billing, Stream::Billing));
    inputs.push((Stream::AccountChanges, names.account_changes.clone()));
    inputs.push((Stream::BillingChanges, names.billing_changes.clone()));
    inputs.push((Stream::Signals, names.signals.clone()));
    inputs.push((Stream::Commands, names.commands.clone()));
    inputs.push((Stream::AccountMoves, names.account_moves.clone()));
    inputs
}

/// The outputs of the detect stage in the order of their `OutputId`; the ids stand in [`output`].
pub fn detect_outputs(names: &Names) -> Vec<(Stream, String)> {
    vec![
        (Stream::DetectState, names.detect_state.clone()),
        (Stream::DeadLetters, names.dead_letters.clone()),
        (Stream::Escalations, names.escalations.clone()),
        (Stream::EscalationsShadow, names.escalations_shadow.clone()),
        (Stream::EscalationQueue, names.escalation_queue.clone()),
        (Stream::SlaEvents, names.sla_events.clone()),
        (Stream::AccountMoves, names.account_moves.clone()),
    ]
}

/// The outputs of the detect stage.
pub mod output {
    use crate::log::OutputId;

    /// The changelog.
    pub const CHANGELOG: OutputId = OutputId(0);
    /// What could not be read.
    pub const DEAD_LETTERS: OutputId = OutputId(1);
    /// What downstream services consume.
    pub const ESCALATIONS: OutputId = OutputId(2);
    /// What shadow rules would have done.
    pub const ESCALATIONS_SHADOW: OutputId = OutputId(3);
    /// The present state of each open escalation.
    pub const ESCALATION_QUEUE: OutputId = OutputId(4);
    /// Each SLA target met, breached, cancelled.
    pub const SLA_EVENTS: OutputId = OutputId(5);
    /// A ticket's whole state on its way to another account: in the partition of its key, not the task's own.
    pub const ACCOUNT_MOVES: OutputId = OutputId(6);
}

/// The one input of the score stage.
pub fn score_inputs(names: &Names) -> Vec<(Stream, String)> {
    vec![(Stream::Tickets, names.tickets.clone())]
}

/// The outputs of the score stage in the order of their `OutputId`; the ids stand in [`score_output`].
pub fn score_outputs(names: &Names) -> Vec<(Stream, String)> {
    vec![
        (Stream::ScoreState, names.score_state.clone()),
        (Stream::DeadLetters, names.dead_letters.clone()),
        (Stream::Signals, names.signals.clone()),
    ]
}

/// The outputs of the score stage.
pub mod score_output {
    use crate::log::OutputId;

    /// The changelog.
    pub const CHANGELOG: OutputId = OutputId(0);
    /// What could not be written as it should be.
    pub const DEAD_LETTERS: OutputId = OutputId(1);
    /// What messages say.
    pub const SIGNALS: OutputId = OutputId(2);
}

/// A day, milliseconds.
const DAY: i64 = 86_400_000;

/// Every topic of the detect stage as it should be: what `topics create` makes, and `topics check` and every start
/// compare with. Inputs first, then outputs; a topic that is both would stand there twice.
///
/// All are co-partitioned: task *i* reads partition *i* of every input and writes to partition *i* of every output, but
/// for `account-moves`, by which tasks hand tickets to each other.
pub fn detect_topics(names: &Names) -> Vec<TopicSpec> {
    let inputs = detect_inputs(names).into_iter().map(|(stream, name)| TopicSpec {
        name,
        co_partitioned: true,
        cleanup: if stream.is_snapshot() { SNAPSHOTS } else { days(7) },
        append_time: true,
        written: stream == Stream::AccountMoves,
        read: true,
    });
    let outputs = detect_outputs(names).into_iter().filter(|(stream, _)| *stream != Stream::AccountMoves);
    let outputs = outputs.map(|(stream, name)| TopicSpec {
        name,
        co_partitioned: true,
        cleanup: match stream {
            Stream::DetectState | Stream::EscalationQueue => COMPACTED,
            Stream::DeadLetters => days(28),
            _ => days(7),
        },
        append_time: false,
        written: true,
        read: stream == Stream::DetectState,
    });
    inputs.chain(outputs).collect()
}

/// The topics of the score stage that the detect stage has not: where its tasks stand.
pub fn score_topics(names: &Names) -> Vec<TopicSpec> {
    vec![TopicSpec {
        name: names.score_state.clone(),
        co_partitioned: true,
        cleanup: COMPACTED,
        append_time: false,
        written: true,
        read: true,
    }]
}

/// The topics of intake alone: what sources remember, who is who, and what was delivered. None follows the partitions of
/// `tickets`.
pub fn intake_topics(names: &Names) -> Vec<TopicSpec> {
    let topic = |name: &String, cleanup| TopicSpec {
        name: name.clone(),
        co_partitioned: false,
        cleanup,
        append_time: false,
        written: true,
        read: true,
    };
    let compacted = [&names.directory, &names.aliases].map(|name| topic(name, COMPACTED));
    compacted.into_iter().chain([topic(&names.intake_raw, days(7))]).collect()
}

/// A forgotten key lingers for a day at most; a tombstone stays for a day.
const COMPACTED: Cleanup = Cleanup::Compact { max_compaction_lag_ms: DAY, delete_retention_ms: DAY };

/// A tombstone stays as long as the events that are read beside it: one that is gone before it was read would leave an
/// account told for ever.
const SNAPSHOTS: Cleanup = Cleanup::Compact { max_compaction_lag_ms: DAY, delete_retention_ms: 7 * DAY };

const fn days(n: i64) -> Cleanup {
    Cleanup::Delete { retention_ms: n * DAY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_comes_first_and_ids_match_their_topics() {
        let names = Names::with_prefix("eu.");
        assert_eq!(detect_inputs(&names)[0], (Stream::Tickets, "eu.tickets".to_owned()));
        let outputs = detect_outputs(&names);
        for (id, stream) in [
            (output::CHANGELOG, Stream::DetectState),
            (output::DEAD_LETTERS, Stream::DeadLetters),
            (output::ESCALATIONS, Stream::Escalations),
            (output::ESCALATIONS_SHADOW, Stream::EscalationsShadow),
            (output::ESCALATION_QUEUE, Stream::EscalationQueue),
            (output::SLA_EVENTS, Stream::SlaEvents),
            (output::ACCOUNT_MOVES, Stream::AccountMoves),
        ] {
            assert_eq!(outputs[usize::from(id.0)].0, stream);
        }
    }

    #[test]
    fn the_score_stage_reads_tickets_and_writes_what_the_detect_stage_reads() {
        let names = Names::with_prefix("eu.");
        assert_eq!(score_inputs(&names), [(Stream::Tickets, "eu.tickets".to_owned())]);
        let outputs = score_outputs(&names);
        for (id, stream) in [
            (score_output::CHANGELOG, Stream::ScoreState),
            (score_output::DEAD_LETTERS, Stream::DeadLetters),
            (score_output::SIGNALS, Stream::Signals),
        ] {
            assert_eq!(outputs[usize::from(id.0)].0, stream);
        }
        assert!(detect_inputs(&names).contains(&outputs[usize::from(score_output::SIGNALS.0)]));
        assert!(matches!(score_topics(&names)[0].cleanup, Cleanup::Compact { .. }));
    }

    #[test]
    fn records_of_one_instant_are_taken_in_the_order_that_the_semantics_give() {
        let order = [
            Stream::AccountMoves,
            Stream::Accounts(1),
            Stream::AccountChanges,
            Stream::Billing(0),
            Stream::BillingChanges,
            Stream::Signals,
            Stream::Tickets,
            Stream::Commands,
        ];
        assert!(order.is_sorted_by(|a, b| a.rank() < b.rank()));
    }

    #[test]
    fn every_source_has_its_own_topic() {
        let names = Names { accounts: vec!["crm".into(), "erp".into()], ..Names::default() };
        let inputs = detect_inputs(&names);
        assert!(inputs.contains(&(Stream::Accounts(1), "erp".to_owned())));
        let topics = detect_topics(&names);
        let moves: Vec<_> = topics.iter().filter(|topic| topic.name == "account-moves").collect();
        assert!(
            matches!(moves[..], [TopicSpec { written: true, read: true, .. }]),
            "it is both, and stands there once"
        );
        assert_eq!(topics.len(), inputs.len() + detect_outputs(&names).len() - 1);
        let state = topics.iter().find(|topic| topic.name == "detect-state").expect("it is in the list");
        assert!(state.written && state.read && matches!(state.cleanup, Cleanup::Compact { .. }));
    }
}
