//! Why what a scenario expects did not happen: what the rules say of the ticket at the instant.

use serde_json::Value as Json;
use tierline_engine::{Engine, RuleWhy, Stands, Why};
use tierline_model::Millis;
use tierline_rules::{Asked, Mode, Rule, Truth};

use crate::expect::Pattern;
use crate::steps::{Stream, What};
use crate::{Happened, Scenario, play, times};

/// So many rules are looked at where the scenario doesn't say which it means.
const MOST: usize = 3;

/// A line for each rule that may have been meant by the first record that was expected and is not among those that went
/// out.
pub(crate) fn because(scenario: &Scenario, rules: &[Rule], happened: &[Happened]) -> Vec<String> {
    let live = || happened.iter().filter(|happened| !happened.shadow);
    let is_missing = |pattern: &&Pattern| !live().any(|record| pattern.is_met_by(record));
    let Some(pattern) = scenario.expect.iter().find(is_missing).filter(|pattern| pattern.may_be_a_rise()) else {
        return Vec::new();
    };
    let Some((account, ticket)) = meant(scenario, pattern) else { return Vec::new() };
    let may_be = |rule: &Rule| {
        rule.mode == Mode::Live && pattern.may_be_of(&rule.id) && pattern.may_say("tier", &rule.tier.into())
    };
    let places: Vec<usize> = (0..rules.len()).filter(|&place| may_be(&rules[place])).collect();
    if places.len() > MOST {
        return Vec::new();
    }
    let at = pattern.at().unwrap_or(scenario.until);
    let engine: Engine = play::up_to(scenario, at);
    let when = times::since(at, scenario.start);
    match engine.why(account.as_deref(), &ticket, at) {
        None => vec![format!("at {when} there is no ticket `{ticket}`")],
        Some(why) => {
            let line = |place| format!("at {when} {}", says(&rules[place], &why.rules[place], &why, scenario.start));
            places.into_iter().map(line).collect()
        }
    }
}

/// The ticket that a pattern names, or the only one that there is; with its account, where it is said.
fn meant(scenario: &Scenario, pattern: &Pattern) -> Option<(Option<String>, String)> {
    let member = |json: &str, name: &str| {
        let record: Json = serde_json::from_str(json).ok()?;
        Some(record.get(name)?.as_str()?.to_owned())
    };
    let mut told: Vec<(Option<String>, String)> = Vec::new();
    for step in &scenario.steps {
        let What::Record(Stream::Tickets, json) = &step.what else { continue };
        let (account, Some(ticket)) = (member(json, "account_id"), member(json, "ticket_id")) else { continue };
        let is_account = |account: &String| pattern.may_say("account_id", &account.as_str().into());
        if pattern.may_say("ticket_id", &ticket.as_str().into())
            && account.as_ref().is_none_or(is_account)
            && !told.iter().any(|(_, other)| *other == ticket)
        {
            told.push((account, ticket));
        }
    }
    told.pop().filter(|_| told.is_empty())
}

/// What a rule says of a ticket.
fn says(rule: &Rule, said: &RuleWhy, why: &Why, start: Millis) -> String {
    let id = &rule.id;
    let conditions = || {
        let told = said.answer.change.iter().map(|&place| condition(&said.answer.conditions[place]));
        told.collect::<Vec<_>>().join("; ")
    };
    match said.stands {
        Stands::Fired => format!("`{id}` had fired before"),
        Stands::Latched => format!("`{id}` holds, and has risen before: it must be no in between"),
        Stands::Waits => match said.goes_out_at {
            Some(at) => format!("`{id}` holds, and goes out at {}", times::since(at, start)),
            None => format!("`{id}` holds, and waits"),
        },
        Stands::No => format!("`{id}` does not hold: {}", conditions()),
        Stands::Undecided => format!("`{id}` cannot be decided: {}", conditions()),
        Stands::Idle if why.waits_for_import => format!("`{id}` is not looked at: the import has not ended"),
        Stands::Idle => format!("`{id}` is not looked at: the ticket is not open"),
    }
}

fn condition(asked: &Asked) -> String {
    match asked.truth {
        Truth::Unknown => format!("nobody has told {}", asked.fields.join(", ")),
        Truth::Yes | Truth::No => format!("it wants that {} (seen: {})", asked.wanted, asked.value),
    }
}
