//! What SLA policies promise, in sentences, and what is different between those of two rule sets.

use tierline_model::{Priority, SlaMetric};
use tierline_sla::{Calendar, Target};

use crate::{OnChange, OnReopen, RuleSet, SlaPolicy, text};

/// A promise that is another one now, or one of the hours that promises are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseChange {
    /// Which: *policy standard*, *escalation_sla*, *calendar emea*.
    pub what: String,
    /// What it said, in a sentence; [`None`]: there was none.
    pub was: Option<String>,
    /// What it says.
    pub now: Option<String>,
}

impl RuleSet {
    /// A policy as one sentence: *For tickets on which the account's plan is enterprise: first reply within 30m for
    /// urgent and 4h otherwise, in the hours of emea.*
    pub fn policy_sentence(&self, policy: &SlaPolicy) -> String {
        let whom = match &policy.when {
            Some(body) => format!("tickets on which {}", text::tree(&body.when, &body.leaves, false)),
            None if self.policies.len() == 1 => "all tickets".to_owned(),
            None => "all other tickets".to_owned(),
        };
        let promises: Vec<String> = SlaMetric::OF_TICKET
            .iter()
            .zip(&policy.targets)
            .filter(|(_, targets)| !targets.is_empty())
            .map(|(metric, targets)| {
                let listed: Vec<_> = targets.each().collect();
                let only = listed.len() == 1;
                let length =
                    |&(priority, target): &(Option<Priority>, &Target)| self.length(policy, priority, target, only);
                let lengths: Vec<String> = listed.iter().map(length).collect();
                format!("{} within {}", metric.word().replace('_', " "), text::join(&lengths, "and"))
            })
            .collect();
        let hours = self.hours(&policy.calendar);
        text::sentence(&format!("for {whom}: {}{hours}", promises.join(", ")))
    }

    /// How soon an agent answers an escalation, as one sentence; [`None`]: nothing is promised.
    pub fn answer_sentence(&self) -> Option<String> {
        let answer = |(tier, target): (u8, &Option<Target>)| {
            let target = target.as_ref()?;
            Some(format!("within {}{} at tier {tier}", target.length, self.hours(&target.calendar)))
        };
        let answers: Vec<String> = [2, 3].into_iter().zip(&self.escalation_sla).filter_map(answer).collect();
        let said = || text::sentence(&format!("an agent answers an escalation {}", text::join(&answers, "and")));
        (!answers.is_empty()).then(said)
    }

    /// What is different about policies, about answers to escalations, and about the calendars of both.
    pub fn promise_changes(&self, old: &RuleSet) -> Vec<PromiseChange> {
        let mut changes = Vec::new();
        let mut tell = |what: String, was: Option<String>, now: Option<String>| {
            if was != now {
                changes.push(PromiseChange { what, was, now });
            }
        };
        let of = |set: &RuleSet, id: &str| {
            let place = set.policies.iter().position(|policy| policy.id == id)?;
            let settings = |policy: &SlaPolicy| {
                let change = if policy.on_change == OnChange::Retain { "keeps" } else { "restarts" };
                let reopen = if policy.on_reopen == OnReopen::Exclude { "does not count" } else { "counts" };
                let place = place + 1;
                format!("Policy {place}; a change {change} what has elapsed, and the time solved {reopen}.")
            };
            let policy = &set.policies[place];
            Some(format!("{} {}", set.policy_sentence(policy), settings(policy)))
        };
        let gone = old.policies.iter().filter(|policy| !self.policies.iter().any(|other| other.id == policy.id));
        for policy in self.policies.iter().chain(gone) {
            tell(format!("policy {}", policy.id), of(old, &policy.id), of(self, &policy.id));
        }
        tell("escalation_sla".to_owned(), old.answer_sentence(), self.answer_sentence());
        for named in &self.calendars {
            let before = old.calendars.iter().find(|other| other.name == named.name);
            if before.is_some_and(|before| before.calendar.written() != named.calendar.written()) {
                let said = |hours: &str| Some(format!("{hours} hours and holidays."));
                tell(format!("calendar {}", named.name), said("Other"), said("The new configuration's"));
            }
        }
        changes
    }

    fn length(&self, policy: &SlaPolicy, priority: Option<Priority>, target: &Target, only: bool) -> String {
        let whom = match priority {
            Some(priority) => format!(" for {priority}"),
            None if only => String::new(),
            None => " otherwise".to_owned(),
        };
        let hours = if target.calendar == policy.calendar { String::new() } else { self.hours(&target.calendar) };
        format!("{}{whom}{hours}", target.length)
    }

    /// *, in the hours of emea*
    fn hours(&self, calendar: &Calendar) -> String {
        let name = self.calendars.iter().find(|named| named.calendar.is(calendar) || named.calendar == *calendar);
        match (calendar, name) {
            (Calendar::Always, _) => ", around the clock".to_owned(),
            (_, Some(named)) => format!(", in the hours of {}", named.name),
            (_, None) => String::new(),
        }
    }
}
