//! What a condition may ask of a ticket, its account and its bills at one moment. The engine answers.

use tierline_model::{AccountField, BillingField, Millis, SlaMetric, TicketField};
use tierline_sla::{Calendar, Pauses};

use crate::ALWAYS;

/// A moment on an account's own time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The instant, UTC.
    pub at: Millis,
    /// On which side of what becomes due at that very instant.
    pub edge: Edge,
}

/// A record of the very instant comes before a bound of that instant: a reply at the due instant is in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// After the records of the instant read so far; what is due then is not reached yet.
    Records,
    /// After all records of the instant; what is due then is reached.
    Bounds,
}

impl Moment {
    /// Whether an absence that is due at `due` is reached. An unreached one has `due` as its `until`.
    pub fn reached(self, due: Millis) -> bool {
        due < self.at || (due == self.at && self.edge == Edge::Bounds)
    }
}

/// How an absence stands that is due at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Its instant has not come.
    Ahead,
    /// Its instant has come, and its source has been heard for so long.
    Reached,
    /// Its instant has come, and nobody knows what its source would have said: a heartbeat will tell.
    Unheard,
}

/// A field that rules can read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FieldRef {
    /// `ticket.x`
    Ticket(TicketField),
    /// `ticket.custom.x`
    TicketCustom(String),
    /// `account.x`
    Account(AccountField),
    /// `account.custom.x`
    AccountCustom(String),
    /// `billing.x`
    Billing(BillingField),
}

impl FieldRef {
    /// The field that a key of a rule names: `ticket.category`, `account.custom.x`.
    pub fn from_key(key: &str) -> Option<FieldRef> {
        let (room, name) = key.split_once('.')?;
        match (room, name.strip_prefix("custom.").filter(|custom| !custom.is_empty())) {
            ("ticket", Some(custom)) => Some(FieldRef::TicketCustom(custom.to_owned())),
            ("account", Some(custom)) => Some(FieldRef::AccountCustom(custom.to_owned())),
            ("ticket", None) => TicketField::from_word(name).map(FieldRef::Ticket),
            ("account", None) => AccountField::from_word(name).map(FieldRef::Account),
            ("billing", _) => BillingField::from_word(name).map(FieldRef::Billing),
            _ => None,
        }
    }

    /// The key that names it.
    pub fn key(&self) -> String {
        match self {
            FieldRef::Ticket(field) => format!("ticket.{field}"),
            FieldRef::TicketCustom(custom) => format!("ticket.custom.{custom}"),
            FieldRef::Account(field) => format!("account.{field}"),
            FieldRef::AccountCustom(custom) => format!("account.custom.{custom}"),
            FieldRef::Billing(field) => format!("billing.{field}"),
        }
    }

    /// The keys of all but the company's own.
    pub fn keys() -> Vec<String> {
        let tickets = TicketField::ALL.iter().map(|field| format!("ticket.{field}"));
        let accounts = AccountField::ALL.iter().map(|field| format!("account.{field}"));
        let bills = BillingField::ALL.iter().map(|field| format!("billing.{field}"));
        tickets.chain(accounts).chain(bills).collect()
    }
}

/// What is known of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told<'a> {
    /// Nobody says anything, since when; [`crate::ALWAYS`] where nobody ever did.
    Untold(Millis),
    /// Somebody said that it is empty.
    Empty(Stamp<'a>),
    /// It has a value.
    Value(Value<'a>, Stamp<'a>),
}

/// Since when a field is what it is, and who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Since when it has been this; [`crate::ALWAYS`] where that carries no instant.
    pub since: Millis,
    /// As of when its source last said so.
    pub as_of: Option<Millis>,
    /// Who said so.
    pub source: Option<&'a str>,
}

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text; ids and enumerations' words too.
    Text(Word<'a>),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// An instant, UTC (a date without a time is midnight in the account's zone).
    Instant(Millis),
    /// Several texts.
    List(List<'a>),
}

/// A text as rules see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word<'a> {
    /// It, in the company's own words.
    pub text: &'a str,
    /// The number of its fold, counted on from [`RuleSet::texts`](crate::RuleSet::texts); [`FOREIGN`] where the engine
    /// does not number it. Equal numbers below `FOREIGN` are equal texts.
    pub folded: u32,
    /// What its source said, where a [mapping](crate::Mapping) calls that otherwise; empty: nothing.
    pub told: Option<&'a str>,
}

impl<'a> Word<'a> {
    /// One that is called what its source calls it.
    pub const fn plain(text: &'a str, folded: u32) -> Word<'a> {
        Word { text, folded, told: None }
    }
}

/// Several texts as rules see them.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    pub(crate) texts: &'a dyn Texts,
    pub(crate) words: Option<&'a crate::Words>,
}

impl<'a> List<'a> {
    /// Texts that are called what their source calls them.
    pub const fn plain(texts: &'a dyn Texts) -> List<'a> {
        List { texts, words: None }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.texts.is_empty()
    }

    /// The text at `index`.
    pub fn word(self, index: usize) -> Word<'a> {
        let (text, folded) = self.texts.text(index);
        let plain = Word::plain(text, folded);
        self.words.map_or(plain, |words| words.word(plain))
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Word<'a>> {
        (0..self.len()).map(move |index| self.word(index))
    }
}

impl PartialEq for List<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().map(|word| word.text).eq(other.iter().map(|word| word.text))
    }
}

/// A list of texts as it was told.
pub trait Texts: std::fmt::Debug {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The text at `index` and its number.
    fn text(&self, index: usize) -> (&str, u32);
}

/// The number of a text that is not numbered: compare it letter by letter.
pub const FOREIGN: u32 = u32::MAX;

/// Whether the customer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It cannot be said: the ticket was met in mid-life.
    Unknown,
    /// Nobody waits, since then.
    Nobody(Millis),
    /// The customer has waited since then.
    Since(Millis),
}

/// Where an SLA clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It cannot be said.
    Unknown,
    /// There is none: no policy, or no target, or it has not started.
    None,
    /// It has started, and runs or pauses.
    Running {
        /// When it started.
        started: Millis,
        /// How much of its own time it may take, milliseconds.
        target: Millis,
        /// When it is due if nothing happens; [`None`]: it pauses.
        due: Option<Millis>,
        /// Since when its target is this one: its start, or the last change of priority or policy that moved it.
        target_since: Millis,
    },
    /// It has stopped.
    Stopped {
        /// When.
        at: Millis,
    },
}

/// The open escalation of the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenEscalation {
    /// 2 or 3.
    pub tier: u8,
    /// When it was opened.
    pub opened_at: Millis,
    /// When it came to this tier.
    pub at_tier_since: Millis,
    /// When it was first acknowledged.
    pub acknowledged_at: Option<Millis>,
}

/// A signal's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalValue<'a> {
    /// When it was found.
    pub at: Millis,
    /// Its number.
    pub value: Option<f64>,
    /// Its word.
    pub label: Option<&'a str>,
    /// Which model said so.
    pub model: Option<&'a str>,
    /// Why it says so, for people: the words that decided.
    pub explanation: Option<&'a str>,
}

/// What may happen to a ticket again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recurring {
    /// Solved or closed, and then open.
    Reopened,
    /// Taken from one assignee and given to another.
    Reassigned,
}

/// When something happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened<'a> {
    /// Oldest first.
    pub at: &'a [Millis],
    /// What happened before then is not known; [`crate::ALWAYS`]: nothing did.
    pub known_from: Millis,
}

/// What an AI agent said as it handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handoff<'a> {
    /// When.
    pub at: Millis,
    /// Whether the customer wants a person.
    pub wants_human: Option<bool>,
    /// Where the conversation broke down.
    pub broke_down: Option<&'a str>,
}

/// Where one of an account's tickets stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it was created; `None`: nobody has told.
    pub created_at: Option<Millis>,
    /// Since when it has been open; `None`: it is not.
    pub open_since: Option<Millis>,
}

/// What a condition may ask. All of it is as of [`moment`](Facts::moment).
pub trait Facts {
    /// The moment of asking.
    fn moment(&self) -> Moment;

    /// How an absence on the ticket stands that is due then. SEMANTICS 1.6.
    fn reach(&self, due: Millis) -> Reach {
        if self.moment().reached(due) { Reach::Reached } else { Reach::Ahead }
    }

    /// A field of the ticket, the account or the bills.
    fn field(&self, field: &FieldRef) -> Told<'_>;

    /// Whether the customer waits: SEMANTICS 4.1.
    fn wait(&self) -> Wait;

    /// Since when nobody waits *and* the agent's last public message stands unanswered; `None`: not so. `Err`: unknown.
    fn unanswered_by_customer_since(&self) -> Result<Option<Millis>, Untold>;

    /// When the ticket was created, and the milliseconds that it has been solved since; `Err`: unknown.
    fn age(&self) -> Result<Age, Untold>;

    /// When the ticket was solved and reopened since: together [`Age::solved_for`]. Where the instants are not known,
    /// all of it lies right before the last reopening.
    fn solved(&self) -> Pauses;

    /// Since when nobody is assigned; `None`: somebody is; `Err`: unknown.
    fn unassigned_since(&self) -> Result<Option<Millis>, Untold>;

    /// When a person last changed, wrote on or noted on the ticket; `Err`: unknown.
    fn last_touched(&self) -> Result<Millis, Untold>;

    /// The customer's messages of the present wait, the first of which began it, oldest first.
    fn contacts_of_wait(&self) -> &[Millis];

    /// When the account's tickets were created that count for windows (merged, deleted, spam taken out), oldest first.
    fn tickets_created(&self) -> &[Millis];

    /// Since when all of them are known: of what was before, some may have been forgotten by a shorter `time.history`.
    fn covered_since(&self) -> Millis {
        ALWAYS
    }

    /// One of the ticket's SLA clocks, and the id of its policy.
    fn sla(&self, metric: SlaMetric) -> (Clock, Option<&str>);

    /// The instant at which a clock that [runs or pauses](Clock::Running) has used so many milliseconds of its own
    /// time (before its start if negative), in the past, or ahead if nothing happens; [`None`]: it pauses and has not.
    fn sla_reaches(&self, metric: SlaMetric, used: Millis) -> Option<Millis>;

    /// The calendar of the ticket's policy, and since when it is that; [`None`]: no policy applies.
    fn policy_calendar(&self) -> Option<(&Calendar, Millis)>;

    /// A named calendar with the hours that it had before, by its place in the rule set; [`None`]: as it stands there.
    fn calendar(&self, _place: usize) -> Option<&Calendar> {
        None
    }

    /// The ticket's newest values of a signal, newest last; where it has none, the account's.
    fn signals(&self, name: &str, each: &mut dyn FnMut(SignalValue<'_>));

    /// When something happened to the ticket that may happen again.
    fn happened(&self, what: Recurring) -> Happened<'_>;

    /// What was said as the ticket was last handed over.
    fn handoff(&self) -> Option<Handoff<'_>>;

    /// When messages of the ticket's customer matched a phrase, by its place in
    /// [`RuleSet::phrases`](crate::RuleSet::phrases); oldest first.
    fn phrase(&self, phrase: u16) -> &[Millis];

    /// Each of the account's tickets that counts (merged, deleted, spam taken out), as facts of the same moment.
    fn each_ticket(&self, each: &mut dyn FnMut(&dyn Facts, Standing));

    /// The open escalation, if there is one.
    fn escalation(&self) -> Option<OpenEscalation>;

    /// Midnight of a date (days since 1970-01-01) in the account's zone, else in UTC.
    fn midnight(&self, days: i32) -> Millis {
        Millis::from(days) * 86_400_000
    }
}

/// Nobody has told what the answer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untold;

/// How long a ticket has been open: from `created_at` without solved intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    /// When it was created.
    pub created_at: Millis,
    /// Milliseconds of solved intervals since.
    pub solved_for: Millis,
}

/// What a condition reads, so that an event re-evaluates only the rules that read what it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Bit *n*: the ticket field with discriminant *n*.
    pub ticket: u32,
    /// Bit *n*: the account field with discriminant *n*.
    pub account: u32,
    /// Bit *n*: the billing field with discriminant *n*.
    pub billing: u32,
    /// Bits of [`Topic`].
    pub topics: u32,
}

/// What a condition may read besides fields. Each is one bit of [`Reads::topics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Any custom field of the ticket.
    TicketCustom = 1,
    /// Any custom field of the account.
    AccountCustom = 2,
    /// Who waits, since when; messages.
    Conversation = 4,
    /// Creation, solving, reopening.
    Life = 8,
    /// Which tickets the account has.
    Tickets = 16,
    /// The SLA clocks.
    Sla = 32,
    /// Signals of the ticket or the account.
    Signals = 64,
    /// The open escalation.
    Escalation = 128,
    /// Assignment.
    Assignment = 256,
    /// When a person last changed, wrote on or noted on the ticket.
    Touched = 512,
    /// What any of the account's tickets is: its fields, whether it is open, whether its customer waits.
    AnyTicket = 1024,
    /// Which phrases the customer's messages matched.
    Phrases = 2048,
    /// When the ticket was solved and reopened, each time: to be kept, since what changes it is [`Life`](Topic::Life).
    Solved = 4096,
}

impl Reads {
    /// Whether the two have anything in common.
    pub const fn overlaps(self, other: Reads) -> bool {
        self.ticket & other.ticket != 0
            || self.account & other.account != 0
            || self.billing & other.billing != 0
            || self.topics & other.topics != 0
    }

    /// What the two have in common.
    #[must_use]
    pub const fn common(self, other: Reads) -> Reads {
        Reads {
            ticket: self.ticket & other.ticket,
            account: self.account & other.account,
            billing: self.billing & other.billing,
            topics: self.topics & other.topics,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Reads) -> Reads {
        Reads {
            ticket: self.ticket | other.ticket,
            account: self.account | other.account,
            billing: self.billing | other.billing,
            topics: self.topics | other.topics,
        }
    }

    /// This field too.
    #[must_use]
    pub fn and_field(mut self, field: &FieldRef) -> Reads {
        match field {
            FieldRef::Ticket(field) => self.ticket |= 1 << *field as u32,
            FieldRef::Account(field) => self.account |= 1 << *field as u32,
            FieldRef::Billing(field) => self.billing |= 1 << *field as u32,
            FieldRef::TicketCustom(_) => self.topics |= Topic::TicketCustom as u32,
            FieldRef::AccountCustom(_) => self.topics |= Topic::AccountCustom as u32,
        }
        self
    }

    /// This topic too.
    #[must_use]
    pub const fn and(mut self, topic: Topic) -> Reads {
        self.topics |= topic as u32;
        self
    }

    /// The same without this topic.
    #[must_use]
    pub const fn without(mut self, topic: Topic) -> Reads {
        self.topics &= !(topic as u32);
        self
    }

    /// Whether it reads this topic.
    pub const fn reads(self, topic: Topic) -> bool {
        self.topics & topic as u32 != 0
    }

    /// Whether it reads nothing that belongs to one ticket: its truth is the account's.
    pub const fn is_of_account(self) -> bool {
        let of_account = Topic::AccountCustom as u32 | Topic::Tickets as u32 | Topic::AnyTicket as u32;
        self.ticket == 0 && self.topics & !of_account == 0
    }
}
