//! `tierline explain`: each rule as one sentence, the fields that it reads, where they come from.

use std::io::stdout;
use std::path::PathBuf;

use serde_json::{Value, json};
use tierline_model::{AccountField, BillingField, TicketField};
use tierline_rules::{Change, Mode, PromiseChange, Reads, Rule, RuleSet, Topic, differences};
use tierline_stream::topics::Names;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended};
use crate::open;
use crate::print::{self, Output, Paint};

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline explain
  tierline --config eu.yaml explain
  tierline explain --output json | jq -r '.[] | .sentence'
  tierline explain --diff tierline.yaml.old  what is different from those rules")]
pub struct Explain {
    /// Sentences, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,

    /// What is different from the rules of this configuration, in sentences
    #[arg(long, value_name = "OLD")]
    diff: Option<PathBuf>,
}

impl Explain {
    /// Prints the rules in their order.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        if let Some(old) = &self.diff {
            let (old, _) = open::read(&open::file(old)?)?;
            return diff(&old.rules, &config.rules, self.output);
        }
        let (rules, names) = (&config.rules.rules, &config.topics);
        match self.output {
            Output::Json => print::json(&rules.iter().map(|rule| as_json(rule, names)).collect())?,
            Output::Table => {
                rules.iter().try_for_each(|rule| tell(rule, names))?;
                tell_promises(&config.rules)?;
            }
        }
        Ok(Answer::Yes)
    }
}

/// What the SLA conditions of the rules are measured by.
fn tell_promises(rules: &RuleSet) -> std::io::Result<()> {
    let paint = Paint::of(&stdout());
    for policy in &rules.policies {
        let head = paint.strong(&format!("SLA policy {}", policy.id));
        print::line(format_args!("{head}\n  {}\n", rules.policy_sentence(policy)))?;
    }
    if let Some(answers) = rules.answer_sentence() {
        print::line(format_args!("{}\n  {answers}\n", paint.strong("escalation_sla")))?;
    }
    Ok(())
}

fn diff(old: &RuleSet, new: &RuleSet, output: Output) -> Ended {
    let changes = differences(old, new);
    let promises = new.promise_changes(old);
    if output == Output::Json {
        print::json(&changes.iter().map(change_as_json).chain(promises.iter().map(promise_as_json)).collect())?;
        return Ok(Answer::Yes);
    }
    for change in &changes {
        tell_change(change)?;
    }
    for promise in &promises {
        tell_promise(promise)?;
    }
    let same = new.rules.len() - changes.iter().filter(|change| !matches!(change, Change::Removed(_))).count();
    print::line(format_args!("{} the same", print::counted(same, "rule")))?;
    Ok(Answer::Yes)
}

fn tell_change(change: &Change<'_>) -> std::io::Result<()> {
    let paint = Paint::of(&stdout());
    let (word, rule) = match change {
        Change::Added(rule) => ("added", rule),
        Change::Removed(rule) => ("removed", rule),
        Change::Changed { new, .. } => ("changed", new),
    };
    print::line(format_args!("{word:<8} {}", paint.strong(&rule.id)))?;
    match change {
        Change::Added(rule) | Change::Removed(rule) => print::line(format_args!("  {}", rule.sentence()))?,
        Change::Changed { old, new, how } => {
            let (was, is) = (old.sentence(), new.sentence());
            if was != is {
                print::line(format_args!("  {}  {was}\n  {}  {is}", paint.faint("was"), paint.faint("now")))?;
            }
            how.iter().try_for_each(|how| print::line(format_args!("  {how}")))?;
        }
    }
    print::line("")
}

fn tell_promise(PromiseChange { what, was, now }: &PromiseChange) -> std::io::Result<()> {
    let paint = Paint::of(&stdout());
    print::line(format_args!("{:<8} {}", word(was, now), paint.strong(what)))?;
    match (was, now) {
        (Some(was), Some(now)) => {
            print::line(format_args!("  {}  {was}\n  {}  {now}", paint.faint("was"), paint.faint("now")))
        }
        (was, now) => was.iter().chain(now).try_for_each(|said| print::line(format_args!("  {said}"))),
    }?;
    print::line("")
}

/// What became of something, by what it said and says.
fn word(was: &Option<String>, now: &Option<String>) -> &'static str {
    match (was, now) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

fn promise_as_json(PromiseChange { what, was, now }: &PromiseChange) -> Value {
    json!({ "what": what, "change": word(was, now), "was": was, "now": now })
}

fn change_as_json(change: &Change<'_>) -> Value {
    match change {
        Change::Added(rule) => json!({ "rule": rule.id, "change": "added", "now": rule.sentence() }),
        Change::Removed(rule) => json!({ "rule": rule.id, "change": "removed", "was": rule.sentence() }),
        Change::Changed { old, new, how } => json!({
            "rule": new.id, "change": "changed", "was": old.sentence(), "now": new.sentence(), "how": how,
        }),
    }
}

fn tell(rule: &Rule, names: &Names) -> std::io::Result<()> {
    let paint = Paint::of(&stdout());
    let mode = match mode(rule.mode) {
        "live" => String::new(),
        other => format!(" ({other})"),
    };
    print::line(format_args!("{}{mode}", paint.strong(&rule.id)))?;
    print::line(format_args!("  {}", rule.sentence()))?;
    if let Some(description) = &rule.description {
        print::line(format_args!("  {description}"))?;
    }
    let sources = sources(rule.reads(), names);
    let width = sources.iter().map(|source| source.field.len()).max().unwrap_or(0);
    for (nth, Source { field, from }) in sources.iter().enumerate() {
        let head = if nth == 0 { "reads" } else { "" };
        print::line(format_args!(
            "  {}  {field:<width$}  from {}",
            paint.faint(&format!("{head:<5}")),
            from.join(", ")
        ))?;
    }
    if let Some(suggest) = &rule.suggest {
        let route = rule.route.as_ref().map(|route| format!(" → {route}")).unwrap_or_default();
        print::line(format_args!("  {}  {suggest}{route}", paint.faint("then ")))?;
    }
    print::line("")
}

fn as_json(rule: &Rule, names: &Names) -> Value {
    let reads: Vec<_> = sources(rule.reads(), names)
        .into_iter()
        .map(|source| json!({"field": source.field, "from": source.from}))
        .collect();
    json!({
        "id": rule.id, "tier": rule.tier, "mode": mode(rule.mode), "sentence": rule.sentence(), "reads": reads,
        "once_per": if rule.per_account { "account" } else { "ticket" }, "description": rule.description,
        "suggest": rule.suggest, "route": rule.route, "rule_version": rule.fingerprint,
    })
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "live",
        Mode::Shadow => "shadow",
        Mode::Disabled => "disabled",
    }
}

/// Something that a rule reads, and the topics that tell it.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    field: String,
    from: Vec<String>,
}

fn sources(reads: Reads, names: &Names) -> Vec<Source> {
    let tickets = || vec![names.tickets.clone()];
    let accounts = || names.of_accounts();
    let bills = || names.of_billing();
    let mut sources = Vec::new();
    let mut add = |field: String, from: Vec<String>| sources.push(Source { field, from });
    for field in TicketField::ALL.iter().filter(|field| reads.ticket & (1 << **field as u32) != 0) {
        add(format!("ticket.{field}"), tickets());
    }
    for field in AccountField::ALL.iter().filter(|field| reads.account & (1 << **field as u32) != 0) {
        add(format!("account.{field}"), accounts());
    }
    for field in BillingField::ALL.iter().filter(|field| reads.billing & (1 << **field as u32) != 0) {
        add(format!("billing.{field}"), bills());
    }
    for (topic, what, from) in [
        (Topic::TicketCustom, "ticket.custom", tickets()),
        (Topic::AccountCustom, "account.custom", accounts()),
        (Topic::Conversation, "who waits for whom", tickets()),
        (Topic::Life, "creation and solving", tickets()),
        (Topic::Tickets, "the account's tickets", tickets()),
        (Topic::Assignment, "assignment", tickets()),
        (Topic::AnyTicket, "what the account's tickets are", tickets()),
        (Topic::Touched, "the last change", tickets()),
        (Topic::Phrases, "what the customer wrote", tickets()),
        (Topic::Sla, "SLA clocks", vec!["the policies under sla".to_owned(), names.tickets.clone()]),
        (Topic::Signals, "signals", vec![names.signals.clone()]),
        (Topic::Escalation, "the open escalation", vec!["Tierline's own state".to_owned()]),
    ] {
        if reads.topics & topic as u32 != 0 {
            add(what.to_owned(), from);
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use tierline_rules::FieldRef;

    #[test]
    fn what_is_read_comes_from_the_topics_that_tell_it() {
        let names = Names { accounts: vec!["crm".into(), "erp".into()], ..Names::default() };
        let reads = Reads::default()
            .and_field(&FieldRef::Account(AccountField::Plan))
            .and_field(&FieldRef::Ticket(TicketField::Category))
            .and(Topic::Signals);
        let sources = sources(reads, &names);
        let shown: Vec<_> = sources.iter().map(|source| (source.field.as_str(), source.from.join(" "))).collect();
        assert_eq!(
            shown,
            [
                ("ticket.category", "tickets".to_owned()),
                ("account.plan", "crm erp account-changes".to_owned()),
                ("signals", "signals".to_owned()),
            ]
        );
    }
}
