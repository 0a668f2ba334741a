//! What is kept of a ticket's SLA clocks, as it is written: by hand, since many events change it.

use tierline_model::{Millis, Priority, SlaMetric};

use super::bytes::{Cursor, Damaged, put_bytes, put_instant, put_number, put_signed};
use crate::account::Slot;
use crate::clocks::{Applied, Breach, By, Carried, Clocks, Course, Former, OfEscalation, Told};
use crate::engine::Engine;
use crate::ticket::{Ticket, unpack};

/// Bits of what is told of a metric, in the order of what follows them.
mod bit {
    pub const STARTED: u64 = 1;
    pub const DUE: u64 = 1 << 1;
    pub const ENDED: u64 = 1 << 2;
    pub const BREACH: u64 = 1 << 3;
    pub const STANDS: u64 = 1 << 4;
    pub const TOLD: u64 = 1 << 5;
}

pub(super) fn write(engine: &Engine, ticket: &Ticket, into: &mut Vec<u8>) {
    let Some(clocks) = ticket.clocks.as_deref() else { return };
    let near = unpack(ticket.now).at;
    put_signed(into, near);
    put_number(into, clocks.statuses.line.len() as u64);
    let mut before = near.wrapping_mul(8);
    for &status in &clocks.statuses.line {
        put_signed(into, status.wrapping_sub(before));
        before = status;
    }
    put_number(into, clocks.policy.is_some().into());
    if let Some(applied) = clocks.policy {
        put_applied(engine, applied, near, into);
    }
    put_number(into, clocks.carried.len() as u64);
    for carried in &clocks.carried {
        put_number(into, carried.metric as u64 * 2 + u64::from(carried.anew));
        put_signed(into, carried.started.wrapping_sub(near));
        put_signed(into, carried.at.wrapping_sub(near));
        put_signed(into, carried.used);
        put_signed(into, carried.base.0.wrapping_sub(near));
        put_signed(into, carried.base.1);
    }
    put_number(into, clocks.told.len() as u64);
    for told in &clocks.told {
        put_told(engine, told, near, into);
    }
    put_number(into, clocks.escalation.map_or(0, |clock| 1 + 2 * courses(clock)));
    if let Some(OfEscalation { since, cycle, course, .. }) = clocks.escalation {
        put_signed(into, since.wrapping_sub(near));
        put_number(into, u64::from(cycle) * 2 + u64::from(course != Course::Runs));
    }
    put_number(into, clocks.former.len() as u64);
    for Former { until, by } in &clocks.former {
        put_signed(into, until.wrapping_sub(near));
        let policy = by.policy.and_then(|place| engine.rules.policy_name(place));
        put_number(into, by.priority.map_or(0, |priority| priority as u64 + 1) * 2 + u64::from(policy.is_some()));
        if let Some(name) = policy {
            put_bytes(into, name.as_bytes());
        }
    }
}

/// What the clock of an escalation says beside whether it is over. A version that only asks whether the number is 0
/// reads what it knows of it.
fn courses(clock: OfEscalation) -> u64 {
    u64::from(clock.course == Course::Answered) + 2 * clock.before as u64
}

fn put_applied(engine: &Engine, applied: Applied, near: Millis, into: &mut Vec<u8>) {
    let policy = applied.policy.and_then(|place| engine.rules.policy_name(place));
    put_number(into, u64::from(applied.provisional) | u64::from(policy.is_some()) << 1);
    if let Some(name) = policy {
        put_bytes(into, name.as_bytes());
    }
    put_signed(into, applied.since.wrapping_sub(near));
}

fn put_told(engine: &Engine, told: &Told, near: Millis, into: &mut Vec<u8>) {
    let ended = Some(told.ended).filter(|&ended| ended > Millis::MIN);
    let mut is = 0;
    for (bit, yes) in [
        (bit::STARTED, told.started.is_some()),
        (bit::DUE, told.due.is_some()),
        (bit::ENDED, ended.is_some()),
        (bit::BREACH, told.breach.is_some()),
        (bit::STANDS, told.breach.is_some_and(|breach| breach.stands)),
        (bit::TOLD, told.breach.is_some_and(|breach| breach.told)),
    ] {
        is |= if yes { bit } else { 0 };
    }
    put_number(into, told.metric as u64);
    put_number(into, is);
    put_number(into, told.cycle.into());
    for at in [told.started, told.due, ended] {
        put_instant(into, at, near);
    }
    if let Some(breach) = told.breach {
        put_signed(into, breach.at.wrapping_sub(near));
        put_applied(engine, breach.by, near, into);
    }
}

impl Engine {
    /// Puts a ticket's clocks back as they were written; the places of its policies are those of their names.
    pub(super) fn take_back_clocks(&mut self, slot: Slot, version: u8, entry: &[u8]) -> Result<(), Damaged> {
        let mut entry = Cursor(entry);
        // The entry of its life may not have come yet.
        let near = entry.signed()?;
        let mut clocks = Clocks::new();
        let mut status = near.wrapping_mul(8);
        for _ in 0..entry.count()? {
            status = entry.signed()?.wrapping_add(status);
            // Six of the eight numbers are statuses.
            if status.rem_euclid(8) > 5 {
                return Err(Damaged);
            }
            clocks.statuses.line.push(status);
        }
        if entry.number()? != 0 {
            clocks.policy = Some(self.take_back_applied(&mut entry, near)?);
        }
        for _ in 0..entry.count()? {
            let number = entry.number()?;
            let started = entry.signed()?.wrapping_add(near);
            let at = entry.signed()?.wrapping_add(near);
            let used = entry.signed()?;
            // Those of before the sixth format did not keep what it was counted from.
            let base = if version < 6 { (at, used) } else { (entry.signed()?.wrapping_add(near), entry.signed()?) };
            clocks.carried.push(Carried {
                metric: metric(number / 2)?,
                started,
                at,
                used,
                base,
                anew: number % 2 == 1,
            });
        }
        for _ in 0..entry.count()? {
            clocks.told.push(self.take_back_told(&mut entry, near)?);
        }
        let courses = entry.number()?;
        if courses != 0 {
            let since = entry.signed()?.wrapping_add(near);
            let number = entry.number()?;
            let cycle = u32::try_from(number / 2).map_err(|_| Damaged)?;
            let course = match (number % 2, courses / 2 % 2) {
                (0, _) => Course::Runs,
                (_, 0) => Course::Missed,
                _ => Course::Answered,
            };
            let before = match courses / 4 {
                0 => Course::Runs,
                1 => Course::Missed,
                2 => Course::Answered,
                _ => return Err(Damaged),
            };
            clocks.escalation = Some(OfEscalation { since, cycle, course, before });
        }
        for _ in 0..if version < 6 { 0 } else { entry.count()? } {
            clocks.former.push(self.take_back_former(&mut entry, near)?);
        }
        entry.end()?;
        self.tickets[slot].clocks = Some(Box::new(clocks));
        Ok(())
    }

    fn take_back_applied(&mut self, entry: &mut Cursor<'_>, near: Millis) -> Result<Applied, Damaged> {
        let is = entry.number()?;
        let policy = (is & 2 != 0).then(|| self.named_policy(entry)).transpose()?;
        Ok(Applied { policy, since: entry.signed()?.wrapping_add(near), provisional: is & 1 != 0 })
    }

    fn take_back_former(&mut self, entry: &mut Cursor<'_>, near: Millis) -> Result<Former, Damaged> {
        let until = entry.signed()?.wrapping_add(near);
        let is = entry.number()?;
        let priority = match is / 2 {
            0 => None,
            word => Some(*Priority::ALL.get(word as usize - 1).ok_or(Damaged)?),
        };
        let policy = (is % 2 == 1).then(|| self.named_policy(entry)).transpose()?;
        Ok(Former { until, by: By { policy, priority } })
    }

    fn take_back_told(&mut self, entry: &mut Cursor<'_>, near: Millis) -> Result<Told, Damaged> {
        let metric = metric(entry.number()?)?;
        let is = entry.number()?;
        let has = |bit: u64| is & bit != 0;
        let cycle = u32::try_from(entry.number()?).map_err(|_| Damaged)?;
        let started = entry.instant(has(bit::STARTED), near)?;
        let due = entry.instant(has(bit::DUE), near)?;
        let ended = entry.instant(has(bit::ENDED), near)?.unwrap_or(Millis::MIN);
        let mut breach = None;
        if has(bit::BREACH) {
            let at = entry.signed()?.wrapping_add(near);
            let by = self.take_back_applied(entry, near)?;
            breach = Some(Breach { at, by, stands: has(bit::STANDS), told: has(bit::TOLD) });
        }
        Ok(Told { metric, cycle, started, due, breach, ended })
    }

    /// The place of a policy's name among those that were read.
    fn named_policy(&mut self, entry: &mut Cursor<'_>) -> Result<u16, Damaged> {
        let name = entry.text()?;
        let known = self.named_policies.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.named_policies.push(name.to_owned());
            self.named_policies.len() - 1
        });
        u16::try_from(place).map_err(|_| Damaged)
    }
}

fn metric(number: u64) -> Result<SlaMetric, Damaged> {
    SlaMetric::OF_TICKET.get(usize::try_from(number).map_err(|_| Damaged)?).copied().ok_or(Damaged)
}
