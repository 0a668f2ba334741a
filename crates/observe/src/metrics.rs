//! Every metric that the program has, by name: what dashboards and alert rules may rely on.

use std::sync::Arc;

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

use crate::lane::LaneMetrics;

/// The names of all metrics. Histograms also have `_bucket`, `_sum` and `_count`.
pub const NAMES: &[&str] = &[
    "tierline_build_info",
    "tierline_caught_up",
    "tierline_checkpoints_total",
    "tierline_dead_letters_total",
    "tierline_escalations_total",
    "tierline_event_to_escalation_seconds",
    "tierline_intake_deliveries_total",
    "tierline_intake_records_total",
    "tierline_intake_seconds",
    "tierline_lag_records",
    "tierline_log_troubles_total",
    "tierline_messages_scored_total",
    "tierline_open_escalations",
    "tierline_open_tickets",
    "tierline_passed_over_total",
    "tierline_reconcile_age_seconds",
    "tierline_reconcile_requests_total",
    "tierline_reconcile_rounds_total",
    "tierline_records_total",
    "tierline_restore_seconds",
    "tierline_restore_share",
    "tierline_restored_entries_total",
    "tierline_rule_undecided",
    "tierline_score_seconds",
    "tierline_sla_breaches_total",
    "tierline_source_heard_timestamp_seconds",
    "tierline_source_silent_seconds",
    "tierline_stage_caught_up",
    "tierline_stage_lag_records",
    "tierline_stage_records_total",
    "tierline_start_time_seconds",
    "tierline_ticket_moves_total",
    "tierline_time_to_escalation_seconds",
    "tierline_timer_lag_seconds",
    "tierline_transaction_seconds",
];

/// The metrics of a process: cheap to clone, usable from any thread. A lane takes its own [`LaneMetrics`] from it.
#[derive(Clone)]
pub struct Metrics(pub(crate) Arc<Families>);

/// The families behind [`Metrics`], in a registry of their own.
pub(crate) struct Families {
    registry: Registry,
    pub(crate) records: IntCounterVec,
    pub(crate) passed_over: IntCounterVec,
    pub(crate) escalations: IntCounterVec,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) rule_undecided: IntCounterVec,
    pub(crate) sla_breaches: IntCounterVec,
    pub(crate) ticket_moves: IntCounterVec,
    pub(crate) time_to_escalation: HistogramVec,
    pub(crate) timer_lag: Histogram,
    pub(crate) event_to_escalation: Histogram,
    pub(crate) open_tickets: IntGauge,
    pub(crate) open_escalations: IntGaugeVec,
    pub(crate) lag: IntGaugeVec,
    pub(crate) caught_up: IntGaugeVec,
    pub(crate) transaction: HistogramVec,
    pub(crate) restore: Histogram,
    pub(crate) restore_share: GaugeVec,
    pub(crate) restored_entries: IntCounterVec,
    pub(crate) checkpoints: IntCounterVec,
    pub(crate) log_troubles: IntCounterVec,
    pub(crate) intake_deliveries: IntCounterVec,
    pub(crate) intake_records: IntCounterVec,
    pub(crate) intake_seconds: Histogram,
    pub(crate) reconcile_requests: IntCounterVec,
    pub(crate) reconcile_rounds: IntCounterVec,
    pub(crate) reconcile_age: IntGaugeVec,
    pub(crate) source_heard: IntGaugeVec,
    pub(crate) source_silent: IntGaugeVec,
    pub(crate) messages_scored: IntCounterVec,
    pub(crate) score_seconds: Histogram,
    pub(crate) stage_records: IntCounterVec,
    pub(crate) stage_lag: IntGaugeVec,
    pub(crate) stage_caught_up: IntGaugeVec,
}

impl Metrics {
    /// All families, at zero. `version` is the program's; `started_at` is when it started, UTC milliseconds.
    pub fn new(version: &str, started_at: i64) -> Metrics {
        let families = Families::registered();
        let build = int_gauges("tierline_build_info", "1, labelled with the running version.", &["version"]);
        build.with_label_values(&[version]).set(1);
        families.add(build);
        let start = Gauge::new("tierline_start_time_seconds", "When the process started, seconds since the epoch.");
        let start = start.expect(LEGAL);
        start.set(started_at as f64 / 1000.0);
        families.add(start);
        Metrics(Arc::new(families))
    }

    /// The own counters of a lane of the detect stage. `inputs` are the names of its input topics, in the order of its
    /// input ids.
    pub fn lane<S: AsRef<str>>(&self, inputs: &[S]) -> LaneMetrics {
        LaneMetrics::new(self.clone(), None, inputs)
    }

    /// Those of a lane of another stage: what it reads is not counted as what detect reads.
    pub fn lane_of_stage<S: AsRef<str>>(&self, stage: &'static str, inputs: &[S]) -> LaneMetrics {
        LaneMetrics::new(self.clone(), Some(stage), inputs)
    }

    /// How long it took to score a message, seconds.
    pub fn scored_in(&self, seconds: f64) {
        self.0.score_seconds.observe(seconds);
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.registry.gather(), &mut text).expect("writing to memory does not fail");
        String::from_utf8(text).expect("the exposition format is UTF-8")
    }

    /// The names in the registry, sorted, whether they have samples yet or not.
    #[cfg(test)]
    fn described() -> Vec<String> {
        let metrics = Metrics::new("test", 0);
        // A family without samples isn't gathered: touch each once.
        let families = &metrics.0;
        families.records.with_label_values(&["tickets", "applied"]);
        families.passed_over.with_label_values(&["repeat"]);
        families.escalations.with_label_values(&["2", "r", "opened"]);
        families.dead_letters.with_label_values(&["tickets", "undecodable"]);
        families.rule_undecided.with_label_values(&["r"]);
        families.sla_breaches.with_label_values(&["first_reply", "p"]);
        families.ticket_moves.with_label_values(&["out"]);
        families.time_to_escalation.with_label_values(&["2"]);
        families.open_escalations.with_label_values(&["2"]);
        families.transaction.with_label_values(&["committed"]);
        families.lag.with_label_values(&["tickets", "0"]);
        families.caught_up.with_label_values(&["0"]);
        families.restore_share.with_label_values(&["0"]);
        families.restored_entries.with_label_values(&["changelog"]);
        families.checkpoints.with_label_values(&["written"]);
        families.log_troubles.with_label_values(&["restore_waited"]);
        families.intake_deliveries.with_label_values(&["desk", "taken"]);
        families.intake_records.with_label_values(&["desk", "tickets"]);
        families.reconcile_requests.with_label_values(&["desk", "answered"]);
        families.reconcile_rounds.with_label_values(&["desk", "completed"]);
        families.reconcile_age.with_label_values(&["desk"]);
        families.source_heard.with_label_values(&["desk"]);
        families.source_silent.with_label_values(&["desk"]);
        families.messages_scored.with_label_values(&["scored"]);
        families.stage_records.with_label_values(&["score", "tickets", "applied"]);
        families.stage_lag.with_label_values(&["score", "tickets", "0"]);
        families.stage_caught_up.with_label_values(&["score", "0"]);
        metrics.0.registry.gather().iter().map(|family| family.name().to_owned()).collect()
    }
}

const LEGAL: &str = "the name and labels are legal constants";
const ONCE: &str = "each family is registered once";

/// From a millisecond to a minute: what a person would call at once, soon, late.
const LATENCY: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];
/// From ten microseconds to ten seconds: a scorer in the process, and one beyond a network.
const SCORING: &[f64] =
    &[0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0];
/// From a minute to a week: how long tickets wait.
const WAITING: &[f64] =
    &[60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 86_400.0, 172_800.0, 259_200.0, 604_800.0];
/// From ten milliseconds to an hour: how long a task takes to come back.
const RESTORE: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];

impl Families {
    fn registered() -> Families {
        let histogram = |name, help, buckets: &[f64]| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(LEGAL)
        };
        let histograms = |name, help, labels: &[&str], buckets: &[f64]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels).expect(LEGAL)
        };
        let families = Families {
            registry: Registry::new(),
            records: counters(
                "tierline_records_total",
                "Input records passed, by topic and by what became of them: applied, passed_over, dead_letter.",
                &["topic", "outcome"],
            ),
            passed_over: counters(
                "tierline_passed_over_total",
                "What was seen and had no effect: repeat, stale_value, idle_command, quiet_latch, unknown_member, import_timed_out, move_given_up, \
                 unrecognised_word.",
                &["what"],
            ),
            escalations: counters(
                "tierline_escalations_total",
                "Escalation records committed, by tier, rule (empty: a person's command) and kind.",
                &["tier", "rule", "kind"],
            ),
            dead_letters: counters(
                "tierline_dead_letters_total",
                "Records that could not be taken, by topic and error code.",
                &["topic", "error"],
            ),
            rule_undecided: counters(
                "tierline_rule_undecided",
                "Evaluations of a rule, since the start, that ended undecided because something it reads was not told.",
                &["rule"],
            ),
            ticket_moves: counters(
                "tierline_ticket_moves_total",
                "Tickets that went between accounts with all that is kept of them, by direction: out, in.",
                &["direction"],
            ),
            sla_breaches: counters(
                "tierline_sla_breaches_total",
                "SLA targets that were not met, since the start, by metric and policy (none: escalation_sla).",
                &["metric", "policy"],
            ),
            time_to_escalation: histograms(
                "tierline_time_to_escalation_seconds",
                "From a ticket's creation to the instant at which the rule became true, event time.",
                &["tier"],
                WAITING,
            ),
            timer_lag: histogram(
                "tierline_timer_lag_seconds",
                "How late a time rule went out: detection minus the instant it became true and the grace.",
                LATENCY,
            ),
            event_to_escalation: histogram(
                "tierline_event_to_escalation_seconds",
                "From the append time of the causing record to its escalation being committed.",
                LATENCY,
            ),
            open_tickets: IntGauge::new("tierline_open_tickets", "Open tickets of the tasks owned here.").expect(LEGAL),
            open_escalations: int_gauges(
                "tierline_open_escalations",
                "Open escalations of the tasks owned here, by tier.",
                &["tier"],
            ),
            lag: int_gauges(
                "tierline_lag_records",
                "Records of an input's partition that are still to be read.",
                &["topic", "partition"],
            ),
            caught_up: int_gauges(
                "tierline_caught_up",
                "1 when the task of this partition has read its inputs to their ends, else 0.",
                &["partition"],
            ),
            transaction: histograms(
                "tierline_transaction_seconds",
                "How long a commit took, by outcome: committed, aborted.",
                &["outcome"],
                LATENCY,
            ),
            restore: histogram("tierline_restore_seconds", "How long a task took to restore its state.", RESTORE),
            restore_share: GaugeVec::new(
                Opts::new(
                    "tierline_restore_share",
                    "How much of its checkpoint, then of its changelog, a task has restored: 0 to 1, and 1 once it is back.",
                ),
                &["partition"],
            )
            .expect(LEGAL),
            restored_entries: counters(
                "tierline_restored_entries_total",
                "Entries of state read back, by where from: checkpoint, changelog.",
                &["from"],
            ),
            checkpoints: counters(
                "tierline_checkpoints_total",
                "Checkpoints written or looked at, by what became of them: written, failed, restored, too_old, foreign, \
                 damaged, put_off.",
                &["outcome"],
            ),
            log_troubles: counters(
                "tierline_log_troubles_total",
                "What a log had to get over: restore_waited (for a partition without a leader, say), leader_lagged, \
                 coordinator_probed, coordinator_lost, transaction_unsettled.",
                &["what"],
            ),
            intake_deliveries: counters(
                "tierline_intake_deliveries_total",
                "Deliveries of sources answered, by what became of them: taken, repeated, ignored, refused, unreadable, \
                 unfit, unavailable.",
                &["source", "outcome"],
            ),
            intake_records: counters(
                "tierline_intake_records_total",
                "Records that deliveries became, durable, by source and topic.",
                &["source", "topic"],
            ),
            intake_seconds: histogram(
                "tierline_intake_seconds",
                "From a delivery's arrival to its answer.",
                LATENCY,
            ),
            reconcile_requests: counters(
                "tierline_reconcile_requests_total",
                "Requests to the APIs of sources, by what came of them: answered, throttled, failed, broken, refused, \
                 missing, odd.",
                &["source", "outcome"],
            ),
            reconcile_rounds: counters(
                "tierline_reconcile_rounds_total",
                "Rounds in which a source was asked for all that has changed, by what came of them: completed, refused, \
                 missing, away, odd, log.",
                &["source", "outcome"],
            ),
            reconcile_age: int_gauges(
                "tierline_reconcile_age_seconds",
                "How long ago the last round was completed in which a source was asked for all that has changed.",
                &["source"],
            ),
            source_heard: int_gauges(
                "tierline_source_heard_timestamp_seconds",
                "Up to when a source has been heard that sends heartbeats, seconds since the epoch.",
                &["source"],
            ),
            source_silent: int_gauges(
                "tierline_source_silent_seconds",
                "For how long a source has delivered nothing that is proved to be its own, nor told what has changed.",
                &["source"],
            ),
            messages_scored: counters(
                "tierline_messages_scored_total",
                "Customers' messages that the score stage has passed, by what became of them: scored, fallback (by the \
                 built-in scorer, for the other did not answer), unknown (not in a language that is scored), unanswered, \
                 imported.",
                &["outcome"],
            ),
            score_seconds: histogram("tierline_score_seconds", "How long it took to score a message.", SCORING),
            stage_records: counters(
                "tierline_stage_records_total",
                "Input records passed by another stage than detect, by topic and by what became of them: applied, \
                 passed_over, dead_letter.",
                &["stage", "topic", "outcome"],
            ),
            stage_lag: int_gauges(
                "tierline_stage_lag_records",
                "Records of an input's partition that are still to be read by another stage than detect.",
                &["stage", "topic", "partition"],
            ),
            stage_caught_up: int_gauges(
                "tierline_stage_caught_up",
                "1 when the task of this partition of another stage than detect has read its inputs to their ends, else 0.",
                &["stage", "partition"],
            ),
        };
        families.register_all();
        families
    }

    fn register_all(&self) {
        self.add(self.records.clone());
        self.add(self.passed_over.clone());
        self.add(self.escalations.clone());
        self.add(self.dead_letters.clone());
        self.add(self.rule_undecided.clone());
        self.add(self.sla_breaches.clone());
        self.add(self.ticket_moves.clone());
        self.add(self.time_to_escalation.clone());
        self.add(self.timer_lag.clone());
        self.add(self.event_to_escalation.clone());
        self.add(self.open_tickets.clone());
        self.add(self.open_escalations.clone());
        self.add(self.lag.clone());
        self.add(self.caught_up.clone());
        self.add(self.transaction.clone());
        self.add(self.restore.clone());
        self.add(self.restore_share.clone());
        self.add(self.restored_entries.clone());
        self.add(self.checkpoints.clone());
        self.add(self.log_troubles.clone());
        self.add(self.intake_deliveries.clone());
        self.add(self.intake_records.clone());
        self.add(self.intake_seconds.clone());
        self.add(self.reconcile_requests.clone());
        self.add(self.reconcile_rounds.clone());
        self.add(self.reconcile_age.clone());
        self.add(self.source_heard.clone());
        self.add(self.source_silent.clone());
        self.add(self.messages_scored.clone());
        self.add(self.score_seconds.clone());
        self.add(self.stage_records.clone());
        self.add(self.stage_lag.clone());
        self.add(self.stage_caught_up.clone());
    }

    fn add(&self, collector: impl Collector + 'static) {
        self.registry.register(Box::new(collector)).expect(ONCE);
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect(LEGAL)
}

fn int_gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), labels).expect(LEGAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_names_is_what_is_exposed() {
        assert_eq!(Metrics::described(), NAMES);
    }
}
