//! SLA policies as the task record keeps them: those in force, and those that were before they were edited or taken out.
//!
//! An edited policy is another from the restart on: what had elapsed on a ticket is counted by what was in force then,
//! whenever it is told of. SEMANTICS 3.7, 5.4.

use serde::{Deserialize, Serialize};
use tierline_model::{Millis, Priority, SlaMetric};
use tierline_rules::{Length, NamedCalendar, OnChange, OnReopen, PastPolicy, RuleSet, SlaPolicy, Target};
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

/// What else policies said, which older versions did not keep.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct More {
    /// What each of the calendars is called; [`None`]: `always`, or one that is gone.
    names: Vec<Option<String>>,
    /// Of each policy its own calendar, which silences are counted by, and whether a change starts its clocks anew.
    own: Vec<(u16, bool)>,
}

/// A policy, what it is called, and when it was last in force.
type Edition<'p> = (&'p str, &'p SlaPolicy, Millis);

/// What these policies said when they were last in force.
fn written_of<'p>(policies: impl Iterator<Item = Edition<'p>>, named: &[NamedCalendar]) -> (OldPolicies, More) {
    let (mut calendars, mut more) = (Vec::new(), More::default());
    let mut number = |calendar: &Calendar, until: Millis, names: &mut Vec<Option<String>>| {
        let is_it = || named.iter().find(|named| named.calendar.is(calendar));
        let name = is_it().or_else(|| named.iter().find(|named| named.calendar == *calendar));
        let name = name.filter(|_| *calendar != Calendar::Always).map(|named| named.name.clone());
        let written = calendar.as_of(until.saturating_sub(1)).written();
        let known = calendars.iter().zip(&*names).position(|(other, called)| *other == written && *called == name);
        known.unwrap_or_else(|| {
            calendars.push(written);
            names.push(name);
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
            calendar: number(&target.calendar, until, &mut more.names),
        });
        let targets = targets.collect();
        let own = number(&policy.calendar, until, &mut more.names);
        more.own.push((own, policy.on_change == OnChange::Restart));
        OldPolicy { id: name.to_owned(), counts_solved: policy.on_reopen == OnReopen::Count, targets }
    });
    let policies = policies.collect();
    (OldPolicies { policies, calendars }, more)
}

impl OldPolicies {
    /// Those in force.
    pub fn of(rules: &RuleSet) -> (OldPolicies, More) {
        let in_force = rules.policies.iter().map(|policy| (policy.id.as_str(), policy, Millis::MAX));
        written_of(in_force, &rules.calendars)
    }

    /// As policies again, without their conditions, their ids what they are called, each in force up to an instant, or up
    /// to this restart; what a damaged record says no more is left out.
    fn read(&self, more: &More, rules: &RuleSet, is_in_force: bool, until: &dyn Fn(usize) -> Millis) -> Vec<SlaPolicy> {
        let calendars: Vec<Option<Calendar>> = self
            .calendars
            .iter()
            .map(|written| match written {
                None => Some(Calendar::Always),
                Some(written) => Calendar::read(written),
            })
            .collect();
        let calendar = |number: u16, until: Millis| {
            let number = usize::from(number);
            let hours = calendars.get(number).cloned().flatten()?;
            let name = more.names.get(number);
            // One that a rule set still has is that one, with all that it has said; its hours alone say which where no
            // name was kept.
            let is_its = |named: &&NamedCalendar| {
                let is_called = match name {
                    Some(name) => name.as_ref() == Some(&named.name),
                    None => !named.calendar.past().is_empty(),
                };
                // At one instant there may have been two restarts, and an edit at the first of them.
                let says = |calendar: &Calendar| calendar.written() == hours.written();
                is_called
                    && (says(named.calendar.as_of(until.saturating_sub(1))) || is_in_force && says(&named.calendar))
            };
            Some(rules.calendars.iter().find(is_its).map_or(hours.clone(), |named| named.calendar.clone()))
        };
        let policy = |(place, old): (usize, &OldPolicy)| {
            let on_reopen = if old.counts_solved { OnReopen::Count } else { OnReopen::Exclude };
            let mut policy = SlaPolicy::bare(&old.id, on_reopen);
            let until = until(place);
            for target in &old.targets {
                let calendar = calendar(target.calendar, until);
                let (Some(calendar), Some(targets)) = (calendar, policy.targets.get_mut(usize::from(target.metric)))
                else {
                    continue;
                };
                let priority = target.priority.and_then(|word| Priority::ALL.get(usize::from(word)).copied());
                let length = target.length.map_or_else(Length::BusinessDays, Length::Time);
                targets.set(priority, Target { length, calendar });
            }
            let own = more.own.get(place).copied().or(old.targets.first().map(|target| (target.calendar, false)));
            if let Some((own, restarts)) = own {
                policy.calendar = calendar(own, until).unwrap_or_default();
                policy.on_change = if restarts { OnChange::Restart } else { OnChange::Retain };
            }
            policy
        };
        self.policies.iter().enumerate().map(policy).collect()
    }
}

/// Policies that were in force before, each up to an instant, as the task record keeps them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OldEditions {
    said: OldPolicies,
    more: More,
    until: Vec<Millis>,
}

impl OldEditions {
    pub fn of(rules: &RuleSet) -> OldEditions {
        let past = rules.past_policies.iter();
        let editions = past.clone().map(|past| (past.name.as_str(), &past.policy, past.until));
        let (said, more) = written_of(editions, &rules.calendars);
        OldEditions { said, more, until: past.map(|past| past.until).collect() }
    }

    fn read(&self, rules: &RuleSet) -> Vec<PastPolicy> {
        let until = |place: usize| self.until.get(place).copied().unwrap_or(Millis::MAX);
        let past = |(mut policy, &until): (SlaPolicy, &Millis)| {
            let id = policy.id.split('#').next().unwrap_or_default().to_owned();
            PastPolicy { name: std::mem::replace(&mut policy.id, id), policy, until }
        };
        self.said.read(&self.more, rules, false, &until).into_iter().zip(&self.until).map(past).collect()
    }
}

/// What the task record says of policies.
pub(crate) struct Recorded<'m> {
    /// Those that were in force; [`None`]: a version wrote it that knew of no clocks but the first reply's.
    pub said: Option<&'m OldPolicies>,
    pub more: &'m More,
    /// Their ids and fingerprints.
    pub versions: &'m [(String, String)],
    pub past: &'m OldEditions,
}

/// The newest editions that are kept; what had elapsed by an older one is a number.
const EDITIONS: usize = 64;

impl Recorded<'_> {
    /// The policies that were in force and are so no longer, as they were.
    fn retired(&self, rules: &RuleSet, clock: Millis) -> Vec<PastPolicy> {
        let was = self.said.map_or_else(Vec::new, |said| said.read(self.more, rules, true, &|_| clock));
        let names_are_kept = !self.more.own.is_empty();
        let goes_on = |was: &SlaPolicy| {
            let is_same = |now: &SlaPolicy| {
                // A version does not tell two calendars apart that say the same now, and did not before.
                let of_same_version = |(id, version): &(String, String)| *id == now.id && *version == now.fingerprint;
                let is_same = !names_are_kept && self.versions.iter().any(of_same_version);
                is_same || counts_on(was, now, clock, names_are_kept)
            };
            rules.policies.iter().any(|now| now.id == was.id && is_same(now))
        };
        let was = was.into_iter().filter(|was| !goes_on(was));
        let past = |policy| PastPolicy { name: name_of(&policy, clock, &rules.calendars), policy, until: clock };
        was.map(past).collect()
    }
}

/// What an edition of a policy is called: the same in every process. Calendars of equal hours are told apart: they may
/// have had others before.
fn name_of(policy: &SlaPolicy, until: Millis, named: &[NamedCalendar]) -> String {
    let said = written_of([("", policy, until)].into_iter(), named);
    // Plain data has no way to fail.
    let bytes = postcard::to_extend(&said, Vec::new()).unwrap_or_default();
    format!("{}#{:016x}", policy.id, xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// Whether every clock of a policy goes on as it did: nothing about it has changed, but what its calendars say from an
/// instant on.
fn counts_on(before: &SlaPolicy, now: &SlaPolicy, at: Millis, names_are_kept: bool) -> bool {
    let hours = |calendar: &Calendar| calendar.as_of(at.saturating_sub(1)).written();
    let is_edition = |was: &Calendar, is: &Calendar| if names_are_kept { was == is } else { hours(was) == hours(is) };
    let is_same = |(before, now): (&Targets, &Targets)| {
        let mut listed = Priority::ALL.iter().copied().map(Some).chain([None]);
        listed.all(|priority| match (before.listed(priority), now.listed(priority)) {
            (None, None) => true,
            (Some(was), Some(is)) => was.length == is.length && is_edition(&was.calendar, &is.calendar),
            _ => false,
        })
    };
    let on_change = !names_are_kept || before.on_change == now.on_change;
    on_change && before.on_reopen == now.on_reopen && before.targets.iter().zip(&now.targets).all(is_same)
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
    /// name has its place. Whether there are such policies.
    pub(crate) fn place_policies(&mut self, recorded: &Recorded<'_>) -> bool {
        let names = std::mem::take(&mut self.named_policies);
        let retired = recorded.retired(&self.rules, self.clock);
        let some_are_retired = !retired.is_empty();
        // What an entry calls by its id is what was in force when it was written.
        let meant = |name: &str| {
            let retired = retired.iter().find(|past| past.policy.id == name);
            retired.map_or_else(|| name.to_owned(), |past| past.name.clone())
        };
        let meant: Vec<String> = names.iter().map(|name| meant(name)).collect();
        // A copy of an engine has them already.
        let mut past = self.rules.past_policies.clone();
        for edition in recorded.past.read(&self.rules).into_iter().chain(retired) {
            past.retain(|other| other.name != edition.name);
            past.push(edition);
        }
        past.drain(..past.len().saturating_sub(EDITIONS));
        if !past.is_empty() || !self.rules.past_policies.is_empty() {
            self.rules = std::sync::Arc::new(RuleSet { past_policies: past, ..(*self.rules).clone() });
            self.written.take();
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
        some_are_retired
    }

    /// The same for a ticket that has come.
    pub(crate) fn place_policies_of(&mut self, slot: Slot) {
        let names = std::mem::take(&mut self.named_policies);
        let places: Vec<Option<u16>> = names.iter().map(|name| self.rules.place_of(name)).collect();
        self.tickets[slot].clocks.iter_mut().for_each(|clocks| clocks.take_places(&places));
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
