//! `tierline accounts link` and `unlink`: what a person decides. It is written to the topic `aliases`, and in the same
//! step what moves by it.

use serde_json::json;
use tierline_config::Config;
use tierline_intake::Outbox;
use tierline_intake::directory::Shared as Directory;
use tierline_intake::identity::{Decision, Fact, Identity, Says};

use super::identity;
use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::hooks::{self, encoder, now};
use crate::open;
use crate::print::{self, Output, counted};

/// The arguments of `accounts link`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline accounts link hubspot:77 zendesk:360001 --by jo
  tierline accounts link zendesk:user:77 acme --by jo --reason 'she works there'

The account may be written as one who has it: hubspot:77 then goes wherever zendesk:360001 goes. What is decided holds
for this one alone; what it shares with others decides nothing any more. What the configuration calls by `accounts` can
only be changed there.")]
pub struct Link {
    /// Who: a source's name and its id there
    identity: String,
    /// The account, or one who has it
    account: String,
    #[command(flatten)]
    told: Told,
}

/// The arguments of `accounts unlink`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline accounts unlink hubspot:77 --by jo --reason 'another Acme'
  tierline accounts unlink hubspot:77 --by jo --match-again

Its tickets, and what its source told of it, go back to an account of its own, and stay there whatever it shares with
others until somebody says otherwise. With --match-again nothing is decided any more: what it shares counts as before.")]
pub struct Unlink {
    /// Who: a source's name and its id there
    identity: String,
    /// Take back what was decided, so that what it shares with others counts again
    #[arg(long)]
    match_again: bool,
    #[command(flatten)]
    told: Told,
}

#[derive(Debug, clap::Args)]
struct Told {
    /// Who decides
    #[arg(long, value_name = "WHO")]
    by: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// A line, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Link {
    /// Links it.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let of = identity(&config, &self.identity)?;
        let account = self.account.trim();
        if account.is_empty() {
            return Err(Untried::because(
                "an account has a name; to let it be by itself, use `tierline accounts unlink`",
            ));
        }
        if account == of.to_string() {
            let why =
                format!("{of} cannot be linked to itself; to let it be by itself, use `tierline accounts unlink`");
            return Err(Untried::because(why));
        }
        let decided = Some(Some(account.to_owned()));
        decide(&config, of, decided, self.told)
    }
}

impl Unlink {
    /// Lets it be by itself, or be matched again.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let of = identity(&config, &self.identity)?;
        let decided = if self.match_again { None } else { Some(None) };
        decide(&config, of, decided, self.told)
    }
}

/// Writes what was decided (an account, to be by itself, nothing any more), and what moves.
fn decide(config: &Config, of: Identity, decided: Option<Option<String>>, told: Told) -> Ended {
    let Told { by, reason, output } = told;
    let directory = hooks::directory(config, "accounts");
    let name = of.to_string();
    if let Some(called) = directory.table().aliases.configured(&of) {
        let Identity { source, id } = &of;
        let why = format!(
            "the configuration calls {name} '{called}', and that comes first; change it in `identity.accounts`, or `{id}` in \
             `intake.sources.{source}.accounts`"
        );
        return Err(Untried::because(why));
    }
    let mut client = open::client_to_send(config)?;
    directory.load(client.as_mut(), &config.topics)?;
    let is_met = directory.table().has_met(&of);
    let before = directory.table().aliases.account(&name).to_owned();
    let was_decided = directory.table().aliases.decided(&of).map(|decision| decision.account.clone());
    let mut counts = Counts::default();
    if was_decided != decided {
        let at = now();
        let decision = decided.map(|account| Decision { account, by, reason, at });
        let fact = Fact { of: of.clone(), says: Says::Decided(decision) };
        counts = write(config, &directory, fact, at, client.as_mut())?;
    }
    let account = directory.table().aliases.account(&name).to_owned();
    tell(&directory, &name, &before, &account, counts, output)?;
    if !is_met {
        print::note(format_args!(
            "nobody has told anything of {name} yet; check its id. What is decided holds from its first ticket on"
        ));
    }
    Ok(Answer::Yes)
}

/// What moved.
#[derive(Clone, Copy, Default)]
struct Counts {
    tickets: usize,
    /// Of how many identities what their sources told.
    identities: usize,
}

fn write(
    config: &Config,
    directory: &Directory,
    fact: Fact,
    at: tierline_model::Millis,
    client: &mut dyn tierline_stream::client::Client,
) -> Result<Counts, Untried> {
    let mut encoder = encoder(config);
    let mut outbox = Outbox::default();
    let mut learnt = directory.decide(fact, at);
    let mut counts = Counts::default();
    for record in &learnt.records {
        match record.text("ticket_id") {
            Some(_) if record.text("account_id") == record.text("to_account") => {}
            Some(_) => counts.tickets += 1,
            None => counts.identities += 1,
        }
    }
    encoder.put_learnt(&mut learnt, &mut outbox).map_err(Untried::Because)?;
    outbox.send(client)?;
    Ok(counts)
}

fn tell(
    directory: &Directory,
    name: &str,
    before: &str,
    account: &str,
    counts: Counts,
    output: Output,
) -> std::io::Result<()> {
    let Counts { tickets, identities } = counts;
    if output == Output::Json {
        return print::json(&json!({
            "identity": name, "account": account, "account_before": before,
            "tickets_moved": tickets, "identities_moved": identities,
        }));
    }
    let account_shown = print::plain(account);
    match before == account {
        true => print::line(format_args!("{name} has the account {account_shown}, as before"))?,
        false => {
            let moved = counted(tickets, "ticket");
            print::line(format_args!("{name} has the account {account_shown} now; before: {before}. Moved: {moved}"))?;
        }
    }
    let others = directory.table().aliases.of_account(account).len();
    if account != name && others < 2 && Identity::read(account).is_none() {
        print::line(format_args!("nobody else has the account {account_shown} yet"))?;
    }
    Ok(())
}
