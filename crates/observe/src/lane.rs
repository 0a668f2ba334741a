//! A lane's own counters: plain numbers while events flow, added to the process's metrics once a commit.

use prometheus::local::LocalHistogram;

use crate::Metrics;

/// What became of an input record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The engine took it.
    Applied,
    /// It is of no use here (a record that another stage wants) and was counted.
    PassedOver,
    /// It went to `dead-letters`.
    DeadLetter,
}

/// What was seen and had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// A record that had come before.
    Repeat,
    /// A value older than what was known.
    StaleValue,
    /// A command that found or changed nothing.
    IdleCommand,
    /// A rule that latched in silence, at a first start or a change of rules.
    QuietLatch,
    /// A member of a JSON record that the schema doesn't have.
    UnknownMember,
    /// A word of a newer writer, taken as not told.
    UnrecognisedWord,
    /// An import that was taken as ended without its mark.
    ImportTimedOut,
    /// A ticket that was said to come from another account, and did not.
    MoveGivenUp,
}

/// Which way a ticket went between accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It left an account of this task.
    Out,
    /// It came to an account of this task.
    In,
}

/// What became of a customer's message in the score stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageOutcome {
    /// It was scored.
    Scored,
    /// The built-in scorer scored it, for the one that was to be asked did not answer.
    Fallback,
    /// It is in no language that is scored.
    Unknown,
    /// Nobody answered.
    Unanswered,
    /// It is history that an import brings.
    Imported,
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointOutcome {
    /// It is there.
    Written,
    /// It could not be written.
    Failed,
    /// A restore began with it.
    Restored,
    /// It was too old to be believed.
    TooOld,
    /// It is of another changelog than there is.
    Foreign,
    /// It was damaged, or none of this version.
    Damaged,
    /// It was due and not begun: the log did not say where the changelog ends.
    PutOff,
}

/// What a log has had to get over; the lane went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A restore had to wait: for a partition without a leader, say.
    RestoreWaited,
    /// A leader showed a restore less than had been committed, and was waited for.
    LeaderLagged,
    /// The group's coordinator was asked early whether it is there, for a connection had broken.
    CoordinatorProbed,
    /// It was not, or the assignment was lost: both producers were made anew.
    CoordinatorLost,
    /// What became of a transaction was not known: its producer was made anew.
    TransactionUnsettled,
}

impl Trouble {
    fn word(self) -> &'static str {
        match self {
            Trouble::RestoreWaited => "restore_waited",
            Trouble::LeaderLagged => "leader_lagged",
            Trouble::CoordinatorProbed => "coordinator_probed",
            Trouble::CoordinatorLost => "coordinator_lost",
            Trouble::TransactionUnsettled => "transaction_unsettled",
        }
    }
}

impl CheckpointOutcome {
    fn word(self) -> &'static str {
        match self {
            CheckpointOutcome::Written => "written",
            CheckpointOutcome::Failed => "failed",
            CheckpointOutcome::Restored => "restored",
            CheckpointOutcome::TooOld => "too_old",
            CheckpointOutcome::Foreign => "foreign",
            CheckpointOutcome::Damaged => "damaged",
            CheckpointOutcome::PutOff => "put_off",
        }
    }
}

/// An input of the lane: its place in the list that [`Metrics::lane`] was given.
pub type Topic = usize;

const MESSAGE_OUTCOMES: [&str; 5] = ["scored", "fallback", "unknown", "unanswered", "imported"];
const OUTCOMES: [&str; 3] = ["applied", "passed_over", "dead_letter"];
const PASSED_OVER: [&str; 8] = [
    "repeat",
    "stale_value",
    "idle_command",
    "quiet_latch",
    "unknown_member",
    "unrecognised_word",
    "import_timed_out",
    "move_given_up",
];
const MOVED: [&str; 2] = ["out", "in"];
const TIERS: [&str; 2] = ["2", "3"];

/// The counters of one lane. Nothing of them is visible before [`flush`](Self::flush); an aborted transaction's are
/// dropped with [`discard`](Self::discard).
pub struct LaneMetrics {
    metrics: Metrics,
    /// None: detect.
    stage: Option<&'static str>,
    topics: Vec<String>,
    records: Vec<[u64; OUTCOMES.len()]>,
    passed_over: [u64; PASSED_OVER.len()],
    messages: [u64; MESSAGE_OUTCOMES.len()],
    moved: [u64; MOVED.len()],
    escalations: Vec<Escalated>,
    dead_letters: Vec<(Topic, &'static str)>,
    undecided: Vec<(String, u64)>,
    /// Metrics and policies.
    sla_breaches: Vec<(&'static str, String)>,
    timer_lag: LocalHistogram,
    event_to_escalation: LocalHistogram,
    open_tickets: i64,
    open_escalations: [i64; TIERS.len()],
}

/// An escalation record on its way into a commit.
struct Escalated {
    tier: u8,
    rule: String,
    kind: &'static str,
    waited_seconds: Option<f64>,
}

impl LaneMetrics {
    pub(crate) fn new<S: AsRef<str>>(metrics: Metrics, stage: Option<&'static str>, inputs: &[S]) -> LaneMetrics {
        LaneMetrics {
            stage,
            topics: inputs.iter().map(|name| name.as_ref().to_owned()).collect(),
            records: vec![[0; OUTCOMES.len()]; inputs.len()],
            passed_over: [0; PASSED_OVER.len()],
            messages: [0; MESSAGE_OUTCOMES.len()],
            moved: [0; MOVED.len()],
            escalations: Vec::new(),
            dead_letters: Vec::new(),
            undecided: Vec::new(),
            sla_breaches: Vec::new(),
            timer_lag: metrics.0.timer_lag.local(),
            event_to_escalation: metrics.0.event_to_escalation.local(),
            open_tickets: 0,
            open_escalations: [0; TIERS.len()],
            metrics,
        }
    }

    /// An input record was passed. A dead letter is told by [`dead_letter`](Self::dead_letter) instead.
    #[inline]
    pub fn record(&mut self, topic: Topic, outcome: Outcome) {
        self.records[topic][outcome as usize] += 1;
    }

    /// Something had no effect, so many times.
    #[inline]
    pub fn passed_over(&mut self, what: PassedOver, times: u64) {
        self.passed_over[what as usize] += times;
    }

    /// The score stage has passed a customer's message.
    pub fn message(&mut self, outcome: MessageOutcome) {
        self.messages[outcome as usize] += 1;
    }

    /// So many tickets went between accounts.
    pub fn moved(&mut self, way: Moved, tickets: u64) {
        self.moved[way as usize] += tickets;
    }

    /// A record became a dead letter with this stable code.
    pub fn dead_letter(&mut self, topic: Topic, error: &'static str) {
        self.record(topic, Outcome::DeadLetter);
        self.dead_letters.push((topic, error));
    }

    /// An escalation record was written. `waited_seconds`: of `opened` and `raised`, from the ticket's creation to the
    /// instant at which the rule became true.
    pub fn escalation(&mut self, tier: u8, rule: Option<&str>, kind: &'static str, waited_seconds: Option<f64>) {
        self.escalations.push(Escalated { tier, rule: rule.unwrap_or_default().to_owned(), kind, waited_seconds });
    }

    /// How late a time rule went out, seconds.
    pub fn timer_lag(&mut self, seconds: f64) {
        self.timer_lag.observe(seconds.max(0.0));
    }

    /// From the append time of the causing record to the commit of its escalation, seconds.
    pub fn event_to_escalation(&mut self, seconds: f64) {
        self.event_to_escalation.observe(seconds.max(0.0));
    }

    /// A target of this SLA metric was not met; [`None`]: no policy set it, but `escalation_sla`.
    pub fn sla_breach(&mut self, metric: &'static str, policy: Option<&str>) {
        self.sla_breaches.push((metric, policy.unwrap_or_default().to_owned()));
    }

    /// Up to when a source has been heard that sends heartbeats, UTC milliseconds. Shown at once.
    pub fn heard(&self, source: &str, until: i64) {
        self.metrics.0.source_heard.with_label_values(&[source]).set(until / 1_000);
    }

    /// Evaluations of this rule that ended undecided.
    pub fn undecided(&mut self, rule: &str, times: u64) {
        if times == 0 {
            return;
        }
        match self.undecided.iter_mut().find(|(name, _)| name == rule) {
            Some((_, sum)) => *sum += times,
            None => self.undecided.push((rule.to_owned(), times)),
        }
    }

    /// What the lane's tasks hold at the moment: open tickets, and open escalations of tier 2 and of tier 3.
    pub fn holds(&mut self, open_tickets: usize, open_escalations: [usize; 2]) {
        let families = &self.metrics.0;
        let now = open_tickets as i64;
        families.open_tickets.add(now - self.open_tickets);
        self.open_tickets = now;
        for (tier, (before, now)) in TIERS.iter().zip(self.open_escalations.iter_mut().zip(open_escalations)) {
            families.open_escalations.with_label_values(&[tier]).add(now as i64 - *before);
            *before = now as i64;
        }
    }

    /// A commit ended; `outcome` is `committed` or `aborted`.
    pub fn transaction(&self, seconds: f64, outcome: &'static str) {
        self.metrics.0.transaction.with_label_values(&[outcome]).observe(seconds);
    }

    /// A task's state was restored.
    pub fn restored(&self, seconds: f64) {
        self.metrics.0.restore.observe(seconds);
    }

    /// So many changelog entries were read back, `from` a `checkpoint` or the `changelog`.
    pub fn restored_entries(&self, from: &'static str, entries: u64) {
        self.metrics.0.restored_entries.with_label_values(&[from]).inc_by(entries);
    }

    /// A checkpoint was written or looked at.
    pub fn checkpoint(&self, outcome: CheckpointOutcome) {
        self.metrics.0.checkpoints.with_label_values(&[outcome.word()]).inc();
    }

    /// The log has had to get over something. Shown at once: it happened whatever becomes of the transaction.
    pub fn trouble(&self, trouble: Trouble) {
        self.metrics.0.log_troubles.with_label_values(&[trouble.word()]).inc();
    }

    /// How many records of an input's partition are still to be read. Shown at once.
    pub fn lag(&self, topic: &str, partition: i32, records: i64) {
        let (families, partition) = (&self.metrics.0, partition.to_string());
        match self.stage {
            None => families.lag.with_label_values(&[topic, &partition]).set(records),
            Some(stage) => families.stage_lag.with_label_values(&[stage, topic, &partition]).set(records),
        }
    }

    /// Whether a task has caught up with its inputs. Shown at once.
    pub fn caught_up(&self, partition: i32, is: bool) {
        let (families, partition) = (&self.metrics.0, partition.to_string());
        match self.stage {
            None => families.caught_up.with_label_values(&[&partition]).set(is.into()),
            Some(stage) => families.stage_caught_up.with_label_values(&[stage, &partition]).set(is.into()),
        }
    }

    /// How much of what it reads first a task has restored, 0 to 1. Shown at once, of detect: other stages have next to
    /// nothing to read.
    pub fn restoring(&self, partition: i32, share: f64) {
        if self.stage.is_none() {
            self.metrics.0.restore_share.with_label_values(&[&partition.to_string()]).set(share);
        }
    }

    /// Takes away what was said of a partition that is another instance's now.
    pub fn released(&self, partition: i32) {
        let (families, partition) = (&self.metrics.0, partition.to_string());
        // An error here only means that nothing had been said.
        match self.stage {
            None => {
                let _ = families.caught_up.remove_label_values(&[&partition]);
                let _ = families.restore_share.remove_label_values(&[&partition]);
                for topic in &self.topics {
                    let _ = families.lag.remove_label_values(&[topic, &partition]);
                }
            }
            Some(stage) => {
                let _ = families.stage_caught_up.remove_label_values(&[stage, &partition]);
                for topic in &self.topics {
                    let _ = families.stage_lag.remove_label_values(&[stage, topic, &partition]);
                }
            }
        }
    }

    /// The commit took effect: what was counted since the last one becomes visible.
    pub fn flush(&mut self) {
        let families = &self.metrics.0;
        for (topic, counts) in self.topics.iter().map(String::as_str).zip(&mut self.records) {
            for (outcome, count) in OUTCOMES.iter().zip(counts).filter(|(_, count)| **count > 0) {
                let count = std::mem::take(count);
                match self.stage {
                    None => families.records.with_label_values(&[topic, outcome]).inc_by(count),
                    Some(stage) => families.stage_records.with_label_values(&[stage, topic, outcome]).inc_by(count),
                }
            }
        }
        for (what, count) in PASSED_OVER.iter().zip(&mut self.passed_over).filter(|(_, count)| **count > 0) {
            families.passed_over.with_label_values(&[what]).inc_by(std::mem::take(count));
        }
        for (outcome, count) in MESSAGE_OUTCOMES.iter().zip(&mut self.messages).filter(|(_, count)| **count > 0) {
            families.messages_scored.with_label_values(&[outcome]).inc_by(std::mem::take(count));
        }
        for (way, count) in MOVED.iter().zip(&mut self.moved).filter(|(_, count)| **count > 0) {
            families.ticket_moves.with_label_values(&[way]).inc_by(std::mem::take(count));
        }
        for escalated in self.escalations.drain(..) {
            let tier = escalated.tier.to_string();
            families.escalations.with_label_values(&[&tier, &escalated.rule, escalated.kind]).inc();
            if let Some(seconds) = escalated.waited_seconds {
                families.time_to_escalation.with_label_values(&[&tier]).observe(seconds.max(0.0));
            }
        }
        for (topic, error) in self.dead_letters.drain(..) {
            families.dead_letters.with_label_values(&[self.topics[topic].as_str(), error]).inc();
        }
        for (rule, times) in self.undecided.drain(..) {
            families.rule_undecided.with_label_values(&[&rule]).inc_by(times);
        }
        for (metric, policy) in self.sla_breaches.drain(..) {
            families.sla_breaches.with_label_values(&[metric, &policy]).inc();
        }
        self.timer_lag.flush();
        self.event_to_escalation.flush();
    }

    /// The transaction was aborted: what was counted since the last commit never happened.
    pub fn discard(&mut self) {
        self.records.fill([0; OUTCOMES.len()]);
        self.passed_over = [0; PASSED_OVER.len()];
        self.messages = [0; MESSAGE_OUTCOMES.len()];
        self.moved = [0; MOVED.len()];
        self.escalations.clear();
        self.dead_letters.clear();
        self.undecided.clear();
        self.sla_breaches.clear();
        self.timer_lag.clear();
        self.event_to_escalation.clear();
    }
}

impl Drop for LaneMetrics {
    fn drop(&mut self) {
        self.discard();
        self.holds(0, [0, 0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_before_its_commit_and_nothing_of_an_aborted_one() {
        let metrics = Metrics::new("1", 0);
        let mut lane = metrics.lane(&["tickets", "accounts"]);
        lane.record(0, Outcome::Applied);
        lane.dead_letter(1, "undecodable");
        lane.escalation(3, Some("silence"), "opened", Some(7_200.0));
        lane.sla_breach("first_reply", Some("standard"));
        assert!(!metrics.render().contains("tierline_records_total{"));
        lane.discard();
        lane.record(0, Outcome::Applied);
        lane.record(0, Outcome::Applied);
        lane.flush();
        lane.flush();
        let text = metrics.render();
        assert!(text.contains("tierline_records_total{outcome=\"applied\",topic=\"tickets\"} 2"), "{text}");
        assert!(!text.contains("outcome=\"dead_letter\""), "{text}");
        assert!(!text.contains("silence"), "{text}");
    }

    #[test]
    fn what_another_stage_reads_is_not_counted_as_what_detect_reads() {
        let metrics = Metrics::new("1", 0);
        let (mut detect, mut score) = (metrics.lane(&["tickets"]), metrics.lane_of_stage("score", &["tickets"]));
        for lane in [&mut detect, &mut score] {
            lane.record(0, Outcome::Applied);
            lane.lag("tickets", 7, 12);
            lane.caught_up(7, true);
            lane.restoring(7, 0.5);
            lane.flush();
        }
        score.message(MessageOutcome::Unknown);
        score.flush();
        let text = metrics.render();
        for line in [
            "tierline_records_total{outcome=\"applied\",topic=\"tickets\"} 1",
            "tierline_lag_records{partition=\"7\",topic=\"tickets\"} 12",
            "tierline_caught_up{partition=\"7\"} 1",
            "tierline_stage_records_total{outcome=\"applied\",stage=\"score\",topic=\"tickets\"} 1",
            "tierline_stage_lag_records{partition=\"7\",stage=\"score\",topic=\"tickets\"} 12",
            "tierline_stage_caught_up{partition=\"7\",stage=\"score\"} 1",
            "tierline_messages_scored_total{outcome=\"unknown\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing:\n{text}");
        }
        score.released(7);
        assert!(metrics.render().contains("tierline_lag_records{partition=\"7\""));
        detect.released(7);
        let text = metrics.render();
        assert!(!text.contains("partition=\"7\""), "a released partition is spoken of:\n{text}");
        assert!(text.contains("tierline_build_info{version=\"1\"} 1"));
    }

    #[test]
    fn what_a_log_had_to_get_over_is_counted_though_its_transaction_is_aborted() {
        let metrics = Metrics::new("1", 0);
        let mut lane = metrics.lane(&["tickets"]);
        lane.trouble(Trouble::CoordinatorLost);
        lane.discard();
        let text = metrics.render();
        assert!(text.contains("tierline_log_troubles_total{what=\"coordinator_lost\"} 1"), "{text}");
    }

    #[test]
    fn an_escalation_counts_by_tier_rule_and_kind_and_times_the_ticket() {
        let metrics = Metrics::new("1", 0);
        let mut lane = metrics.lane(&["tickets"]);
        lane.escalation(3, Some("silence"), "opened", Some(7_200.0));
        lane.escalation(3, None, "acknowledged", None);
        lane.sla_breach("first_reply", Some("standard"));
        lane.flush();
        let text = metrics.render();
        assert!(text.contains("tierline_escalations_total{kind=\"opened\",rule=\"silence\",tier=\"3\"} 1"), "{text}");
        assert!(text.contains("tierline_escalations_total{kind=\"acknowledged\",rule=\"\",tier=\"3\"} 1"), "{text}");
        let breaches = "tierline_sla_breaches_total{metric=\"first_reply\",policy=\"standard\"} 1";
        assert!(text.contains(breaches), "{text}");
        assert!(text.contains("tierline_time_to_escalation_seconds_sum{tier=\"3\"} 7200"), "{text}");
        assert!(text.contains("tierline_time_to_escalation_seconds_count{tier=\"3\"} 1"), "{text}");
    }

    #[test]
    fn lanes_add_up_and_a_lane_that_ends_takes_its_share_away() {
        let metrics = Metrics::new("1", 0);
        let mut one = metrics.lane(&["tickets"]);
        let mut two = metrics.lane(&["tickets"]);
        one.holds(5, [2, 1]);
        two.holds(3, [0, 1]);
        one.holds(4, [1, 1]);
        assert!(metrics.render().contains("tierline_open_tickets 7"));
        assert!(metrics.render().contains("tierline_open_escalations{tier=\"3\"} 2"));
        drop(one);
        assert!(metrics.render().contains("tierline_open_tickets 3"));
        assert!(metrics.render().contains("tierline_open_escalations{tier=\"2\"} 0"));
    }
}
