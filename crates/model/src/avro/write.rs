//! A datum, field by field in its schema's order.

/// Appends a datum to a buffer.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        Writer { out }
    }

    /// `int`, `long`, instants and dates.
    pub(crate) fn whole(&mut self, value: i64) {
        let mut rest = (value as u64) << 1 ^ (value >> 63) as u64;
        while rest >= 0x80 {
            self.out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.out.push(value.into());
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.whole(value.len() as i64);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// Which branch of a union follows.
    pub(crate) fn branch(&mut self, index: u8) {
        self.whole(index.into());
    }

    /// A union of null and one other: `write` is called for what is told.
    pub(crate) fn told<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.branch(0),
            Some(value) => {
                self.branch(1);
                write(self, value);
            }
        }
    }

    pub(crate) fn told_text(&mut self, value: Option<&(impl AsRef<str> + ?Sized)>) {
        self.told(value, |it, text| it.text(text.as_ref()));
    }

    pub(crate) fn told_whole(&mut self, value: Option<impl Into<i64>>) {
        self.told(value, |it, value| it.whole(value.into()));
    }

    pub(crate) fn told_double(&mut self, value: Option<f64>) {
        self.told(value, Self::double);
    }

    pub(crate) fn told_bool(&mut self, value: Option<bool>) {
        self.told(value, Self::bool);
    }

    /// An array in one block, or a map where `write` begins with the key.
    pub(crate) fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        if items.len() > 0 {
            self.whole(items.len() as i64);
            items.for_each(|item| write(self, item));
        }
        self.whole(0);
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, items: &[T]) {
        self.list(items.iter(), |it, text| it.text(text.as_ref()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avro::Cursor;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_written_as_the_specification_says() {
        for (value, bytes) in [(0, vec![0]), (-1, vec![1]), (1, vec![2]), (-64, vec![0x7f]), (64, vec![0x80, 1])] {
            let mut out = Vec::new();
            Writer::new(&mut out).whole(value);
            assert_eq!(out, bytes);
        }
    }

    proptest! {
        #[test]
        fn every_number_comes_back(value: i64) {
            let mut out = Vec::new();
            Writer::new(&mut out).whole(value);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.whole().unwrap(), value);
            prop_assert_eq!(cursor.left(), 0);
        }
    }
}
