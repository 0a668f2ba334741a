//! What is told of a ticket's fields: eight bytes a field, with the statement that set it and the one that last said so.
//!
//! A statement older than what a field holds is ignored: by `sequence` where both have one, else by `occurred_at`.

use smallvec::SmallVec;
use tierline_model::{Millis, TicketField};

/// When something was said: what decides which of two statements is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Stamp {
    pub at: Millis,
    pub sequence: Option<i64>,
}

impl Stamp {
    /// Whether this was said before `other`. Of two that cannot be told apart, the later in the log is the newer.
    pub fn is_older_than(self, other: Stamp) -> bool {
        match (self.sequence, other.sequence) {
            (Some(mine), Some(theirs)) => mine < theirs,
            _ => self.at < other.at,
        }
    }
}

/// A value of a field, as small as it gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CellValue {
    /// A symbol, or the number of an enumeration's word, or 0/1.
    Small(u32),
    Instant(Millis),
    Text(Box<str>),
    Symbols(Box<[u32]>),
}

/// What a statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was older than what is known.
    Stale,
    /// It said what was known already.
    Same,
    /// The field is something else now.
    Changed,
}

/// All that is told of one ticket's fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells {
    /// Bit *n*: field *n* is told. The cells stand in that order.
    told: u32,
    cells: SmallVec<[Cell; 14]>,
    stamps: SmallVec<[Stamp; 1]>,
    /// Values that do not fit into a cell; a cell's value is the index.
    large: Vec<CellValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    kind: Kind,
    /// The newest statement about it, in `stamps`.
    said: u8,
    /// The statement that made it what it is.
    since: u8,
    value: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Empty,
    Small,
    Large,
}

/// A field as it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen<'a> {
    /// `None`: told to be empty.
    pub value: Option<SeenValue<'a>>,
    pub since: Millis,
    pub said: Stamp,
}

/// A value as it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SeenValue<'a> {
    Small(u32),
    Large(&'a CellValue),
}

impl Cells {
    /// Takes a statement about a field; `None` says that it is empty.
    pub fn tell(&mut self, field: TicketField, value: Option<CellValue>, stamp: Stamp) -> Told {
        let Some(place) = self.place(field) else {
            self.insert(field, value, stamp);
            return Told::Changed;
        };
        let said = self.stamps[self.cells[place].said as usize];
        if stamp.is_older_than(said) {
            return Told::Stale;
        }
        let same = self.is(place, value.as_ref());
        let number = self.stamp(stamp);
        if same {
            self.cells[place].said = number;
            return Told::Same;
        }
        let (kind, value) = self.store(place, value);
        self.cells[place] = Cell { kind, said: number, since: number, value };
        Told::Changed
    }

    /// A field as it stands; `None`: untold.
    pub fn field(&self, field: TicketField) -> Option<Seen<'_>> {
        let cell = self.cells[self.place(field)?];
        let value = self.value(cell);
        Some(Seen { value, since: self.stamps[cell.since as usize].at, said: self.stamps[cell.said as usize] })
    }

    /// The small value of a field, if it is told and not empty.
    pub fn small(&self, field: TicketField) -> Option<u32> {
        match self.field(field)?.value? {
            SeenValue::Small(value) => Some(value),
            SeenValue::Large(_) => None,
        }
    }

    /// The text of a field that is kept as text.
    pub fn text(&self, field: TicketField) -> Option<&str> {
        match self.field(field)?.value? {
            SeenValue::Large(CellValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The instant of a field that is one.
    pub fn instant(&self, field: TicketField) -> Option<Millis> {
        match self.field(field)?.value? {
            SeenValue::Large(CellValue::Instant(at)) => Some(*at),
            _ => None,
        }
    }

    /// The statements that the told fields refer to by number.
    pub fn stamps(&self) -> &[Stamp] {
        &self.stamps
    }

    /// Which fields are told: bit *n* for field *n*.
    pub fn told(&self) -> u32 {
        self.told
    }

    /// Every told field with the numbers of the statement that made it what it is and of the one that last said so.
    pub fn numbered(&self) -> impl Iterator<Item = (TicketField, Option<SeenValue<'_>>, u8, u8)> {
        let mut told = self.told;
        self.cells.iter().map(move |cell| {
            let field = TicketField::ALL[told.trailing_zeros() as usize];
            told &= told - 1;
            (field, self.value(*cell), cell.since, cell.said)
        })
    }

    fn value(&self, cell: Cell) -> Option<SeenValue<'_>> {
        match cell.kind {
            Kind::Empty => None,
            Kind::Small => Some(SeenValue::Small(cell.value)),
            Kind::Large => Some(SeenValue::Large(&self.large[cell.value as usize])),
        }
    }

    fn place(&self, field: TicketField) -> Option<usize> {
        let bit = 1u32 << field as u32;
        (self.told & bit != 0).then(|| (self.told & (bit - 1)).count_ones() as usize)
    }

    fn insert(&mut self, field: TicketField, value: Option<CellValue>, stamp: Stamp) {
        let bit = 1u32 << field as u32;
        let place = (self.told & (bit - 1)).count_ones() as usize;
        let number = self.stamp(stamp);
        self.cells.insert(place, Cell { kind: Kind::Empty, said: number, since: number, value: 0 });
        self.told |= bit;
        let (kind, value) = self.store(place, value);
        self.cells[place].kind = kind;
        self.cells[place].value = value;
    }

    fn is(&self, place: usize, value: Option<&CellValue>) -> bool {
        let cell = self.cells[place];
        match (cell.kind, value) {
            (Kind::Empty, None) => true,
            (Kind::Small, Some(CellValue::Small(value))) => cell.value == *value,
            (Kind::Large, Some(value)) => self.large[cell.value as usize] == *value,
            _ => false,
        }
    }

    fn store(&mut self, place: usize, value: Option<CellValue>) -> (Kind, u32) {
        let old = self.cells[place];
        match value {
            None | Some(CellValue::Small(_)) if old.kind == Kind::Large => {
                self.drop_large(old.value);
                self.store_small(value)
            }
            None | Some(CellValue::Small(_)) => self.store_small(value),
            Some(value) if old.kind == Kind::Large => {
                self.large[old.value as usize] = value;
                (Kind::Large, old.value)
            }
            Some(value) => {
                self.large.push(value);
                (Kind::Large, self.large.len() as u32 - 1)
            }
        }
    }

    fn store_small(&self, value: Option<CellValue>) -> (Kind, u32) {
        match value {
            Some(CellValue::Small(value)) => (Kind::Small, value),
            _ => (Kind::Empty, 0),
        }
    }

    fn drop_large(&mut self, index: u32) {
        self.large.swap_remove(index as usize);
        let moved = self.large.len() as u32;
        self.cells.iter_mut().filter(|cell| cell.kind == Kind::Large && cell.value == moved).for_each(|cell| {
            cell.value = index;
        });
    }

    /// The number of a stamp; forgets those that no cell names before it takes more room for them.
    fn stamp(&mut self, stamp: Stamp) -> u8 {
        if let Some(number) = self.stamps.iter().rposition(|&other| other == stamp) {
            return number as u8;
        }
        if self.stamps.len() == self.stamps.capacity() {
            self.forget_stamps();
        }
        self.stamps.push(stamp);
        (self.stamps.len() - 1) as u8
    }

    /// A cell names two stamps and there are at most 32 cells: so what is kept, and the one that comes, fit into 64 bits.
    fn forget_stamps(&mut self) {
        let named = self.cells.iter().fold(0u64, |named, cell| named | 1 << cell.said | 1 << cell.since);
        let renumbered = |number: u8| (named & ((1 << number) - 1)).count_ones() as u8;
        for cell in &mut self.cells {
            (cell.said, cell.since) = (renumbered(cell.said), renumbered(cell.since));
        }
        let mut number = 0..64;
        self.stamps.retain(|_| number.next().is_some_and(|number| named >> number & 1 == 1));
    }
}

/// Stamps are numbered in 64 bits.
const _: () = assert!(2 * TicketField::ALL.len() < 64);

/// Fields on their way back, in their order, with the statements behind them by the numbers that they were written with.
///
/// What comes back is numbered anew in the order in which it is named, and what nothing names is left behind: so that
/// what a restart finds has one form.
#[derive(Debug)]
pub(crate) struct Returning {
    cells: Cells,
    stamps: SmallVec<[Stamp; 4]>,
    /// By the number of before: the number of now.
    numbers: [u8; 256],
}

/// No number, since fewer than 64 are given.
const UNNAMED: u8 = u8::MAX;

impl Returning {
    /// None yet, of these statements.
    pub fn new(stamps: SmallVec<[Stamp; 4]>) -> Returning {
        Returning { cells: Cells::default(), stamps, numbers: [UNNAMED; 256] }
    }

    /// The next field, with the numbers of the statement that made it what it is and of the one that last said so; none:
    /// there are no such statements.
    pub fn next(&mut self, field: TicketField, value: Option<CellValue>, since: u8, said: u8) -> Option<()> {
        debug_assert!(self.cells.told >> field as u32 == 0, "fields come in their order, and once");
        // Both, before either takes a number.
        if usize::from(since.max(said)) >= self.stamps.len() {
            return None;
        }
        let (since, said) = (self.number(since), self.number(said));
        let (kind, value) = match value {
            None => (Kind::Empty, 0),
            Some(CellValue::Small(value)) => (Kind::Small, value),
            Some(value) => {
                self.cells.large.push(value);
                (Kind::Large, self.cells.large.len() as u32 - 1)
            }
        };
        self.cells.told |= 1 << field as u32;
        self.cells.cells.push(Cell { kind, said, since, value });
        Some(())
    }

    /// That was the last.
    pub fn end(self) -> Cells {
        self.cells
    }

    fn number(&mut self, before: u8) -> u8 {
        let number = &mut self.numbers[usize::from(before)];
        if *number == UNNAMED {
            *number = self.cells.stamps.len() as u8;
            self.cells.stamps.push(self.stamps[usize::from(before)]);
        }
        *number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: Millis) -> Stamp {
        Stamp { at, sequence: None }
    }

    #[test]
    fn a_stale_statement_is_ignored_and_a_repeated_one_keeps_the_since() {
        let mut cells = Cells::default();
        cells.tell(TicketField::Priority, Some(CellValue::Small(3)), at(10));
        assert_eq!(cells.tell(TicketField::Priority, Some(CellValue::Small(1)), at(5)), Told::Stale);
        assert_eq!(cells.tell(TicketField::Priority, Some(CellValue::Small(3)), at(20)), Told::Same);
        let seen = cells.field(TicketField::Priority).unwrap();
        assert_eq!((seen.since, seen.said.at), (10, 20));
        assert_eq!(cells.tell(TicketField::Priority, None, at(30)), Told::Changed);
        assert_eq!(cells.field(TicketField::Priority).unwrap().value, None);
    }

    /// As a restart finds them.
    fn returned(cells: &Cells) -> Cells {
        let mut back = Returning::new(cells.stamps().into());
        for (field, value, since, said) in cells.numbered() {
            let value = value.map(|value| match value {
                SeenValue::Small(value) => CellValue::Small(value),
                SeenValue::Large(value) => value.clone(),
            });
            back.next(field, value, since, said).expect("its statements are there");
        }
        back.end()
    }

    #[test]
    fn fields_that_came_back_go_on_as_they_were_and_in_one_form() {
        let (mut lived, mut restarted) = (Cells::default(), Cells::default());
        for round in 0..200i64 {
            let field = TicketField::ALL[(round * 7) as usize % TicketField::ALL.len()];
            let value = (round % 3 > 0).then(|| CellValue::Text((round % 4).to_string().into()));
            lived.tell(field, value.clone(), at(round));
            restarted.tell(field, value, at(round));
            restarted = returned(&restarted);
            for field in TicketField::ALL {
                assert_eq!(restarted.field(*field), lived.field(*field), "{field:?} in round {round}");
            }
            assert_eq!(restarted.stamps(), returned(&lived).stamps(), "in round {round}");
        }
    }

    #[test]
    fn a_field_of_a_statement_that_is_not_there_is_refused() {
        let mut back = Returning::new([at(1)].into_iter().collect());
        assert_eq!(back.next(TicketField::Subject, None, 0, 1), None);
        assert_eq!(back.end(), Cells::default(), "and leaves nothing behind");
    }

    #[test]
    fn a_sequence_outranks_the_clock() {
        let mut cells = Cells::default();
        let stamp = |at, sequence| Stamp { at, sequence: Some(sequence) };
        cells.tell(TicketField::Status, Some(CellValue::Small(1)), stamp(10, 7));
        assert_eq!(cells.tell(TicketField::Status, Some(CellValue::Small(2)), stamp(5, 8)), Told::Changed);
        assert_eq!(cells.tell(TicketField::Status, Some(CellValue::Small(3)), stamp(50, 6)), Told::Stale);
    }

    #[test]
    fn many_statements_and_changing_shapes_keep_every_field_apart() {
        let mut cells = Cells::default();
        for round in 0..200i64 {
            for (n, &field) in TicketField::ALL.iter().enumerate() {
                let value = match (round + n as i64) % 3 {
                    0 => None,
                    1 => Some(CellValue::Small(round as u32)),
                    _ => Some(CellValue::Text(format!("{round}/{n}").into())),
                };
                cells.tell(field, value.clone(), at(round));
            }
        }
        for (n, &field) in TicketField::ALL.iter().enumerate() {
            let seen = cells.field(field).unwrap();
            match (199 + n as i64) % 3 {
                0 => assert_eq!(seen.value, None),
                1 => assert_eq!(cells.small(field), Some(199)),
                _ => assert_eq!(cells.text(field), Some(format!("199/{n}").as_str())),
            }
        }
        assert_eq!(cells.large.len(), TicketField::ALL.iter().filter(|&&f| cells.text(f).is_some()).count());
    }
}
