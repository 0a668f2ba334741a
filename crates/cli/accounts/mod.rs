//! `tierline accounts`: who is who, why, and what a person decides of that.

mod decide;
mod resolve;

use tierline_config::Config;
use tierline_intake::directory::Shared as Directory;
use tierline_intake::identity::Identity;

use crate::arguments::Shared;
use crate::ended::{Ended, Untried};

/// The arguments of `accounts`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline accounts resolve acme.example
  tierline accounts link hubspot:77 zendesk:360001 --by jo --reason 'same contract'
  tierline accounts unlink hubspot:77 --by jo

One customer is an organisation at the help desk, a company in the CRM, a customer in billing. Each is written as its
source's name and its own id there: zendesk:360001; somebody without an organisation is zendesk:user:77.")]
pub struct Accounts {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show who is who and why
    Resolve(resolve::Resolve),
    /// Decide whose account one has: it moves there, with its tickets
    Link(decide::Link),
    /// Decide that one is by itself, or take back what was decided
    Unlink(decide::Unlink),
}

impl Accounts {
    /// Does what was asked.
    pub fn run(self, shared: &Shared) -> Ended {
        match self.what {
            What::Resolve(resolve) => resolve.run(shared),
            What::Link(link) => link.run(shared),
            What::Unlink(unlink) => unlink.run(shared),
        }
    }
}

/// Somebody of a configured source, as an argument names them.
///
/// # Errors
/// It names nobody, or a source that there is not.
fn identity(config: &Config, written: &str) -> Result<Identity, Untried> {
    let identity = Identity::read(written).ok_or_else(|| {
        Untried::because(format!(
            "'{written}' names nobody: write the source's name and its id there, as in zendesk:360001 or zendesk:user:77"
        ))
    })?;
    super::intake::source(config, &identity.source)?;
    Ok(identity)
}

/// What people call somebody; none: that was never told.
fn name(directory: &Directory, identity: &Identity) -> Option<String> {
    use tierline_intake::directory::{Directory, EntryKind};
    let kind = if identity.is_person() { EntryKind::User } else { EntryKind::Organisation };
    directory.table().find(&identity.source, kind, identity.bare_id())?.name.clone()
}
