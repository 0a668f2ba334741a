//! `identity:`: which of the systems' organisations, companies and customers are one account, where nothing that they
//! share says so. `tierline-intake` does the rest.

use std::collections::BTreeMap;

use tierline_intake::identity::{FreeMail, Identifier};
use tierline_rules::source::{Entry, Keys, Kind, Node, codes, text, texts, unknown_word, wrong_kind};

use crate::Reading;

/// What the configuration says of who is who.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Domains at which anybody has an address, beside the well-known ones.
    pub free_mail: FreeMail,
    /// By source, then by its own id: the account, and where that is written.
    pub(crate) accounts: BTreeMap<String, BTreeMap<String, (String, Node)>>,
}

impl Identity {
    pub(crate) fn read(node: Option<&Node>, reading: &mut Reading<'_>) -> Identity {
        let mut identity = Identity::default();
        let Some(mut keys) = node.and_then(|node| Keys::of(node, "`identity`", reading.found)) else { return identity };
        if let Some(node) = keys.optional("accounts") {
            identity.read_accounts(node, reading);
        }
        if let Some(node) = keys.optional("free_mail") {
            identity.free_mail = free_mail(node, reading);
        }
        keys.finish(reading.found);
        identity
    }

    /// `accounts: { acme: [zendesk:360001, hubspot:77] }`.
    fn read_accounts(&mut self, node: &Node, reading: &mut Reading<'_>) {
        let Kind::Map(entries) = &node.kind else {
            let message = "`identity.accounts` is a map: an account, and who it is: `acme: [zendesk:360001]`";
            return wrong_kind(node, message, reading.found);
        };
        for Entry { key, value } in entries {
            let what = format!("who `{}` is", key.text);
            let one = std::slice::from_ref(value);
            let members = if let Kind::List(members) = &value.kind { members.as_slice() } else { one };
            for member in members {
                self.read_member(&key.text, member, &what, reading);
            }
        }
    }

    fn read_member(&mut self, account: &str, node: &Node, what: &str, reading: &mut Reading<'_>) {
        let Some(member) = text(node, what, reading.found) else { return };
        let Some((source, id)) = member.split_once(':').filter(|(source, id)| !source.is_empty() && !id.is_empty())
        else {
            let message = format!("`{member}` is nobody: it has no source");
            let help = "write the source's name and its own id of the customer: `zendesk:360001`";
            reading.found.mistake(codes::WRONG_KIND, &node.span, message).help(help);
            return;
        };
        let of_source = self.accounts.entry(source.to_owned()).or_default();
        match of_source.get(id) {
            Some((other, _)) if other != account => {
                let message = format!("`{member}` cannot be both `{other}` and `{account}`");
                reading.found.mistake(codes::CONTRADICTION, &node.span, message);
            }
            _ => drop(of_source.insert(id.to_owned(), (account.to_owned(), node.clone()))),
        }
    }

    /// Whoever is named is of one of these systems: a map by their names.
    pub(crate) fn check(&self, sources: Option<&Node>, reading: &mut Reading<'_>) {
        let entries = match sources.map(|node| &node.kind) {
            Some(Kind::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        let names = || entries.iter().map(|entry| entry.key.text.as_str());
        for (source, members) in self.accounts.iter().filter(|(source, _)| !names().any(|name| name == *source)) {
            members.values().for_each(|(_, node)| unknown_word(node, "a source", source, names(), reading.found));
        }
    }
}

/// `free_mail: [provider.example]`.
fn free_mail(node: &Node, reading: &mut Reading<'_>) -> FreeMail {
    let Some(domains) = texts(node, "`identity.free_mail`", reading.found) else { return FreeMail::default() };
    for domain in domains.iter().filter(|domain| Identifier::domain(domain).is_none()) {
        reading
            .found
            .mistake(codes::WRONG_KIND, &node.span, format!("`{domain}` is no domain"))
            .help("write what stands behind the @ of an address: `provider.example`");
    }
    FreeMail::with(domains.iter().map(|domain| &**domain))
}
