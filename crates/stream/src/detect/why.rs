//! What a task says when it is asked about a ticket.

use tierline_engine::{Engine, Unforeseen};
use tierline_model::Millis;
use tierline_observe::why::{Asked, Found};

use super::Common;
use crate::why::Told;

/// As of `now`, unless the question says when: later than that is foreseen, earlier is gone.
pub(super) fn find(engine: &Engine, common: &Common, asked: &Asked, now: Millis) -> Found {
    let Asked { ticket, account, rule, at } = asked;
    let (rules, rule) = (&common.rules, rule.as_deref());
    if rule.is_some_and(|rule| rules.rules.iter().all(|known| known.id != rule)) {
        return Found::NoRule;
    }
    let why = match *at {
        Some(at) if at > now => engine.foresee(account.as_deref(), ticket, at),
        at => Ok(engine.why(account.as_deref(), ticket, at.unwrap_or(now))),
    };
    match (why, at) {
        (Ok(None), _) => {
            let gone = account.as_deref().and_then(|account| engine.went_to(account, ticket));
            gone.map_or(Found::NoTicket, |to| Found::Gone(to.to_owned()))
        }
        (Ok(Some(why)), Some(at)) if why.at > *at => Found::Past(why.at),
        (Ok(Some(why)), _) => Found::Told(Told::new(&why, rules, &common.names, rule).json()),
        // Its words name an account.
        (Err(Unforeseen::State(_)), _) => {
            Found::Failed("what is held of the account cannot be copied; ask without `at`")
        }
        (Err(reason), _) => Found::Unforeseen(reason.to_string()),
    }
}
