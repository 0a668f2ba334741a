//! A YAML tree in which every node, and every key, knows where it stood.

use super::Span;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stood. Of an alias: where the alias stood.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A single value.
    Scalar(Scalar),
    /// Several, in order.
    List(Vec<Node>),
    /// Keys and values, in order; no key stands twice.
    Map(Vec<Entry>),
}

/// A single value, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Without quotes.
    pub text: String,
    /// Whether it stood in quotes, and so is a text whatever it looks like.
    pub quoted: bool,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Its value.
    pub value: Node,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it says.
    pub text: String,
    /// Where it stood.
    pub span: Span,
}

impl Node {
    /// The single value, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of a key, if it is a map that has it.
    pub fn at(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Whether nothing stands there: `key:` or `null`.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.is_null() => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Hands over every single value in it (not the keys), to be changed in place.
    pub fn each_scalar(&mut self, change: &mut dyn FnMut(&Span, &mut Scalar)) {
        match &mut self.kind {
            Kind::Scalar(scalar) => change(&self.span, scalar),
            Kind::List(nodes) => nodes.iter_mut().for_each(|node| node.each_scalar(change)),
            Kind::Map(entries) => entries.iter_mut().for_each(|entry| entry.value.each_scalar(change)),
        }
    }
}

impl Scalar {
    /// Whether it says nothing.
    pub fn is_null(&self) -> bool {
        !self.quoted && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The truth value that it is.
    pub fn bool(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" if !self.quoted => Some(true),
            "false" if !self.quoted => Some(false),
            _ => None,
        }
    }

    /// The number that it is: decimal, finite.
    pub fn number(&self) -> Option<f64> {
        let decimal = self.text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let number = self.text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.filter(|_| decimal && !self.quoted)
    }
}
