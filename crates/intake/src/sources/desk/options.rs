//! The options that every help desk has, beside its name, its secrets and its accounts.

use std::collections::{BTreeMap, BTreeSet};

use tierline_model::{Status, TicketField};
use tierline_rules::source::{self as yaml, Diagnostics, Keys, Node};

use super::slug;
use crate::directory::EntryKind;
use crate::records::Fields;
use crate::{Basics, Context, Json, Reading};

/// What a company calls its own things, and where its help desk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What the company's own statuses mean, by the vendor's id or name, in lower case.
    statuses: BTreeMap<String, Status>,
    /// What the vendor's fields are to be called, by the vendor's id or name: a field of the contract, or any other.
    fields: BTreeMap<String, String>,
    /// Agents who are programs, by the vendor's id.
    bots: BTreeSet<String>,
    /// Where people open the help desk, without a slash at the end.
    site: Option<String>,
}

/// Fields of the contract that a company's own field can fill: those in the company's own words.
const FILLABLE: [TicketField; 7] = [
    TicketField::Severity,
    TicketField::Type,
    TicketField::Category,
    TicketField::ProductArea,
    TicketField::Language,
    TicketField::Brand,
    TicketField::RequesterRole,
];

impl Options {
    /// Reads `statuses`, `fields`, `bots` and `site`.
    pub fn read(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Options {
        let mut options = Options::default();
        if let Some(node) = keys.optional("statuses") {
            let words: Vec<_> = Status::ALL.iter().map(|status| (status.word(), *status)).collect();
            for (name, value) in entries(node, "`statuses`", found) {
                if let Some(status) = yaml::word(value, "a status", &words, found) {
                    options.statuses.insert(name.to_lowercase(), status);
                }
            }
        }
        if let Some(node) = keys.optional("fields") {
            for (name, value) in entries(node, "`fields`", found) {
                if let Some(text) = yaml::text(value, "what a field is to be called", found) {
                    let text = text.strip_prefix("ticket.").unwrap_or(text);
                    options.fields.insert(name.to_owned(), text.to_owned());
                }
            }
        }
        if let Some(bots) = keys.optional("bots").and_then(|node| yaml::texts(node, "`bots`", found)) {
            options.bots = bots.into_iter().collect();
        }
        if let Some(site) = keys.optional("site").and_then(|node| yaml::text(node, "`site`", found)) {
            options.site = Some(site.trim_end_matches('/').to_owned());
        }
        options
    }

    /// What the company says a status means: by the first of these names or ids that it has named.
    pub fn status<'n>(&self, names: impl IntoIterator<Item = Option<&'n str>>) -> Option<Status> {
        if self.statuses.is_empty() {
            return None;
        }
        names.into_iter().flatten().find_map(|name| self.statuses.get(&name.trim().to_lowercase())).copied()
    }

    /// Whether this agent is a program.
    pub fn is_bot(&self, id: &str) -> bool {
        self.bots.contains(id)
    }

    /// The address of something on the help desk's site.
    pub fn url(&self, path: &str) -> Option<String> {
        self.site.as_ref().map(|site| format!("{site}/{path}"))
    }

    /// Tells a field that the company has made. It is called as the configuration calls it, else by its name: told
    /// beside it, or known of earlier; else by the vendor's id.
    pub fn tell_custom(
        &self,
        fields: &mut Fields<TicketField>,
        field: OwnField<'_>,
        value: Json<'_>,
        around: &mut Around<'_, '_>,
    ) {
        let configured = self.fields.get(field.id).or_else(|| self.fields.get(field.name?));
        let name = match configured {
            Some(name) => name.strip_prefix("custom.").unwrap_or(name).to_owned(),
            None => {
                let source = &around.basics.name;
                let known = || around.reading.known(around.context, source, EntryKind::Field, field.id);
                let name = field.name.map(slug).or_else(|| known()?.name.as_deref().map(slug));
                name.filter(|name| !name.is_empty()).unwrap_or_else(|| slug(field.id))
            }
        };
        let of_contract = FILLABLE.iter().find(|other| configured.is_some_and(|name| name == other.word()));
        match of_contract {
            Some(of_contract) => fields.tell(*of_contract, value),
            None if fields.custom(&name, value) => {}
            None => around
                .reading
                .ignore(field.pointer, "a field's value is a text, a number, true or false, or a list of texts"),
        }
    }
}

/// A field that a company has made, as a payload names it.
#[derive(Clone, Copy)]
pub struct OwnField<'a> {
    /// The vendor's id of it, or its name where that is all there is.
    pub id: &'a str,
    /// What people call it, where the payload says so.
    pub name: Option<&'a str>,
    /// Where it stands.
    pub pointer: &'a str,
}

/// What stands around a field.
pub struct Around<'a, 'c> {
    /// Of the source.
    pub basics: &'a Basics,
    /// Of the payload.
    pub context: &'a Context<'c>,
    /// What came of it so far.
    pub reading: &'a mut Reading,
}

fn entries<'n>(node: &'n Node, what: &str, found: &mut Diagnostics) -> Vec<(&'n str, &'n Node)> {
    match &node.kind {
        yaml::Kind::Map(entries) => entries.iter().map(|entry| (entry.key.text.as_str(), &entry.value)).collect(),
        _ => {
            yaml::wrong_kind(node, &format!("{what} is a map of the vendor's names"), found);
            Vec::new()
        }
    }
}
