//! Which of a vendor's properties tells which field of an account: the table `properties:` of a source's section.
//!
//! ```yaml
//! properties:
//!   plan: subscription_tier                                   # field: property
//!   segment: { property: tier, values: { T1: enterprise } }   # words that are called otherwise there
//!   churn_risk: { property: churn_percent, times: 0.01 }      # numbers of another unit
//!   custom.nps: nps_score                                     # a field of the company's own
//!   region: ~                                                 # not told by this source
//! ```

use std::collections::BTreeMap;

use tierline_model::AccountField;
use tierline_rules::source::{Diagnostics, Entry, Keys, Kind, Node, codes, did_you_mean, number, text, wrong_kind};

/// The table of a source: each field at most once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties(Vec<Property>);

/// How one field is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// The field.
    pub of: Of,
    /// What the vendor calls it.
    pub name: String,
    /// The vendor's words, and what they are called here. Others stay as they are.
    pub values: BTreeMap<String, String>,
    /// Numbers are multiplied by it.
    pub times: Option<f64>,
    /// Somebody has named it, so it exists; else it may be a name that this vendor's account does not have.
    pub configured: bool,
}

/// A field that a property tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// One of the contract's.
    Field(AccountField),
    /// One of the company's own.
    Custom(String),
}

impl Of {
    /// Its word: `plan`, `custom.nps`.
    pub fn word(&self) -> String {
        match self {
            Of::Field(field) => field.word().to_owned(),
            Of::Custom(name) => format!("custom.{name}"),
        }
    }

    /// The field of a word; none: there is none.
    pub fn from_word(word: &str) -> Option<Of> {
        match word.strip_prefix("custom.") {
            Some(name) if !name.is_empty() => Some(Of::Custom(name.to_owned())),
            Some(_) => None,
            None => AccountField::from_word(word).map(Of::Field),
        }
    }
}

impl Properties {
    /// What holds where nothing is configured.
    pub fn defaults(table: &[(AccountField, &str)]) -> Properties {
        Properties(
            table
                .iter()
                .map(|(field, name)| Property { configured: false, ..Property::plain(Of::Field(*field), name) })
                .collect(),
        )
    }

    /// Reads `properties:` over the defaults.
    pub fn read(mut self, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Properties> {
        let Some(node) = keys.optional("properties") else { return Some(self) };
        let Kind::Map(entries) = &node.kind else {
            wrong_kind(node, "`properties` is a map from fields to the vendor's properties", found);
            return None;
        };
        let mut right = true;
        for Entry { key, value } in entries {
            let Some(of) = Of::from_word(&key.text) else {
                let words = AccountField::ALL.iter().map(|field| field.word());
                let help =
                    did_you_mean(&key.text, words).unwrap_or_else(|| "or one of your own, `custom.name`".to_owned());
                found
                    .mistake(codes::UNKNOWN_KEY, &key.span, format!("an account has no field `{}`", key.text))
                    .help(help);
                right = false;
                continue;
            };
            self.0.retain(|other| other.of != of);
            match (value.is_null(), Property::read(of, value, found)) {
                (true, _) => {}
                (_, Some(property)) => self.0.push(property),
                (_, None) => right = false,
            }
        }
        right.then_some(self)
    }

    /// The fields that a property tells.
    pub fn told_by<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Property> {
        self.0.iter().filter(move |property| property.name.eq_ignore_ascii_case(name))
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = &Property> {
        self.0.iter()
    }
}

impl Property {
    fn plain(of: Of, name: &str) -> Property {
        Property { of, name: name.to_owned(), values: BTreeMap::new(), times: None, configured: true }
    }

    fn read(of: Of, node: &Node, found: &mut Diagnostics) -> Option<Property> {
        if node.is_null() {
            return None;
        }
        let Kind::Map(_) = &node.kind else {
            return Some(Property::plain(of, text(node, "a property of the vendor's", found)?));
        };
        let mut keys = Keys::of(node, "how a field is told", found)?;
        let name = keys.required("property", found).and_then(|node| text(node, "a property of the vendor's", found));
        let values = match keys.optional("values") {
            Some(node) => words(node, found),
            None => Some(BTreeMap::new()),
        };
        let times = keys.optional("times").map(|node| number(node, "`times`", (f64::MIN, f64::MAX), found));
        keys.finish(found);
        let times = match times {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Property { of, name: name?.to_owned(), values: values?, times, configured: true })
    }
}

/// A map from words to words.
fn words(node: &Node, found: &mut Diagnostics) -> Option<BTreeMap<String, String>> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`values` is a map from the vendor's words to yours", found);
        return None;
    };
    let pair = |entry: &Entry, found: &mut Diagnostics| {
        Some((entry.key.text.clone(), text(&entry.value, "a word", found)?.to_owned()))
    };
    let read: Vec<_> = entries.iter().map(|entry| pair(entry, found)).collect();
    read.into_iter().collect()
}
