//! SLA policies as the task record keeps them: those in force, and those that were before they were edited or taken out.
//!
//! An edited policy is another from the restart on: what had elapsed on a ticket is counted by what was in force then,
//! whenever it is told of. SEMANTICS 3.7, 5.4.

use serde::{Deserialize, Serialize};
use tierline_model::{Millis, Priority, SlaMetric};
use tierline_rules::{Length, OnReopen, PastPolicy, RuleSet, SlaPolicy, Target};
use tierline_sla::{Calendar, Targets, WrittenCalendar};

use super::{Clocks, Policies};
use crate::account::Slot;
use crate::engine::Engine;

/// What policies said.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OldPolicies {
    policies: Vec<OldPolicy>,
    calendars: Vec<Option<WrittenCalendar>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OldPolicy {
    /// Or the name, of one that was in force before.
    id: String,
    counts_solved: bool,
    targets: Vec<OldTarget>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OldTarget {
    metric: u8,
    /// `None`: the default.
    priority: Option<u8>,
    /// Milliseconds, or business days.
    length: Result<Millis, u32>,
    calendar: u16,
}

impl OldPolicies {
    /// Those in force.
    pub fn of(rules: &RuleSet) -> OldPolicies {
        OldPolicies::as_of(rules.policies.iter().map(|policy| (policy.id.as_str(), policy, Millis::MAX)))
    }

    /// Each with what it is called, and what its calendars said right before an instant.
    fn as_of<'p>(policies: impl Iterator<Item = (&'p str, &'p SlaPolicy, Millis)>) -> OldPolicies {
        let mut calendars: Vec<Option<WrittenCalendar>> = Vec::new();
        let mut number = |calendar: &Calendar, until: Millis| {
            let written = calendar.as_of(until.saturating_sub(1)).written();
            calendars.iter().position(|other| *other == written).unwrap_or_else(|| {
                calendars.push(written);
                calendars.len() - 1
            }) as u16
        };
        let policies = policies.map(|(name, policy, until)| {
            let targets = SlaMetric::OF_TICKET.iter().zip(&policy.targets).flat_map(|(metric, targets)| {
                targets.each().map(|(priority, target)| (*metric as u8, priority.map(|word| word as u8), target))
            });
            let targets = targets.map(|(metric, priority, target)| OldTarget {
                metric,
                priority,
                length: written(target.length),
                calendar: number(&target.calendar, until),
            });
            OldPolicy {
                id: name.to_owned(),
                counts_solved: policy.on_reopen == OnReopen::Count,
                targets: targets.collect(),
            }
        });
        let policies = policies.collect();
        OldPolicies { policies, calendars }
    }

    /// As policies again, without their conditions, their ids what they are called; what a damaged record says no more is
    /// left out.
    fn read(&self) -> Vec<SlaPolicy> {
        let calendars: Vec<Option<Calendar>> = self
            .calendars
            .iter()
            .map(|written| match written {
                None => Some(Calendar::Always),
                Some(written) => Calendar::read(written),
            })
            .collect();
        let policy = |old: &OldPolicy| {
            let on_reopen = if old.counts_solved { OnReopen::Count } else { OnReopen::Exclude };
            let mut policy = SlaPolicy::bare(&old.id, on_reopen);
            for target in &old.targets {
                let calendar = calendars.get(usize::from(target.calendar)).cloned().flatten();
                let (Some(calendar), Some(targets)) = (calendar, policy.targets.get_mut(usize::from(target.metric)))
                else {
                    continue;
                };
                let priority = target.priority.and_then(|word| Priority::ALL.get(usize::from(word)).copied());
                let length = target.length.map_or_else(Length::BusinessDays, Length::Time);
                targets.set(priority, Target { length, calendar });
            }
            policy
        };
        self.policies.iter().map(policy).collect()
    }
}

/// Policies that were in force before, each up to an instant, as the task record keeps them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OldEditions {
    said: OldPolicies,
    until: Vec<Millis>,
}

impl OldEditions {
    pub fn of(rules: &RuleSet) -> OldEditions {
        let past = rules.past_policies.iter();
        let said = OldPolicies::as_of(past.clone().map(|past| (past.name.as_str(), &past.policy, past.until)));
        OldEditions { said, until: past.map(|past| past.until).collect() }
    }

    fn read(&self) -> Vec<PastPolicy> {
        let past = |(mut policy, &until): (SlaPolicy, &Millis)| {
            let id = policy.id.split('#').next().unwrap_or_default().to_owned();
            PastPolicy { name: std::mem::replace(&mut policy.id, id), policy, until }
        };
        self.said.read().into_iter().zip(&self.until).map(past).collect()
    }
}

/// The calendars of the policies in force themselves, in their order: what silences are counted by.
pub(crate) type OwnCalendars = Vec<Option<WrittenCalendar>>;

/// What the task record says of policies.
pub(crate) struct Recorded<'m> {
    /// Those that were in force; [`None`]: a version wrote it that knew of no clocks but the first reply's.
    pub said: Option<&'m OldPolicies>,
    /// Their ids and fingerprints.
    pub versions: &'m [(String, String)],
    /// Empty: a version wrote it that did not keep them.
    pub own_calendars: &'m OwnCalendars,
    pub past: &'m OldEditions,
}

/// The newest editions that are kept; what had elapsed by an older one is a number.
const EDITIONS: usize = 64;

impl Recorded<'_> {
    /// The policies that were in force and are so no longer, as they were.
    fn retired(&self, rules: &RuleSet, clock: Millis) -> Vec<PastPolicy> {
        let was = self.said.map_or_else(Vec::new, OldPolicies::read);
        let with_own = |(place, mut policy): (usize, SlaPolicy)| {
            let own =
                self.own_calendars.get(place).map(|own| own.as_ref().map_or(Some(Calendar::Always), Calendar::read));
            let of_a_target =
                || policy.targets.iter_mut().flat_map(Targets::each_mut).next().map(|target| target.calendar.clone());
            policy.calendar = own.unwrap_or_else(of_a_target).unwrap_or_default();
            policy
        };
        let goes_on = |was: &SlaPolicy| {
            let is_same = |now: &SlaPolicy| {
                self.versions.iter().any(|(id, version)| *id == now.id && *version == now.fingerprint)
                    || counts_on(was, now, clock)
            };
            rules.policies.iter().any(|now| now.id == was.id && is_same(now))
        };
        let was = was.into_iter().enumerate().map(with_own).filter(|was| !goes_on(was));
        was.map(|policy| PastPolicy { name: name_of(&policy), policy, until: clock }).collect()
    }
}

/// What an edition of a policy is called: the same in every process.
fn name_of(policy: &SlaPolicy) -> String {
    let said = OldPolicies::as_of([("", policy, Millis::MAX)].into_iter());
    // Plain data has no way to fail.
    let bytes = postcard::to_extend(&said, Vec::new()).unwrap_or_default();
    format!("{}#{:016x}", policy.id, xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// Whether a calendar says now what one said right before an instant, since when it has been edited or not.
fn is_edition(before: &Calendar, now: &Calendar, at: Millis) -> bool {
    now.as_of(at.saturating_sub(1)).written() == before.written()
}

/// Whether every clock of a policy goes on as it did: nothing about it has changed, but what its calendars say from an
/// instant on.
fn counts_on(before: &SlaPolicy, now: &SlaPolicy, at: Millis) -> bool {
    let is_same = |(before, now): (&Targets, &Targets)| {
        let mut listed = Priority::ALL.iter().copied().map(Some).chain([None]);
        listed.all(|priority| match (before.listed(priority), now.listed(priority)) {
            (None, None) => true,
            (Some(was), Some(is)) => was.length == is.length && is_edition(&was.calendar, &is.calendar, at),
            _ => false,
        })
    };
    before.on_reopen == now.on_reopen && before.targets.iter().zip(&now.targets).all(is_same)
}

/// Milliseconds, or business days.
pub(super) fn written(length: Length) -> Result<Millis, u32> {
    match length {
        Length::Time(length) => Ok(length),
        Length::BusinessDays(days) => Err(days),
    }
}

impl Clocks {
    /// The places of all policies that it names.
    fn all_policies(&mut self) -> impl Iterator<Item = &mut Option<u16>> {
        let of_former = self.former.iter_mut().map(|former| &mut former.by.policy);
        let of_told = self.told.iter_mut().filter_map(|told| told.breach.as_mut()).map(|breach| &mut breach.by.policy);
        let applied = self.policy.iter_mut().map(|applied| &mut applied.policy);
        of_former.chain(of_told).chain(applied).filter(|place| place.is_some())
    }

    /// Policies have these places now. By one that nobody knows any more nothing is counted again.
    fn take_places(&mut self, places: &[Option<u16>]) {
        let mut lost = false;
        for place in self.all_policies() {
            *place = place.and_then(|name| places[usize::from(name)]);
            lost |= place.is_none();
        }
        if lost {
            self.settle_former();
        }
    }
}

impl Engine {
    /// All has been restored: policies that are others now, or are gone, are past ones, and what the entries of tickets
    /// name has its place.
    pub(crate) fn place_policies(&mut self, recorded: &Recorded<'_>) {
        let names = std::mem::take(&mut self.named_policies);
        let retired = recorded.retired(&self.rules, self.clock);
        // What an entry calls by its id is what was in force when it was written.
        let meant = |name: &str| {
            let retired = retired.iter().find(|past| past.policy.id == name);
            retired.map_or_else(|| name.to_owned(), |past| past.name.clone())
        };
        let meant: Vec<String> = names.iter().map(|name| meant(name)).collect();
        // A copy of an engine has them already.
        let mut past = self.rules.past_policies.clone();
        for edition in recorded.past.read().into_iter().chain(retired) {
            past.retain(|other| other.name != edition.name);
            past.push(edition);
        }
        past.drain(..past.len().saturating_sub(EDITIONS));
        for edition in &mut past {
            self.recall_hours(edition);
        }
        if !past.is_empty() || !self.rules.past_policies.is_empty() {
            self.rules = std::sync::Arc::new(RuleSet { past_policies: past, ..(*self.rules).clone() });
            self.policies = Policies::of(&self.rules);
        }
        let places: Vec<Option<u16>> = meant.iter().map(|name| self.rules.place_of(name)).collect();
        let is_other = |name: usize| meant[name] != names[name] || places[name].is_none();
        let slots: Vec<Slot> = self.tickets.places().collect();
        for slot in slots {
            let Some(clocks) = self.tickets[slot].clocks.as_mut() else { continue };
            let changes = clocks.all_policies().any(|name| name.is_some_and(|name| is_other(usize::from(name))));
            clocks.take_places(&places);
            if changes {
                self.write_clocks(slot);
            }
        }
    }

    /// The same for a ticket that has come.
    pub(crate) fn place_policies_of(&mut self, slot: Slot) {
        let names = std::mem::take(&mut self.named_policies);
        let places: Vec<Option<u16>> = names.iter().map(|name| self.rules.place_of(name)).collect();
        self.tickets[slot].clocks.iter_mut().for_each(|clocks| clocks.take_places(&places));
    }

    /// A past policy's calendars with what they had said before.
    fn recall_hours(&self, past: &mut PastPolicy) {
        let targets = past.policy.targets.iter_mut().flat_map(Targets::each_mut).map(|target| &mut target.calendar);
        for calendar in targets.chain([&mut past.policy.calendar]) {
            let mut named = self.rules.calendars.iter().map(|named| &named.calendar);
            let is_its = |now: &&Calendar| !now.past().is_empty() && is_edition(calendar, now, past.until);
            if let Some(edited) = named.find(is_its) {
                *calendar = edited.clone();
            }
        }
    }

    /// This goes into the next transaction though nothing happened on the ticket: its entry names other policies.
    fn write_clocks(&mut self, slot: Slot) {
        let ticket = &mut self.tickets[slot];
        ticket.behind.clocks = true;
        if !ticket.dirty {
            ticket.dirty = true;
            self.dirty_tickets.push(slot);
        }
    }
}
