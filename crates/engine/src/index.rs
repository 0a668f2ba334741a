//! Which rules read what: an event re-evaluates only the rules that read what it changed.

use rustc_hash::FxHashMap;
use tierline_rules::{Clear, Mode, Reads, Rule, RuleSet, Topic};

use crate::gates::Gates;

/// The rules in force by what they read.
#[derive(Debug)]
pub(crate) struct RuleIndex {
    /// All that are evaluated, in order.
    pub all: Vec<u16>,
    /// Those whose truth may change without a record.
    pub timed: Vec<u16>,
    /// Those of them that read something of the account.
    pub timed_of_account: Vec<u16>,
    /// Those that read which tickets the account has.
    pub of_windows: Vec<u16>,
    /// Those with one latch for the account.
    pub per_account: Vec<u16>,
    /// Those that read the open escalation.
    pub of_escalation: Vec<u16>,
    /// Those that read a rating.
    pub of_rating: Vec<u16>,
    /// Those whose escalations end when they are *no*.
    pub when_no: Vec<u16>,
    /// Whether some must have held for some time.
    pub holding: bool,
    pub gates: Gates,
    /// All of the set, evaluated or not.
    pub by_id: FxHashMap<String, u16>,
    reads: Vec<Reads>,
    by_ticket_field: [Vec<u16>; 32],
    by_topic: [Vec<u16>; 16],
    /// What was asked before: an event changes one of few sets of things.
    asked: Vec<(Reads, Reading)>,
}

/// The rules that read any of a set of things.
#[derive(Clone, Debug)]
struct Reading {
    /// In order.
    rules: Box<[u16]>,
    /// Every timed rule is among them.
    complete: bool,
}

/// So many questions are remembered.
const ASKED: usize = 32;

impl RuleIndex {
    pub fn new(set: &RuleSet) -> RuleIndex {
        // What a rule reads is found by a walk through its conditions: once.
        let reads: Vec<Reads> = set.rules.iter().map(Rule::reads).collect();
        let which = |keep: &dyn Fn(&Rule, Reads) -> bool| -> Vec<u16> {
            let evaluated = set.rules.iter().zip(&reads).zip(0..).filter(|((rule, _), _)| rule.mode != Mode::Disabled);
            evaluated.filter(|&((rule, &reads), _)| keep(rule, reads)).map(|(_, number)| number).collect()
        };
        RuleIndex {
            all: which(&|_, _| true),
            timed: which(&|rule, _| rule.is_timed() || rule.hold.is_some() || rule.cooldown.is_some()),
            timed_of_account: which(&|rule, reads| rule.is_timed() && of_account(reads)),
            of_windows: which(&|_, reads| reads.topics & Topic::Tickets as u32 != 0),
            per_account: which(&|rule, _| rule.per_account),
            of_escalation: which(&|rule, _| rule.reads_escalation()),
            of_rating: which(&|rule, _| rule.reads_rating()),
            when_no: which(&|rule, _| rule.clear == Clear::WhenNo),
            holding: set.rules.iter().any(|rule| rule.hold.is_some()),
            gates: Gates::of(&set.rules),
            by_id: set.rules.iter().enumerate().map(|(place, rule)| (rule.id.clone(), place as u16)).collect(),
            by_ticket_field: std::array::from_fn(|bit| which(&|_, reads| reads.ticket & (1 << bit) != 0)),
            by_topic: std::array::from_fn(|bit| which(&|_, reads| reads.topics & (1 << bit) != 0)),
            asked: Vec::new(),
            reads,
        }
    }

    /// What a rule reads.
    pub fn reads(&self, rule: u16) -> Reads {
        self.reads[rule as usize]
    }

    /// The rules that read any of this, in order, into `into`. Whether every timed rule is among them.
    pub fn reading(&mut self, changed: Reads, into: &mut Vec<u16>) -> bool {
        into.clear();
        if let Some((_, reading)) = self.asked.iter().find(|(asked, _)| *asked == changed) {
            into.extend_from_slice(&reading.rules);
            return reading.complete;
        }
        self.work_out(changed, into);
        let complete = self.timed.iter().all(|rule| into.binary_search(rule).is_ok());
        if self.asked.len() < ASKED {
            self.asked.push((changed, Reading { rules: into.as_slice().into(), complete }));
        }
        complete
    }

    fn work_out(&self, changed: Reads, into: &mut Vec<u16>) {
        if changed.account | changed.billing != 0 {
            into.extend(self.all.iter().filter(|&&rule| self.reads(rule).overlaps(changed)));
            return;
        }
        for bit in bits(changed.ticket) {
            into.extend_from_slice(&self.by_ticket_field[bit]);
        }
        for bit in bits(changed.topics).filter(|&bit| bit < self.by_topic.len()) {
            into.extend_from_slice(&self.by_topic[bit]);
        }
        into.sort_unstable();
        into.dedup();
    }
}

/// Whether any of it belongs to the account rather than to one ticket.
pub(crate) const fn of_account(reads: Reads) -> bool {
    reads.account | reads.billing != 0
        || reads.reads(Topic::AccountCustom)
        || reads.reads(Topic::Tickets)
        || reads.reads(Topic::Signals)
}

fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (lowest < 32).then_some(lowest)
    })
}
