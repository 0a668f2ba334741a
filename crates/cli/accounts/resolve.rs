//! `tierline accounts resolve`: who is who and why.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tierline_intake::directory::{Directory as _, EntryKind, Shared as Directory, Table};
use tierline_intake::identity::{Aliases, Identifier, Identity, Shared as InCommon, Why};

use super::name;
use crate::arguments::Shared;
use crate::ended::{Answer, Ended};
use crate::hooks;
use crate::open;
use crate::print::{self, Output, instant, plain};

/// The arguments of `accounts resolve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline accounts resolve acme
  tierline accounts resolve zendesk:360001
  tierline accounts resolve acme.example
  tierline accounts resolve 'Acme Ltd' --output json

Shows everybody who has the same account, why each has it, and what is shared without saying who is who. Exit code 1
says that nobody is known by that.")]
pub struct Resolve {
    /// An account, one who has it, a domain, an address, another id, or a name
    who: String,
    /// A table, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Somebody who has an account.
struct Member {
    identity: Identity,
    name: Option<String>,
    why: Why,
    identifiers: Vec<Identifier>,
    tickets: usize,
}

/// Something that several have, and that says nothing of who they are.
struct Unclear {
    identifier: Identifier,
    who: Vec<Identity>,
    why: &'static str,
}

impl Resolve {
    /// Shows it.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let directory = hooks::directory(&config, "accounts");
        directory.load(open::client(&config)?.as_mut(), &config.topics)?;
        let asked = asked(&self.who, &directory.table());
        let accounts: BTreeSet<String> = {
            let table = directory.table();
            asked.iter().map(|identity| table.aliases.account(&identity.to_string()).to_owned()).collect()
        };
        let accounts: Vec<_> = accounts.into_iter().map(|account| (members(&directory, &account), account)).collect();
        let unclear = unclear(&accounts, &directory.table().aliases);
        match self.output {
            Output::Json => print::json(&as_json(&self.who, &accounts, &unclear))?,
            Output::Table if accounts.is_empty() => {
                print::line(format_args!("nobody is known by '{}'", plain(&self.who)))?;
            }
            Output::Table => show(&accounts, &unclear)?,
        }
        Ok(if accounts.is_empty() { Answer::No } else { Answer::Yes })
    }
}

/// Everybody who is meant.
fn asked(who: &str, table: &Table) -> BTreeSet<Identity> {
    let who = who.trim();
    let aliases = &table.aliases;
    let mut asked: BTreeSet<Identity> = aliases.of_account(who).into_iter().collect();
    let everybody = table.everybody();
    let is_known = |identity: &Identity| everybody.binary_search(identity).is_ok() || has_facts(aliases, identity);
    asked.extend(Identity::read(who).filter(is_known));
    let identifiers = [who.parse().ok(), Identifier::domain(who), Identifier::external(who)];
    asked.extend(identifiers.into_iter().flatten().flat_map(|identifier| aliases.having(&identifier)));
    let called = |identity: &&Identity| {
        let known = table.find(&identity.source, EntryKind::Organisation, &identity.id);
        known.and_then(|known| known.name.as_deref()).is_some_and(|name| name.to_lowercase() == who.to_lowercase())
    };
    asked.extend(everybody.iter().filter(called).cloned());
    asked
}

fn has_facts(aliases: &Aliases, identity: &Identity) -> bool {
    aliases.configured(identity).is_some()
        || aliases.decided(identity).is_some()
        || !aliases.known(identity).0.is_empty()
}

fn members(directory: &Directory, account: &str) -> Vec<Member> {
    let table = directory.table();
    let mut of: BTreeSet<Identity> = table.aliases.of_account(account).into_iter().collect();
    // Of whom nothing is told but tickets or fields.
    let own = Identity::read(account).filter(|_| table.aliases.other(account).is_none());
    of.extend(own.filter(|own| table.everybody().binary_search(own).is_ok()));
    of.into_iter()
        .map(|identity| Member {
            name: name(directory, &identity),
            why: table.aliases.why(&identity),
            identifiers: table.aliases.known(&identity).0.into_values().flat_map(|field| field.into_keys()).collect(),
            tickets: table.tickets(&identity),
            identity,
        })
        .collect()
}

fn unclear(accounts: &[(Vec<Member>, String)], aliases: &Aliases) -> Vec<Unclear> {
    let members = accounts.iter().flat_map(|(members, _)| members);
    let shared: BTreeSet<Identifier> =
        members.flat_map(|member| aliases.shared(&member.identity)).map(|shared| shared.identifier).collect();
    let unclear = shared.into_iter().filter_map(|identifier| {
        let why = aliases.unclear(&identifier)?;
        Some(Unclear { who: aliases.having(&identifier), identifier, why })
    });
    unclear.collect()
}

fn show(accounts: &[(Vec<Member>, String)], unclear: &[Unclear]) -> std::io::Result<()> {
    for (nth, (members, account)) in accounts.iter().enumerate() {
        print::line(format_args!("{}account {}", if nth > 0 { "\n" } else { "" }, plain(account)))?;
        let rows = members.iter().map(|member| {
            let name = member.name.as_deref().map_or("-".into(), plain).into_owned();
            vec![member.identity.to_string(), name, member.tickets.to_string(), why(&member.why)]
        });
        print::table(&["who", "name", "tickets", "why"], rows)?;
    }
    for Unclear { identifier, who, why } in unclear {
        let who: Vec<_> = who.iter().map(Identity::to_string).collect();
        print::line(format_args!("\n{} says nothing of {}: {why}", identifier.value(), who.join(", ")))?;
    }
    Ok(())
}

/// In a sentence.
fn why(why: &Why) -> String {
    match why {
        Why::Configured => "the configuration calls it so".to_owned(),
        Why::Alone => "by itself: nothing says more".to_owned(),
        Why::Decided(decision) => {
            let what = match &decision.account {
                Some(account) => format!("linked to {}", plain(account)),
                None => "by itself".to_owned(),
            };
            let reason = decision.reason.as_deref().map(|reason| format!(": {}", plain(reason))).unwrap_or_default();
            format!("{what} by {} at {}{reason}", plain(&decision.by), instant(decision.at))
        }
        Why::Shared(shared) => {
            let shared =
                shared.iter().map(|InCommon { identifier, with }| format!("{} with {with}", identifier.value()));
            format!("shares {}", shared.collect::<Vec<_>>().join(", "))
        }
    }
}

fn as_json(who: &str, accounts: &[(Vec<Member>, String)], unclear: &[Unclear]) -> Value {
    let member = |member: &Member| {
        let identity = &member.identity;
        json!({
            "identity": identity.to_string(), "source": identity.source, "kind": identity.kind(),
            "id": identity.bare_id(), "name": member.name, "tickets": member.tickets,
            "identifiers": member.identifiers.iter().map(Identifier::as_str).collect::<Vec<_>>(),
            "why": why_json(&member.why),
        })
    };
    json!({
        "asked": who,
        "accounts": accounts.iter().map(|(members, account)| {
            json!({"account": account, "members": members.iter().map(member).collect::<Vec<_>>()})
        }).collect::<Vec<_>>(),
        "unclear": unclear.iter().map(|one| json!({
            "identifier": one.identifier.as_str(), "why": one.why,
            "who": one.who.iter().map(Identity::to_string).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn why_json(why: &Why) -> Value {
    match why {
        Why::Configured => json!({"kind": "configured"}),
        Why::Alone => json!({"kind": "alone"}),
        Why::Decided(decision) => json!({
            "kind": "decided", "account": decision.account, "by": decision.by, "reason": decision.reason,
            "at": instant(decision.at),
        }),
        Why::Shared(shared) => json!({
            "kind": "shared",
            "shared": shared.iter().map(|InCommon { identifier, with }| {
                json!({"identifier": identifier.as_str(), "with": with.to_string()})
            }).collect::<Vec<_>>(),
        }),
    }
}
