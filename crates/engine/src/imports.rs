//! Imports: what they bring fills state and history, and is looked at once their end mark has passed. SEMANTICS 1.9.
//!
//! A ticket that is first met in an import sleeps. All that is told of it is kept, by the import or by others, but no
//! rule is evaluated on it, no clock of it is told, and no window counts it: half of its story is missing. The end mark
//! wakes it; from then on it is a ticket as all others, and what holds on it rises, dated when it became true.

use std::collections::VecDeque;

use tierline_model::Millis;
use tierline_rules::{Edge, Reads, Topic};

use crate::account::Slot;
use crate::clocks::Telling;
use crate::engine::Engine;
use crate::fire::Cause;
use crate::judge::Rising;

/// Whether a ticket sleeps, and in which import, by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// It was met otherwise, or its import has ended.
    #[default]
    Awake,
    /// It is not open.
    Closed(u16),
    /// It is open once it wakes.
    Open(u16),
}

impl Sleep {
    pub fn import(self) -> Option<u16> {
        match self {
            Sleep::Awake => None,
            Sleep::Closed(import) | Sleep::Open(import) => Some(import),
        }
    }
}

/// The imports that have not ended, and the last ones that have.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    running: Vec<Import>,
    /// A straggler of these is a record as any other. Oldest first.
    ended: VecDeque<Box<str>>,
    next_number: u16,
}

#[derive(Debug)]
struct Import {
    /// Of no other that runs.
    number: u16,
    id: Box<str>,
    /// When its first and its last record were appended.
    began: Millis,
    last: Millis,
    /// Who sleeps in it; some may be gone. Derived.
    sleepers: Vec<Slot>,
}

/// What the task record keeps of an import that runs: its id, and when its first and its last record were appended.
pub(crate) type Remembered = (String, Millis, Millis);

/// How many ended imports are remembered.
const ENDED: usize = 32;

impl Imports {
    /// A record of an import; `None`: it has ended.
    fn hear(&mut self, id: &str, appended_at: Millis) -> Option<u16> {
        if self.ended.iter().any(|ended| **ended == *id) {
            return None;
        }
        let number = self.number_of(id, appended_at);
        let import = self.running.iter_mut().find(|import| import.number == number)?;
        import.last = import.last.max(appended_at);
        Some(number)
    }

    /// The number of an import that runs, from now on if it is a new one.
    pub fn number_of(&mut self, id: &str, began: Millis) -> u16 {
        if let Some(known) = self.running.iter().find(|import| *import.id == *id) {
            return known.number;
        }
        while self.running.iter().any(|import| import.number == self.next_number) {
            self.next_number = self.next_number.wrapping_add(1);
        }
        let (number, id) = (self.next_number, id.into());
        self.running.push(Import { number, id, began, last: began, sleepers: Vec::new() });
        number
    }

    pub fn id_of(&self, number: u16) -> &str {
        self.running.iter().find(|import| import.number == number).map_or("", |import| &import.id)
    }

    /// A ticket sleeps in an import.
    pub fn note_sleeper(&mut self, number: u16, slot: Slot) {
        if let Some(import) = self.running.iter_mut().find(|import| import.number == number) {
            import.sleepers.push(slot);
        }
    }

    /// When the first of them is taken as ended, if nothing more of it comes.
    pub fn deadline(&self, timeout: Millis) -> Option<Millis> {
        self.running.iter().map(|import| import.last.saturating_add(timeout)).min()
    }

    fn end(&mut self, id: &str) -> Option<Import> {
        if !self.ended.iter().any(|ended| **ended == *id) {
            if self.ended.len() == ENDED {
                self.ended.pop_front();
            }
            self.ended.push_back(id.into());
        }
        let place = self.running.iter().position(|import| *import.id == *id)?;
        Some(self.running.remove(place))
    }

    /// Whether the import of this number has ended: it was heard of once more, and is forgotten again.
    fn forget_ended(&mut self, number: u16) -> bool {
        let over = |import: &Import| import.number == number && self.ended.iter().any(|ended| *ended == import.id);
        let place = self.running.iter().position(over);
        place.map(|place| self.running.remove(place)).is_some()
    }

    pub fn remembered(&self) -> (Vec<Remembered>, Vec<String>) {
        let running = self.running.iter().map(|import| (import.id.to_string(), import.began, import.last));
        (running.collect(), self.ended.iter().map(ToString::to_string).collect())
    }

    /// Takes back what the task record says, after all tickets: some of those had slept in imports that have ended since.
    pub fn recall(&mut self, running: Vec<Remembered>, ended: Vec<String>) {
        let recalled = running.into_iter().map(|(id, began, last)| {
            let number = self.number_of(&id, began);
            Import { number, id: id.into(), began, last, sleepers: Vec::new() }
        });
        self.running = recalled.collect();
        self.ended = ended.into_iter().map(String::into_boxed_str).collect();
    }
}

impl Engine {
    /// A record of an import is about a ticket: if nothing was told of that before, it sleeps from now on.
    pub(crate) fn hear_import(&mut self, id: &str, slot: Slot, appended_at: Millis) {
        let Some(number) = self.imports.hear(id, appended_at) else { return };
        let ticket = &mut self.tickets[slot];
        let is_met = ticket.met || ticket.is_open() || ticket.removed || ticket.solved_at.is_some();
        if !is_met && ticket.sleep == Sleep::Awake {
            ticket.sleep = Sleep::Closed(number);
            self.imports.note_sleeper(number, slot);
        }
    }

    /// The end mark of an import that began at `began`.
    pub(crate) fn take_import_finished(&mut self, id: &str, began: Millis, appended_at: Millis) {
        if let Some(import) = self.imports.end(id) {
            self.wake_sleepers(import, began, appended_at);
        }
    }

    /// The clock comes to an instant. An import of which nothing has come for so long is taken as ended on the way, as of
    /// its own instant: when exactly somebody looks must not matter.
    pub(crate) fn come_to(&mut self, clock: Millis, edge: Edge) {
        self.shows = self.shows.max(clock);
        while let Some(deadline) = self.imports.deadline(self.settings.import_timeout).filter(|_| self.live) {
            if deadline > self.shows || (deadline == self.shows && edge == Edge::Records) {
                break;
            }
            // A restart may have found the clock beyond it.
            self.clock = deadline;
            self.pass_deadlines(self.clock, Edge::Bounds);
            let timeout = self.settings.import_timeout;
            let overdue = self.imports.running.iter().find(|import| import.last.saturating_add(timeout) == deadline);
            let Some((id, began)) = overdue.map(|import| (import.id.clone(), import.began)) else { break };
            self.counts.imports_timed_out += 1;
            if let Some(import) = self.imports.end(&id) {
                self.wake_sleepers(import, began, deadline);
            }
        }
        self.clock = self.shows;
    }

    /// A ticket that slept elsewhere in an import that has ended here wakes as it is put back.
    pub(crate) fn wake_if_over(&mut self, slot: Slot) {
        let ticket = &mut self.tickets[slot];
        let Some(import) = ticket.sleep.import() else { return };
        if self.imports.forget_ended(import) {
            ticket.open = matches!(std::mem::take(&mut ticket.sleep), Sleep::Open(_));
        }
    }

    /// How many tickets wait for the end of their import; some of them may be gone.
    pub fn waiting_for_imports(&self) -> usize {
        self.imports.running.iter().map(|import| import.sleepers.len()).sum()
    }

    /// All that sleep in an import wake at an instant, account by account.
    fn wake_sleepers(&mut self, import: Import, began: Millis, at: Millis) {
        let sleeps = |slot: &Slot| self.tickets.get(*slot).is_some_and(|it| it.sleep.import() == Some(import.number));
        let mut sleepers: Vec<Slot> = import.sleepers.into_iter().filter(sleeps).collect();
        sleepers.sort_unstable();
        sleepers.dedup();
        // By names and age, and not by place: that is another after a restart.
        let account = |slot: Slot| &self.accounts[self.tickets[slot].account].id;
        sleepers.sort_by(|&x, &y| account(x).cmp(account(y)).then_with(|| self.age(x).cmp(&self.age(y))));
        let account = |slot: Slot| self.tickets[slot].account;
        let by_account: Vec<_> = sleepers.chunk_by(|&x, &y| account(x) == account(y)).map(<[Slot]>::to_vec).collect();
        for slots in by_account {
            let a = self.tickets[slots[0]].account;
            self.before_record(a, at);
            self.arrive(a, at);
            self.wake_in(a, &slots, began, at);
            self.schedule(a);
        }
    }

    fn wake_in(&mut self, a: u32, slots: &[Slot], began: Millis, at: Millis) {
        let mut opened = Vec::new();
        for &slot in slots {
            // What its account went through before may have been the end of its keeping.
            if !self.tickets.contains(slot) {
                continue;
            }
            let ticket = &mut self.tickets[slot];
            let since = ticket.open_since;
            if let Sleep::Open(_) = std::mem::take(&mut ticket.sleep) {
                self.open(a, slot, since);
                opened.push(slot);
            }
            if let Some(created_at) = self.counted(slot) {
                self.accounts[a].count(created_at);
            }
            self.mark_ticket(slot);
        }
        for &slot in &opened {
            self.apply_policy(slot, at);
        }
        self.follow_policies_of_windows(a, at);
        if !self.live {
            return;
        }
        let rules = std::mem::take(&mut self.index.all);
        for &slot in &opened {
            self.tell_clocks(slot, self.telling_since(began));
            self.judge(slot, &rules, true, Rising::Collect);
            self.clocked.push(slot);
        }
        self.index.all = rules;
        self.judge_windows(a, Reads::default().and(Topic::Tickets).and(Topic::AnyTicket), Rising::Collect);
        self.touch_once_per_account();
        // What time made true a moment ago waits for stragglers as it would have without an import.
        self.conclude(a, Cause::Bound(Edge::Records));
    }

    /// What was over before an import began is history.
    fn telling_since(&self, began: Millis) -> Telling {
        match self.telling(Edge::Records) {
            Telling::UpTo(limit, edge) => Telling::Since { began, limit, edge },
            other => other,
        }
    }
}
