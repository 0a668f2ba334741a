//! The conversation as a line of instants: who waits, since when, and when the first answer came.
//!
//! Messages commute: a late one finds its place, so the order of arrival does not matter. SEMANTICS §4.1, §5.

use smallvec::SmallVec;
use tierline_model::Millis;
use tierline_rules::Wait;

/// What happened to the wait at an instant. At one instant they count in this order: a question of the very
/// millisecond of an answer is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Mark {
    /// The bot took over.
    Bot,
    /// A person took over from the bot.
    HandedOver,
    /// The customer opened the ticket or wrote.
    Contact,
    /// An agent answered in public.
    Answer,
    /// The ticket was solved.
    Solved,
    /// Another ticket was merged into it whose customer still waits, since an instant of [`Adopted`].
    Adopted,
}

const KINDS: [Mark; 6] = [Mark::Bot, Mark::HandedOver, Mark::Contact, Mark::Answer, Mark::Solved, Mark::Adopted];

/// Waits that came with merged tickets: when each came, and since when it runs.
#[derive(Clone, Debug, Default, PartialEq)]
struct Adopted(Vec<(Millis, Millis)>);

/// The newest of them kept of a ticket.
const ADOPTED: usize = 128;

/// The line of marks, oldest first, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    /// `instant * 8 + mark`: eight bytes each, and sorting them sorts the line.
    line: SmallVec<[i64; 4]>,
    /// Whether the wait is known before the first mark: the ticket's creation was seen, or its wait was told.
    known: bool,
    /// What pruned marks had said.
    first_wait: Option<Millis>,
    first_reply: Option<Millis>,
    /// Few tickets have any.
    adopted: Option<Box<Adopted>>,
}

/// Before a ticket has so many, the oldest quarter goes: a power of two, so that no line grows past it.
const KEPT: usize = 256;

/// What the line says as of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Who waits.
    pub wait: Wait,
    /// The agent's last public message that the customer has not answered, if nobody waits.
    pub unanswered: Option<Millis>,
    /// When the customer first waited.
    pub first_wait: Option<Millis>,
    /// What ended that wait: the first answer after it, or the solving that made one needless.
    pub first_reply: Option<Millis>,
}

impl Marks {
    /// Adds a mark in its place. `false`: it was there already.
    pub fn add(&mut self, at: Millis, mark: Mark) -> bool {
        let packed = at.saturating_mul(8) + mark as i64;
        let place = self.line.partition_point(|&other| other < packed);
        if self.line.get(place) == Some(&packed) && mark != Mark::Contact {
            return false;
        }
        self.line.insert(place, packed);
        if self.line.len() >= KEPT {
            let all = self.as_of(Millis::MAX);
            (self.first_wait, self.first_reply) = (all.first_wait, all.first_reply);
            self.known = self.known || all.wait != Wait::Unknown;
            self.line.drain(..KEPT / 4);
        }
        true
    }

    /// Gives back the room that a line keeps to grow into.
    pub fn shrink(&mut self) {
        self.line.shrink_to_fit();
    }

    /// At `at` a customer comes who has waited since `since`; what was answered here before was no answer to them.
    pub fn adopt(&mut self, at: Millis, since: Millis) {
        let waits = &mut self.adopted.get_or_insert_default().0;
        waits.drain(..(waits.len() + 1).saturating_sub(ADOPTED));
        waits.push((at, since));
        self.add(at, Mark::Adopted);
    }

    /// The wait that came at `at` runs since another instant than it seemed, or is none: a late message has told so.
    pub fn adopt_anew(&mut self, at: Millis, was: Option<Millis>, is: Option<Millis>) {
        if let (Some(was), Some(Adopted(waits))) = (was, self.adopted.as_deref_mut()) {
            let place = waits.iter().position(|&wait| wait == (at, was));
            place.map(|place| waits.remove(place));
        }
        if let Some(since) = is {
            self.adopt(at, since);
        }
    }

    /// Since when the oldest of the waits runs that came at an instant.
    fn adopted_at(&self, instant: Millis) -> Option<Millis> {
        self.adopted().iter().filter(|(at, _)| *at == instant).map(|(_, since)| *since).min()
    }

    /// From here on the wait before the first mark is known: nobody waited.
    pub fn set_known(&mut self) {
        self.known = true;
    }

    /// What the line says as of `at`, that instant included.
    pub fn as_of(&self, at: Millis) -> Waiting {
        let mut known = self.known;
        let mut asked: Option<Millis> = None;
        let mut bot = false;
        let mut nobody_since = Millis::MIN;
        let mut said: Option<Millis> = None;
        let (mut first_wait, mut first_reply) = (self.first_wait, self.first_reply);
        for (instant, mark) in self.iter().take_while(|&(instant, _)| instant <= at) {
            match mark {
                Mark::Contact => {
                    asked = asked.or(Some(instant));
                    said = None;
                }
                Mark::Answer => {
                    if first_wait.is_some() {
                        first_reply = first_reply.or(Some(instant));
                    }
                    (asked, known, nobody_since, said) = (None, true, instant, Some(instant));
                }
                Mark::Solved => {
                    if first_wait.is_some() {
                        first_reply = first_reply.or(Some(instant));
                    }
                    (asked, known, nobody_since) = (None, true, instant);
                }
                Mark::Bot => {
                    bot = true;
                    nobody_since = nobody_since.max(instant);
                }
                Mark::HandedOver => {
                    bot = false;
                    asked = asked.map(|_| instant);
                }
                Mark::Adopted => {
                    if let Some(since) = self.adopted_at(instant) {
                        asked = Some(asked.map_or(since, |asked| asked.min(since)));
                        said = None;
                    }
                }
            }
            if !bot && let Some(asked) = asked {
                first_wait = first_wait.or(Some(if mark == Mark::Adopted { asked } else { instant }));
            }
        }
        let wait = match asked {
            _ if bot => Wait::Nobody(nobody_since),
            Some(since) if known => Wait::Since(since),
            None if known => Wait::Nobody(nobody_since),
            _ => Wait::Unknown,
        };
        let unanswered = if matches!(wait, Wait::Nobody(_)) { said } else { None };
        Waiting { wait, unanswered, first_wait, first_reply }
    }

    /// The customer's messages since the last answer or solving, as of `at`, oldest first.
    pub fn contacts_of_wait(&self, at: Millis, into: &mut Vec<Millis>) {
        into.clear();
        for (instant, mark) in self.iter().take_while(|&(instant, _)| instant <= at) {
            match mark {
                Mark::Contact => into.push(instant),
                Mark::Answer | Mark::Solved => into.clear(),
                Mark::HandedOver | Mark::Bot => {}
                Mark::Adopted => {
                    let since = self.adopted_at(instant);
                    let place = since.map_or(0, |since| into.partition_point(|&other| other <= since));
                    since.into_iter().for_each(|since| into.insert(place, since));
                }
            }
        }
    }

    /// Whether this is marked at this very instant.
    pub fn has(&self, at: Millis, mark: Mark) -> bool {
        self.line.binary_search(&(at.saturating_mul(8) + mark as i64)).is_ok()
    }

    /// The first answer after an instant.
    pub fn answer_after(&self, at: Millis) -> Option<Millis> {
        self.iter().find(|&(instant, mark)| mark == Mark::Answer && instant > at).map(|(instant, _)| instant)
    }

    /// Each wait of the customer up to `at`, in order: since when it runs, when that became so, and what ended it.
    #[allow(clippy::type_complexity, reason = "an instant and what happened then")]
    pub fn each_wait(&self, at: Millis, each: &mut dyn FnMut(Millis, Millis, Option<(Millis, Mark)>)) {
        let (mut asked, mut bot): (Option<Millis>, bool) = (None, false);
        let mut running: Option<(Millis, Millis)> = None;
        for (instant, mark) in self.iter().take_while(|&(instant, _)| instant <= at) {
            match mark {
                Mark::Contact => asked = asked.or(Some(instant)),
                Mark::Answer | Mark::Solved => asked = None,
                Mark::Bot => bot = true,
                Mark::HandedOver => {
                    bot = false;
                    asked = asked.map(|_| instant);
                }
                Mark::Adopted => {
                    let since = self.adopted_at(instant);
                    asked = asked.into_iter().chain(since).min();
                }
            }
            match (running, asked.filter(|_| !bot)) {
                (None, Some(since)) => running = Some((since, instant)),
                (Some((_, began)), Some(since)) => running = Some((since, began)),
                (Some((since, began)), None) => {
                    each(since, began, Some((instant, mark)));
                    running = None;
                }
                (None, None) => {}
            }
        }
        if let Some((since, began)) = running {
            each(since, began, None);
        }
    }

    /// Each answer and each solving up to `at`, in order.
    pub fn each_update(&self, at: Millis, each: &mut dyn FnMut(Millis, Mark)) {
        let updates = self.iter().take_while(|&(instant, _)| instant <= at);
        updates.filter(|(_, mark)| matches!(mark, Mark::Answer | Mark::Solved)).for_each(|(at, mark)| each(at, mark));
    }

    fn iter(&self) -> impl Iterator<Item = (Millis, Mark)> + '_ {
        self.line.iter().map(|&packed| (packed.div_euclid(8), KINDS[packed.rem_euclid(8) as usize]))
    }

    pub(crate) fn to_parts(&self) -> (&[i64], bool, Option<Millis>, Option<Millis>) {
        (&self.line, self.known, self.first_wait, self.first_reply)
    }

    /// Waits that came with merged tickets: when each came, and since when it runs.
    pub(crate) fn adopted(&self) -> &[(Millis, Millis)] {
        self.adopted.as_ref().map_or(&[], |adopted| &adopted.0)
    }

    pub(crate) fn from_parts(
        line: SmallVec<[i64; 4]>,
        known: bool,
        first_wait: Option<Millis>,
        first_reply: Option<Millis>,
        adopted: Vec<(Millis, Millis)>,
    ) -> Marks {
        let adopted = (!adopted.is_empty()).then(|| Box::new(Adopted(adopted)));
        Marks { line, known, first_wait, first_reply, adopted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks(list: &[(Millis, Mark)]) -> Marks {
        let mut marks = Marks::default();
        marks.set_known();
        list.iter().for_each(|&(at, mark)| {
            marks.add(at, mark);
        });
        marks
    }

    #[test]
    fn the_wait_runs_from_the_oldest_unanswered_message() {
        let line = [(0, Mark::Contact), (60, Mark::Answer), (90, Mark::Contact), (180, Mark::Contact)];
        assert_eq!(marks(&line).as_of(200).wait, Wait::Since(90));
        assert_eq!(marks(&line).as_of(70).wait, Wait::Nobody(60));
    }

    #[test]
    fn nobody_waits_while_the_bot_handles_it_and_the_wait_begins_at_the_hand_over() {
        let line = [(0, Mark::Bot), (0, Mark::Contact), (50, Mark::HandedOver)];
        assert_eq!(marks(&line).as_of(49).wait, Wait::Nobody(0));
        let after = marks(&line).as_of(50);
        assert_eq!((after.wait, after.first_wait), (Wait::Since(50), Some(50)));
    }

    #[test]
    fn who_comes_with_a_merged_ticket_has_waited_since_they_wrote_whatever_was_answered_here() {
        let mut marks = marks(&[(0, Mark::Contact), (60, Mark::Answer)]);
        marks.adopt(90, 30);
        assert_eq!(marks.as_of(89).wait, Wait::Nobody(60));
        assert_eq!(marks.as_of(90).wait, Wait::Since(30));
        marks.add(100, Mark::Answer);
        assert_eq!(marks.as_of(100).wait, Wait::Nobody(100));
    }

    #[test]
    fn a_ticket_met_in_mid_life_is_unknown_until_an_answer() {
        let mut marks = Marks::default();
        marks.add(10, Mark::Contact);
        assert_eq!(marks.as_of(20).wait, Wait::Unknown);
        marks.add(30, Mark::Answer);
        assert_eq!(marks.as_of(30).wait, Wait::Nobody(30));
    }

    #[test]
    fn a_line_never_takes_more_room_than_for_what_is_kept() {
        let mut marks = Marks::default();
        (0..10_000).for_each(|at| {
            marks.add(at, Mark::Contact);
            assert!(marks.line.capacity() <= KEPT, "{}", marks.line.capacity());
        });
        assert!(marks.line.len() >= KEPT / 2);
    }

    fn any_mark() -> impl Strategy<Value = (Millis, Mark)> {
        (0..50i64, prop_oneof![Just(Mark::Contact), Just(Mark::Answer), Just(Mark::Solved)])
    }

    proptest! {
        #[test]
        fn messages_commute(line in prop::collection::vec(any_mark(), 0..20), seed in any::<u64>(), at in 0..60i64) {
            let mut shuffled = line.clone();
            let n = shuffled.len().max(1);
            for i in 0..shuffled.len() {
                shuffled.swap(i, (seed as usize).wrapping_mul(i + 7) % n);
            }
            prop_assert_eq!(marks(&line).as_of(at), marks(&shuffled).as_of(at));
        }

        #[test]
        fn pruning_is_not_seen(line in prop::collection::vec(any_mark(), 0..20), more in 300..600i64) {
            let mut marks = marks(&line);
            for at in 100..more {
                marks.add(at, if at % 3 == 0 { Mark::Answer } else { Mark::Contact });
            }
            let mut whole = line.clone();
            whole.extend((100..more).map(|at| (at, if at % 3 == 0 { Mark::Answer } else { Mark::Contact })));
            whole.sort();
            let first_wait = whole.iter().find(|(_, mark)| *mark == Mark::Contact).map(|(at, _)| *at);
            let ends = |&&(at, mark): &&(Millis, Mark)| mark != Mark::Contact && Some(at) >= first_wait;
            let first_reply = whole.iter().find(ends).map(|(at, _)| *at);
            let now = marks.as_of(1000);
            prop_assert_eq!(now.first_wait, first_wait);
            prop_assert_eq!(now.first_reply, first_reply);
        }
    }
}
