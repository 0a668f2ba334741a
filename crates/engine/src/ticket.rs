//! What is kept of one ticket. Small where there are many: what few tickets have lies behind one pointer.

use compact_str::CompactString;
use smallvec::SmallVec;
use tierline_model::{HandoffContext, Millis};
use tierline_rules::{Edge, Moment, Truth};
use uuid::Uuid;

use crate::cells::{Cells, Stamp};
use crate::clocks::Clocks;
use crate::imports::Sleep;
use crate::marks::Marks;
use crate::texts::Symbol;

/// One ticket: open, solved within `history`, or only spoken of so far. What every record of it reads comes first, so
/// that it lies in few cache lines.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Ticket {
    pub id: CompactString,
    /// Its account, by place.
    pub account: u32,
    /// Where it stands in the account's list of open ones, while it is open.
    pub open_at: u32,
    pub open: bool,
    /// Its `created` was seen.
    pub met: bool,
    /// Merged, deleted: it counts in no window and is never evaluated.
    pub removed: bool,
    /// It stands in the list of what the next transaction writes.
    pub dirty: bool,
    pub behind: Behind,
    /// Its import has not ended.
    pub sleep: Sleep,
    pub bulk: Box<Bulk>,
    /// The earliest instant at which a rule's truth may change by itself, or, once it is closed, at which it is
    /// forgotten.
    pub bound: Millis,
    /// The bound by which it stands among what its account holds; `MAX`: it doesn't.
    pub listed: Millis,
    pub latches: SmallVec<[Latch; 0]>,
    pub marks: Marks,
    pub created_at: Option<Millis>,
    /// When a person last changed, wrote on or noted on it.
    pub touched_at: Option<Millis>,
    pub solved_at: Option<Millis>,
    /// Milliseconds of solved intervals that are over.
    pub solved_for: Millis,
    /// The last instant that its account had reached when this ticket was written.
    pub now: Millis,
    /// Since when it has been open as far as is known: no rule was true on it before.
    pub open_since: Millis,
    pub rare: Option<Box<Rare>>,
    pub clocks: Option<Box<Clocks>>,
    pub source: Option<Symbol>,
    pub cells: Cells,
}

/// Which of a ticket's entries in the changelog the next transaction must write besides that of its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Its fields and its source.
    pub fields: bool,
    /// What few tickets have.
    pub rare: bool,
    /// The context of its open escalation.
    pub context: bool,
    /// What was last said of its open escalation.
    pub said: bool,
    /// What is kept of its SLA clocks.
    pub clocks: bool,
}

/// Where one rule stands on one ticket. Only rules that ever became *yes* have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latch {
    pub rule: u16,
    /// It has risen and was not *no* since.
    pub latched: bool,
    /// It is *yes* now.
    pub yes: bool,
    /// Since when it has been *yes* without a break; meaningful while `yes`.
    pub since: Millis,
    /// When it last rose: what its cooldown runs from.
    pub rose_at: Option<Millis>,
}

impl Latch {
    /// That of a rule that was never *yes*.
    pub fn open(rule: u16) -> Latch {
        Latch { rule, latched: false, yes: false, since: 0, rose_at: None }
    }
}

/// What only recognises repeats and what only people read.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    /// Hashes of the last events' ids, newest last.
    pub events: Ring<16>,
    /// Hashes of the last messages' ids, newest last.
    pub messages: Ring<64>,
    /// The end of the conversation, oldest first.
    pub texts: Vec<StoredMessage>,
}

/// How many bytes of an open ticket's memory recognise repeats, while few ids have come: for the bench.
pub const RINGS: usize = size_of::<Ring<16>>() + size_of::<Ring<64>>();

/// The last `N` distinct hashes.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Ring<const N: usize> {
    /// Eight bytes each, the newest last.
    pub hashes: SmallVec<[u8; 64]>,
}

impl<const N: usize> Ring<N> {
    /// Whether older hashes make room for newer ones.
    pub fn is_full(&self) -> bool {
        self.hashes.len() == N * 8
    }

    /// Takes a hash in; `false`: it was there.
    pub fn admit(&mut self, id: &str) -> bool {
        let hash = xxhash_rust::xxh3::xxh3_64(id.as_bytes()).to_le_bytes();
        if self.hashes.chunks_exact(8).any(|other| other == hash) {
            return false;
        }
        if self.is_full() {
            self.hashes.drain(..8);
        }
        self.hashes.extend_from_slice(&hash);
        true
    }
}

/// A message kept for the context package.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredMessage {
    pub slot: u8,
    pub at: Millis,
    pub author: u8,
    pub public: bool,
    pub name: Option<String>,
    pub text: String,
    /// Not yet in the changelog.
    #[serde(skip)]
    pub dirty: bool,
}

/// What few tickets have.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    pub custom: Vec<CustomCell>,
    pub signals: Vec<SignalCell>,
    pub handoff: Option<HandoffContext>,
    pub escalation: Option<Box<Open>>,
    /// What shadow rules have raised among themselves.
    pub shadow: Option<Box<Open>>,
    /// Rises at a bound whose grace is not over, in order of their bounds.
    pub held: Vec<Held>,
    /// When the rules of what is held, and of what had fired before it, became *no* with `clear: when_no`.
    pub clears: Vec<(Millis, Track)>,
    /// How many escalations the ticket has had, retracted ones included.
    pub escalations: u32,
    /// How many of them in the shadow.
    pub shadows: u32,
    /// When it was reopened, oldest first.
    pub reopened: Vec<Millis>,
    /// When it went from one assignee to another, oldest first.
    pub reassigned: Vec<Millis>,
    /// When the customer's messages matched a phrase.
    pub phrases: Vec<PhraseCell>,
    /// The ticket that it was merged into.
    pub merged: Option<Box<Merged>>,
    /// Hashes of the last signals' and commands' ids.
    pub seen: Ring<16>,
}

/// Where a ticket went that was merged into another: what comes late on it may change who waits there.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Merged {
    /// The other's id.
    pub into: String,
    pub at: Millis,
    /// Since when the customer had waited who went with it; `None`: none did.
    pub waited: Option<Millis>,
}

/// A custom field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CustomCell {
    pub name: Symbol,
    pub value: Option<CustomValue>,
    pub since: Millis,
    pub said: Stamp,
}

/// The value of a custom field.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum CustomValue {
    Text(Box<str>),
    Number(f64),
    Bool(bool),
    List(CustomList),
}

/// A list of texts of a custom field.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct CustomList(pub Vec<Box<str>>);

/// One value of a signal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SignalCell {
    pub name: Symbol,
    pub at: Millis,
    pub value: Option<f64>,
    pub label: Option<Symbol>,
    pub model: Option<Symbol>,
    /// Why, for people; only of those that may yet be evidence.
    pub why: Option<Box<str>>,
}

/// When the customer's messages matched a phrase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PhraseCell {
    /// Which, by its place in the rule set.
    pub phrase: u16,
    /// Oldest first.
    pub at: Vec<Millis>,
}

/// How many instants of each kind are kept of a ticket, the newest.
const INSTANTS: usize = 128;

/// Adds an instant in its place; beyond what is kept the oldest goes.
pub(crate) fn add_instant(instants: &mut Vec<Millis>, at: Millis) {
    let place = instants.partition_point(|&other| other <= at);
    instants.insert(place, at);
    if instants.len() > INSTANTS {
        instants.remove(0);
    }
}

/// Where a rule's firings go: the two never meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Track {
    /// To `escalations`.
    #[default]
    Live,
    /// To `escalations-shadow`.
    Shadow,
}

impl Track {
    pub const ALL: [Track; 2] = [Track::Live, Track::Shadow];

    /// That of a rule.
    pub fn of(rule: &tierline_rules::Rule) -> Track {
        if rule.mode == tierline_rules::Mode::Shadow { Track::Shadow } else { Track::Live }
    }
}

/// A rise that waits for stragglers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    pub rule: u16,
    /// The bound at which it rose.
    pub at: Millis,
    pub proof: Proof,
    /// Why, as it stands behind *because*.
    pub because: String,
    pub evidence: Vec<tierline_model::Evidence>,
}

/// The truths of a rule's leaves when it rose, and the absences among them: what can disprove it.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Proof {
    /// 0 no, 1 unknown, 2 yes.
    pub truths: Vec<u8>,
    pub absences: Vec<Absence>,
}

impl Proof {
    pub fn weaken(&mut self, at: Millis, ended: &[tierline_rules::AbsenceOf]) {
        for absence in &self.absences {
            if ended.iter().any(|&of| of as u8 == absence.of) && absence.from <= at && at <= absence.due {
                self.truths[absence.leaf as usize] = 0;
            }
        }
    }

    pub fn truth(&self, leaf: usize) -> Truth {
        match self.truths[leaf] {
            0 => Truth::No,
            1 => Truth::Unknown,
            _ => Truth::Yes,
        }
    }
}

/// An interval in which something did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Absence {
    pub leaf: u8,
    /// Which kind: [`tierline_rules::AbsenceOf`] by number.
    pub of: u8,
    pub from: Millis,
    pub due: Millis,
}

/// An open escalation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Open {
    pub id: Uuid,
    /// The sequence of its next record.
    pub next: u32,
    pub tier: u8,
    pub opened_at: Millis,
    pub at_tier_since: Millis,
    pub acknowledged_at: Option<Millis>,
    pub acknowledged_by: Option<String>,
    /// Until when nobody wants to hear of it, unless a rule raises it.
    pub snoozed_until: Option<Millis>,
    /// Ids of the rules that fired or joined on it; with `None` for a person, who never becomes *no*.
    pub held_by: Vec<Option<String>>,
    /// Its last firings, newest last.
    pub firings: Vec<Firing>,
    pub context: Option<Box<tierline_model::Context>>,
    /// What its last record said; none: a version wrote it that did not keep that.
    pub said: Option<Box<Said>>,
}

/// What the last record of an escalation said besides what the escalation and its ticket are: its entry in the queue is
/// written anew where the ticket goes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Said {
    /// Which kind: [`tierline_model::EscalationKind`] by number.
    pub kind: u8,
    pub previous_tier: Option<u8>,
    pub rule: Option<String>,
    pub rule_version: Option<String>,
    pub became_true_at: Millis,
    pub detected_at: Millis,
    pub reason: String,
    pub evidence: Vec<tierline_model::Evidence>,
    pub by: Option<String>,
    pub command_id: Option<String>,
    pub until: Option<Millis>,
    pub due_at: Option<Millis>,
    pub suggest: Option<String>,
    pub route: Option<String>,
}

/// How many firings an escalation keeps for retraction.
pub(crate) const FIRINGS: usize = 8;

/// One firing of an escalation.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Firing {
    /// `None`: a person.
    pub rule: Option<String>,
    pub version: String,
    pub what: FiringKind,
    pub previous_tier: u8,
    pub previous_since: Millis,
    pub proof: Proof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum FiringKind {
    Opened,
    Raised,
    Joined,
}

impl Rare {
    /// The open escalation of a track, to be changed.
    pub fn open(&mut self, track: Track) -> &mut Option<Box<Open>> {
        match track {
            Track::Live => &mut self.escalation,
            Track::Shadow => &mut self.shadow,
        }
    }
}

impl Ticket {
    /// One that is only spoken of so far.
    pub fn new(id: &str, account: u32) -> Ticket {
        let behind = Behind { fields: true, ..Behind::default() };
        let never = Millis::MAX;
        Ticket { id: id.into(), account, bound: never, listed: never, now: Millis::MIN, behind, ..Ticket::default() }
    }

    /// What few tickets have, to be changed; the caller marks the ticket.
    pub fn rare(&mut self) -> &mut Rare {
        self.behind.rare = true;
        self.rare.get_or_insert_default()
    }

    pub fn escalation(&self) -> Option<&Open> {
        self.rare.as_ref()?.escalation.as_deref()
    }

    pub fn escalation_mut(&mut self) -> Option<&mut Open> {
        self.open_mut(Track::Live)
    }

    /// The open escalation of a track.
    pub fn open_on(&self, track: Track) -> Option<&Open> {
        let rare = self.rare.as_ref()?;
        match track {
            Track::Live => rare.escalation.as_deref(),
            Track::Shadow => rare.shadow.as_deref(),
        }
    }

    pub fn open_mut(&mut self, track: Track) -> Option<&mut Open> {
        self.behind.rare = true;
        self.rare.as_mut()?.open(track).as_deref_mut()
    }

    /// Whether anything is open on it, live or in the shadow.
    pub fn is_escalated(&self) -> bool {
        Track::ALL.iter().any(|&track| self.open_on(track).is_some())
    }

    /// Until when its escalation is snoozed.
    pub fn snoozed_until(&self) -> Option<Millis> {
        self.escalation()?.snoozed_until
    }

    /// The earliest bound at which something waits for stragglers; `MAX`: nothing does.
    pub fn waits(&self) -> Millis {
        let held = self.held().first().map_or(Millis::MAX, |held| held.at);
        held.min(self.clocks.as_ref().map_or(Millis::MAX, |clocks| clocks.waits))
    }

    pub fn held(&self) -> &[Held] {
        self.rare.as_ref().map_or(&[], |rare| &rare.held)
    }

    /// 1 without an open escalation.
    pub fn tier(&self) -> u8 {
        self.tier_on(Track::Live)
    }

    pub fn tier_on(&self, track: Track) -> u8 {
        self.open_on(track).map_or(1, |open| open.tier)
    }

    pub fn latch(&self, rule: u16) -> Option<&Latch> {
        self.latches.iter().find(|latch| latch.rule == rule)
    }

    /// The latch of a rule, made where there is none.
    pub fn latch_mut(&mut self, rule: u16) -> &mut Latch {
        let place = match self.latches.iter().position(|latch| latch.rule == rule) {
            Some(place) => place,
            None => {
                self.latches.push(Latch::open(rule));
                self.latches.len() - 1
            }
        };
        &mut self.latches[place]
    }

    /// It was open then already, unless it has been closed since.
    pub fn was_open_at(&mut self, at: Millis) {
        if self.solved_at.is_none() && self.solved_for == 0 {
            self.open_since = self.open_since.min(at);
        }
    }

    /// Gives back the room of what seldom grows again once it is closed: most of what is kept are closed ones.
    pub fn shrink(&mut self) {
        self.marks.shrink();
        self.bulk.events.hashes.shrink_to_fit();
        self.bulk.messages.hashes.shrink_to_fit();
        self.latches.shrink_to_fit();
    }

    /// Whether it is open, though it may sleep.
    pub fn is_open(&self) -> bool {
        self.open || matches!(self.sleep, Sleep::Open(_))
    }

    /// Whether it counts in the windows of its account.
    pub fn counts(&self) -> bool {
        self.created_at.is_some() && self.counts_at_all()
    }

    /// Whether it counts among the tickets of its account, of whatever age: it is neither merged, deleted nor spam, and
    /// all of it is there.
    pub fn counts_at_all(&self) -> bool {
        use tierline_model::TicketField::Spam;
        !self.removed && self.sleep == Sleep::Awake && self.cells.small(Spam) != Some(1)
    }
}

/// The moment at which an account stands, packed for the changelog: the edge is the lowest bit.
pub(crate) fn pack(moment: Moment) -> Millis {
    moment.at.saturating_mul(2) | Millis::from(moment.edge == Edge::Bounds)
}

/// The moment that was packed.
pub(crate) fn unpack(packed: Millis) -> Moment {
    Moment { at: packed.div_euclid(2), edge: if packed & 1 == 1 { Edge::Bounds } else { Edge::Records } }
}
