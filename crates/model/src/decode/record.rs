//! How a record's members find their fields.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::value::{Kind, Slot};
use super::{DecodeError, Notes, code};

/// What a decode carries along: what it noted, and what it stumbled over.
#[derive(Default)]
pub(super) struct Scene {
    pub notes: Notes,
    fault: Option<DecodeError>,
}

impl Scene {
    pub(super) fn at(&mut self, field: &'static str) -> At<'_> {
        At { field, scene: self }
    }

    /// After a visitor refused something: what it was.
    pub(super) fn fault(self) -> DecodeError {
        self.fault.unwrap_or_else(|| DecodeError::invalid(code::BAD_VALUE, "it is not an object"))
    }
}

/// The field that is being read.
pub(super) struct At<'s> {
    pub field: &'static str,
    scene: &'s mut Scene,
}

impl At<'_> {
    pub(super) fn field(&mut self, field: &'static str) -> At<'_> {
        At { field, scene: self.scene }
    }

    pub(super) fn notes(&mut self) -> &mut Notes {
        &mut self.scene.notes
    }

    /// The first fault is kept: what follows from it on the way out says less.
    pub(super) fn refuse<E: Error>(&mut self, code: &'static str, reason: impl FnOnce() -> String) -> E {
        if self.scene.fault.is_none() {
            self.scene.fault = Some(DecodeError::invalid(code, reason()));
        }
        E::custom("refused")
    }
}

/// Reads one value as `K`, or nothing where it is null.
pub(super) struct Read<'s, K> {
    at: At<'s>,
    kind: std::marker::PhantomData<K>,
}

impl<'s, K> Read<'s, K> {
    pub(super) fn new(at: At<'s>) -> Self {
        Read { at, kind: std::marker::PhantomData }
    }
}

impl<'de, K: Kind<'de>> DeserializeSeed<'de> for Read<'_, K> {
    type Value = Option<K::Out>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let At { field, scene } = self.at;
        let told = K::read(from, At { field, scene });
        // Where the value is of another type, nobody has said so yet. (Broken bytes come here as well; their own error
        // goes before this one.)
        if told.is_err() && scene.fault.is_none() {
            scene.fault = Some(DecodeError::invalid(code::BAD_VALUE, format!("`{field}` must be {}", K::WANTED)));
        }
        told
    }
}

/// Finds a member's place among the names. Writers keep to our order mostly, so the search begins where the last ended.
pub(super) struct Place {
    pub names: &'static [&'static str],
    pub from: usize,
}

impl<'de> DeserializeSeed<'de> for Place {
    /// Past the last: unknown.
    type Value = usize;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Place {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    #[inline]
    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        let (before, after) = self.names.split_at(self.from);
        if let Some(place) = after.iter().position(|it| *it == name) {
            return Ok(self.from + place);
        }
        Ok(before.iter().position(|it| *it == name).unwrap_or(self.names.len()))
    }
}

/// Makes a [`Kind`] of a struct: which member fills which field, as what.
macro_rules! members {
    ($(#[$meta:meta])* $kind:ident fills $out:ty { $($name:literal => $($field:ident).+ : $as:ty,)+ }) => {
        $(#[$meta])*
        pub(super) struct $kind;

        impl<'de> $crate::decode::value::Kind<'de> for $kind {
            type Out = $out;
            const WANTED: &'static str = "an object";

            #[inline]
            fn read<D: serde::Deserializer<'de>>(
                from: D,
                at: $crate::decode::record::At<'_>,
            ) -> Result<Option<Self::Out>, D::Error> {
                const NAMES: &[&str] = &[$($name),+];
                struct MembersVisitor<'s>($crate::decode::record::At<'s>);
                impl<'de> serde::de::Visitor<'de> for MembersVisitor<'_> {
                    type Value = Option<$out>;

                    $crate::decode::value::nullable! { "an object" }

                    fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut out = <$out>::default();
                        let mut from = 0;
                        while let Some(found) = map.next_key_seed($crate::decode::record::Place { names: NAMES, from })? {
                            let place = 0;
                            $(
                                if found == place {
                                    from = found + 1;
                                    $crate::decode::record::fill::<A, $as, _>(
                                        &mut map, self.0.field($name), &mut out.$($field).+)?;
                                    continue;
                                }
                                let place = place + 1;
                            )+
                            let _ = place;
                            self.0.notes().unknown_members += 1;
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                        Ok(Some(out))
                    }
                }
                from.deserialize_any(MembersVisitor(at))
            }
        }
    };
}
pub(super) use members;

#[inline]
pub(super) fn fill<'de, A, K, S>(map: &mut A, at: At<'_>, slot: &mut S) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    K: Kind<'de>,
    S: Slot<K::Out>,
{
    slot.put(map.next_value_seed(Read::<K>::new(at))?);
    Ok(())
}
