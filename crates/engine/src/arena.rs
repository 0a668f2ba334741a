//! Where a task's tickets and accounts lie: in pages that never move.
//!
//! A growing `Vec` copies everything that it holds and for a while needs three times its size; with hundreds of
//! megabytes of tickets both are felt as a pause and as memory.

use std::ops::{Index, IndexMut};

/// How many items lie in a page.
const PAGE: usize = 256;

/// Items by place, in the order in which they were pushed.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Vec<T>>,
}

/// Items by place; a place that was given up is taken again.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    places: Pages<Option<T>>,
    vacant: Vec<u32>,
}

impl<T> Pages<T> {
    pub fn new() -> Pages<T> {
        Pages { pages: Vec::new() }
    }

    /// Adds an item; returns its place.
    pub fn push(&mut self, item: T) -> u32 {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE => page.push(item),
            _ => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(item);
                self.pages.push(page);
            }
        }
        self.len() - 1
    }

    /// How many there are: one past the last place.
    pub fn len(&self) -> u32 {
        let last = self.pages.last().map_or(0, Vec::len);
        (self.pages.len().saturating_sub(1) * PAGE + last) as u32
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}

impl<T> Index<u32> for Pages<T> {
    type Output = T;

    fn index(&self, place: u32) -> &T {
        &self.pages[place as usize / PAGE][place as usize % PAGE]
    }
}

impl<T> IndexMut<u32> for Pages<T> {
    fn index_mut(&mut self, place: u32) -> &mut T {
        &mut self.pages[place as usize / PAGE][place as usize % PAGE]
    }
}

impl<T> Arena<T> {
    pub fn new() -> Arena<T> {
        Arena { places: Pages::new(), vacant: Vec::new() }
    }

    pub fn insert(&mut self, item: T) -> u32 {
        match self.vacant.pop() {
            Some(place) => {
                self.places[place] = Some(item);
                place
            }
            None => self.places.push(Some(item)),
        }
    }

    /// Gives a place up.
    pub fn remove(&mut self, place: u32) {
        if self.places[place].take().is_some() {
            self.vacant.push(place);
        }
    }

    /// What lies there, if something does.
    pub fn get(&self, place: u32) -> Option<&T> {
        if place < self.places.len() { self.places[place].as_ref() } else { None }
    }

    pub fn contains(&self, place: u32) -> bool {
        self.get(place).is_some()
    }

    /// Every place that is taken, in order.
    pub fn places(&self) -> impl Iterator<Item = u32> {
        (0..).zip(self.places.iter()).filter(|(_, item)| item.is_some()).map(|(place, _)| place)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }
}

impl<T> Index<u32> for Arena<T> {
    type Output = T;

    /// # Panics
    /// The place was given up.
    fn index(&self, place: u32) -> &T {
        self.places[place].as_ref().expect("a place is not used after it was given up")
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    /// # Panics
    /// The place was given up.
    fn index_mut(&mut self, place: u32) -> &mut T {
        self.places[place].as_mut().expect("a place is not used after it was given up")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stay_where_they_are_and_are_taken_again() {
        let mut arena = Arena::new();
        let places: Vec<u32> = (0..1_000).map(|n| arena.insert(n)).collect();
        assert!(places.iter().zip(0..).all(|(&place, n)| arena[place] == n));
        arena.remove(7);
        arena.remove(7);
        assert_eq!((arena.get(7), arena.get(1_000), arena.iter().count()), (None, None, 999));
        assert_eq!((arena.insert(-1), arena.insert(-2)), (7, 1_000));
        assert_eq!(arena.places().count(), 1_001);
    }
}
