//! The kinds of values, each read in every encoding, checked as it is read.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use uuid::Uuid;

use super::code;
use super::record::{At, Read};
use crate::words::Words;
use crate::{
    AccountField, BillingField, Cleared, DateOrInstant, LONGEST_ID, MOST_ITEMS, Millis, Text, TicketField, Value, cut,
    parse_date_or_instant, parse_instant,
};

/// A kind of value: how it is read and checked.
pub(super) trait Kind<'de> {
    /// What it becomes.
    type Out;
    /// As it stands in `must be …`.
    const WANTED: &'static str;

    /// `None` for null: not told.
    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<Self::Out>, D::Error>;
}

/// Where a value goes; null leaves it as it was made.
pub(super) trait Slot<T> {
    fn put(&mut self, value: Option<T>);
}

impl<T> Slot<T> for Option<T> {
    fn put(&mut self, value: Option<T>) {
        *self = value;
    }
}

impl<T> Slot<Vec<T>> for Vec<T> {
    fn put(&mut self, value: Option<Vec<T>>) {
        *self = value.unwrap_or_default();
    }
}

impl<'a, F> Slot<Cleared<'a, F>> for Cleared<'a, F> {
    fn put(&mut self, value: Option<Cleared<'a, F>>) {
        *self = value.unwrap_or_default();
    }
}

/// The part of a visitor that all of ours have.
macro_rules! nullable {
    ($wanted:expr) => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str($wanted)
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    };
}
pub(super) use nullable;

/// A text of any length.
pub(super) struct Txt;

impl<'de> Kind<'de> for Txt {
    type Out = Text<'de>;
    const WANTED: &'static str = "a text";

    #[inline]
    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<Text<'de>>, D::Error> {
        from.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Text<'de>>;

    nullable! { Txt::WANTED }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text)))
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        std::str::from_utf8(bytes).map(|text| Some(Cow::Borrowed(text))).map_err(E::custom)
    }
}

/// A text that names something: not empty, at most [`LONGEST_ID`] bytes.
pub(super) struct Id;

impl<'de> Kind<'de> for Id {
    type Out = Text<'de>;
    const WANTED: &'static str = "a text";

    #[inline]
    fn read<D: Deserializer<'de>>(from: D, mut at: At<'_>) -> Result<Option<Text<'de>>, D::Error> {
        let id = from.deserialize_any(TextVisitor)?;
        match &id {
            Some(id) if id.is_empty() => {
                let field = at.field;
                Err(at.refuse(code::BAD_VALUE, || format!("`{field}` is empty")))
            }
            Some(id) if id.len() > LONGEST_ID => {
                let (field, length) = (at.field, id.len());
                let reason = || format!("`{field}` has {length} bytes; at most {LONGEST_ID} are allowed");
                Err(at.refuse(code::BAD_VALUE, reason))
            }
            _ => Ok(id),
        }
    }
}

/// A word of a closed set; of a newer writer's Avro an unknown one is not told.
pub(super) struct Word<W>(PhantomData<W>);

impl<'de, W: Words> Kind<'de> for Word<W> {
    type Out = W;
    const WANTED: &'static str = "a word";

    #[inline]
    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<W>, D::Error> {
        let must_be_known = from.is_human_readable();
        from.deserialize_any(WordVisitor { at, must_be_known, code: code::UNKNOWN_WORD, words: PhantomData })
    }
}

/// A word that says what the record is: an unknown one is refused in every encoding.
pub(super) struct KindWord<W>(PhantomData<W>);

impl<'de, W: Words> Kind<'de> for KindWord<W> {
    type Out = W;
    const WANTED: &'static str = "a word";

    #[inline]
    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<W>, D::Error> {
        from.deserialize_any(WordVisitor { at, must_be_known: true, code: code::UNKNOWN_KIND, words: PhantomData })
    }
}

struct WordVisitor<'s, W> {
    at: At<'s>,
    must_be_known: bool,
    code: &'static str,
    words: PhantomData<W>,
}

impl<W: Words> Visitor<'_> for WordVisitor<'_, W> {
    type Value = Option<W>;

    nullable! { "a word" }

    #[inline]
    fn visit_str<E: Error>(mut self, word: &str) -> Result<Option<W>, E> {
        if let Some(known) = W::from_word(word) {
            return Ok(Some(known));
        }
        if self.must_be_known {
            let field = self.at.field;
            return Err(self.at.refuse(self.code, || unknown_word::<W>(field, word)));
        }
        self.at.notes().unrecognised_words += 1;
        Ok(None)
    }
}

fn unknown_word<W: Words>(field: &str, word: &str) -> String {
    let allowed = || W::ALL.iter().map(|it| it.word());
    let nearest = allowed().max_by(|a, b| strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word)));
    let meant = nearest.filter(|it| strsim::jaro_winkler(it, word) > 0.85);
    let meant = meant.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
    let allowed: Vec<_> = allowed().collect();
    format!("`{field}` is `{}`, which is none of {}{meant}", cut(word, 40), allowed.join(", "))
}

/// An instant: epoch milliseconds or RFC 3339.
pub(super) struct Instant;

impl<'de> Kind<'de> for Instant {
    type Out = Millis;
    const WANTED: &'static str = "an instant: RFC 3339 with an offset (2026-03-02T02:04:05Z) or epoch milliseconds";

    #[inline]
    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<Millis>, D::Error> {
        from.deserialize_any(InstantVisitor)
    }
}

struct InstantVisitor;

impl Visitor<'_> for InstantVisitor {
    type Value = Option<Millis>;

    nullable! { Instant::WANTED }

    #[inline]
    fn visit_i64<E: Error>(self, at: i64) -> Result<Self::Value, E> {
        Ok(Some(at))
    }

    fn visit_i32<E: Error>(self, _: i32) -> Result<Self::Value, E> {
        Err(E::custom("a date"))
    }

    fn visit_u64<E: Error>(self, at: u64) -> Result<Self::Value, E> {
        Millis::try_from(at).map(Some).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_instant(text).map(Some).ok_or_else(|| E::custom("another text"))
    }
}

/// A date, or an instant.
pub(super) struct DateOr;

impl<'de> Kind<'de> for DateOr {
    type Out = DateOrInstant;
    const WANTED: &'static str = "a date (2026-12-24), or an instant: RFC 3339 with an offset or epoch milliseconds";

    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<DateOrInstant>, D::Error> {
        from.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = Option<DateOrInstant>;

    nullable! { DateOr::WANTED }

    /// Only a date comes in 32 bits: see [`crate::avro::Reader`].
    fn visit_i32<E: Error>(self, days: i32) -> Result<Self::Value, E> {
        Ok(Some(DateOrInstant::Date(days)))
    }

    fn visit_i64<E: Error>(self, at: i64) -> Result<Self::Value, E> {
        Ok(Some(DateOrInstant::Instant(at)))
    }

    fn visit_u64<E: Error>(self, at: u64) -> Result<Self::Value, E> {
        self.visit_i64(Millis::try_from(at).map_err(E::custom)?)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_date_or_instant(text).map(Some).ok_or_else(|| E::custom("another text"))
    }
}

/// A whole number.
pub(super) struct Whole;

impl<'de> Kind<'de> for Whole {
    type Out = i64;
    const WANTED: &'static str = "a whole number of at most 64 bits";

    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<i64>, D::Error> {
        from.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Option<i64>;

    nullable! { Whole::WANTED }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value).map(Some).map_err(E::custom)
    }

    /// `120000.0` is whole; from 2⁵³ on a double no longer says which number is meant.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = value.fract() == 0.0 && value.abs() < EXACT;
        if whole { Ok(Some(value as i64)) } else { Err(E::custom("a fraction")) }
    }
}

/// A whole number from `LOW` to `HIGH`.
pub(super) struct Scale<const LOW: u8, const HIGH: u8>;

impl<'de, const LOW: u8, const HIGH: u8> Kind<'de> for Scale<LOW, HIGH> {
    type Out = u8;
    const WANTED: &'static str = Whole::WANTED;

    fn read<D: Deserializer<'de>>(from: D, mut at: At<'_>) -> Result<Option<u8>, D::Error> {
        let Some(value) = from.deserialize_any(WholeVisitor)? else { return Ok(None) };
        let inside = u8::try_from(value).ok().filter(|value| (LOW..=HIGH).contains(value));
        inside.map(Some).ok_or_else(|| {
            let field = at.field;
            at.refuse(code::BAD_VALUE, || format!("`{field}` is {value}; it goes from {LOW} to {HIGH}"))
        })
    }
}

/// A finite number.
pub(super) struct Number;

impl<'de> Kind<'de> for Number {
    type Out = f64;
    const WANTED: &'static str = "a finite number";

    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<f64>, D::Error> {
        from.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Option<f64>;

    nullable! { Number::WANTED }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        if value.is_finite() { Ok(Some(value)) } else { Err(E::custom("not finite")) }
    }
}

/// A finite number from 0 to `HIGH`.
pub(super) struct UpTo<const HIGH: u8>;

impl<'de, const HIGH: u8> Kind<'de> for UpTo<HIGH> {
    type Out = f64;
    const WANTED: &'static str = Number::WANTED;

    fn read<D: Deserializer<'de>>(from: D, mut at: At<'_>) -> Result<Option<f64>, D::Error> {
        match from.deserialize_any(NumberVisitor)? {
            Some(value) if !(0.0..=f64::from(HIGH)).contains(&value) => {
                let field = at.field;
                Err(at.refuse(code::BAD_VALUE, || format!("`{field}` is {value}; it goes from 0 to {HIGH}")))
            }
            value => Ok(value),
        }
    }
}

/// True or false.
pub(super) struct Flag;

impl<'de> Kind<'de> for Flag {
    type Out = bool;
    const WANTED: &'static str = "true or false";

    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<bool>, D::Error> {
        struct FlagVisitor;
        impl Visitor<'_> for FlagVisitor {
            type Value = Option<bool>;
            nullable! { Flag::WANTED }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Some(value))
            }
        }
        from.deserialize_any(FlagVisitor)
    }
}

/// A UUID as text.
pub(super) struct UuidText;

impl<'de> Kind<'de> for UuidText {
    type Out = Uuid;
    const WANTED: &'static str = "a UUID";

    fn read<D: Deserializer<'de>>(from: D, _: At<'_>) -> Result<Option<Uuid>, D::Error> {
        struct UuidVisitor;
        impl Visitor<'_> for UuidVisitor {
            type Value = Option<Uuid>;
            nullable! { UuidText::WANTED }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Uuid::try_parse(text).map(Some).map_err(E::custom)
            }
        }
        from.deserialize_any(UuidVisitor)
    }
}

/// A list of texts.
pub(super) struct Texts;

impl<'de> Kind<'de> for Texts {
    type Out = Vec<Text<'de>>;
    const WANTED: &'static str = "a list of texts";

    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<Self::Out>, D::Error> {
        from.deserialize_any(ListVisitor::new(at, push))
    }
}

/// The names of fields that are empty.
pub(super) struct Names<F>(PhantomData<F>);

impl<'de, F: Clearable + 'de> Kind<'de> for Names<F> {
    type Out = Cleared<'de, F>;
    const WANTED: &'static str = "a list of the names of fields";

    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<Self::Out>, D::Error> {
        let put = |cleared: &mut Cleared<'de, F>, name: Text<'de>, at: &mut At<'_>| match known(name) {
            Known::Field(field) => cleared.fields.push(field),
            Known::Custom(custom) => cleared.custom.push(custom),
            Known::No => at.notes().unknown_cleared += 1,
        };
        from.deserialize_any(ListVisitor::new(at, put))
    }
}

/// What a name in `cleared` means.
pub(super) enum Known<'a, F> {
    Field(F),
    /// A field of the company's own, without the prefix.
    Custom(Text<'a>),
    No,
}

pub(super) fn known<F: Clearable>(name: Text<'_>) -> Known<'_, F> {
    match F::from_word(&name).filter(|field| field.clearable()) {
        Some(field) => Known::Field(field),
        None => F::custom(name).map_or(Known::No, Known::Custom),
    }
}

/// The fields of an entity that a record can clear.
pub(super) trait Clearable: Words {
    /// Whether it can be empty at all.
    fn clearable(self) -> bool {
        true
    }

    /// The custom field that `custom.x` names.
    fn custom(name: Text<'_>) -> Option<Text<'_>> {
        match name {
            Cow::Borrowed(name) => name.strip_prefix("custom.").map(Cow::Borrowed),
            Cow::Owned(name) => name.strip_prefix("custom.").map(|name| Cow::Owned(name.to_owned())),
        }
        .filter(|name| !name.is_empty())
    }
}

impl Clearable for TicketField {
    fn clearable(self) -> bool {
        self != TicketField::Source
    }
}

impl Clearable for AccountField {}

impl Clearable for BillingField {
    fn custom(_: Text<'_>) -> Option<Text<'_>> {
        None
    }
}

struct ListVisitor<'s, L, P> {
    at: At<'s>,
    put: P,
    list: PhantomData<L>,
}

impl<'s, L, P> ListVisitor<'s, L, P> {
    fn new<'de>(at: At<'s>, put: P) -> Self
    where
        P: FnMut(&mut L, Text<'de>, &mut At<'_>),
    {
        ListVisitor { at, put, list: PhantomData }
    }
}

impl<'de, L, P> Visitor<'de> for ListVisitor<'_, L, P>
where
    L: Default,
    P: FnMut(&mut L, Text<'de>, &mut At<'_>),
{
    type Value = Option<L>;

    nullable! { Texts::WANTED }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = L::default();
        let field = self.at.field;
        let mut items_read = 0;
        while let Some(item) = items.next_element_seed(Read::<Txt>::new(self.at.field(field)))? {
            let Some(text) = item else {
                return Err(self.at.refuse(code::BAD_VALUE, || format!("`{field}` has a null in its list")));
            };
            items_read += 1;
            if items_read > MOST_ITEMS {
                self.at.notes().items_left_out += 1;
                continue;
            }
            (self.put)(&mut list, text, &mut self.at);
        }
        Ok(Some(list))
    }
}

fn push<'de>(list: &mut Vec<Text<'de>>, text: Text<'de>, _: &mut At<'_>) {
    list.push(text);
}

/// Fields of the company's own.
pub(super) struct Custom;

impl<'de> Kind<'de> for Custom {
    type Out = Vec<(Text<'de>, Value<'de>)>;
    const WANTED: &'static str = "an object of texts, numbers, booleans and lists of texts";

    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<Self::Out>, D::Error> {
        struct CustomVisitor<'s>(At<'s>);
        impl<'de> Visitor<'de> for CustomVisitor<'_> {
            type Value = Option<Vec<(Text<'de>, Value<'de>)>>;

            nullable! { Custom::WANTED }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                let field = self.0.field;
                while let Some(name) = map.next_key_seed(Read::<Txt>::new(self.0.field(field)))? {
                    let Some(name) = name else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value = map.next_value_seed(Read::<CustomValue>::new(self.0.field(field)))?;
                    match value {
                        Some(value) if fields.len() < MOST_ITEMS => fields.push((name, value)),
                        Some(_) => self.0.notes().items_left_out += 1,
                        None => {}
                    }
                }
                Ok(Some(fields))
            }
        }
        from.deserialize_any(CustomVisitor(at))
    }
}

struct CustomValue;

impl<'de> Kind<'de> for CustomValue {
    type Out = Value<'de>;
    const WANTED: &'static str = Custom::WANTED;

    fn read<D: Deserializer<'de>>(from: D, at: At<'_>) -> Result<Option<Value<'de>>, D::Error> {
        from.deserialize_any(CustomValueVisitor(at))
    }
}

struct CustomValueVisitor<'s>(At<'s>);

impl<'de> Visitor<'de> for CustomValueVisitor<'_> {
    type Value = Option<Value<'de>>;

    nullable! { Custom::WANTED }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value as f64)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value as f64)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(NumberVisitor.visit_f64(value)?.map(Value::Number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Ok(ListVisitor::new(self.0, push).visit_seq(items)?.map(Value::List))
    }
}
