//! `tierline why`: why a ticket is escalated or isn't, and what would change that.

use std::io::stdout;
use std::path::PathBuf;

use serde_json::{Value, json};
use tierline_config::Config;
use tierline_engine::{RuleWhy, Stands, Why as Told};
use tierline_model::Millis;
use tierline_rules::{ALWAYS, Asked, NEVER, Rule, Truth};

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::explain::topics_of;
use crate::open;
use crate::past;
use crate::print::{self, Output, Paint, instant, plain};

/// The arguments of `why`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline why zendesk:35436
  tierline why zendesk:35436 --rule enterprise-billing-silence --output json
  tierline why zendesk:35436 --at 2026-03-02T11:00:00Z
  tierline why T1 --events events.jsonl        lines such as {\"tickets\": {…}}, or what `tail --output json` prints

Without --at and --events it asks the state that the pipeline has written; with --at it lives through what the topics
still hold, up to that instant.

Exit codes: 0 it has been told; 1 there is no such ticket; 2 it could not be asked.")]
pub struct Why {
    /// The ticket's id
    ticket: String,

    /// Its account, where several have a ticket of that id
    #[arg(long)]
    account: Option<String>,

    /// This rule alone
    #[arg(long)]
    rule: Option<String>,

    /// As of this instant [default: now]
    #[arg(long, value_parser = print::read_instant)]
    at: Option<Millis>,

    /// A file of events instead of the log; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// For people, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Why {
    /// Prints it; no is the answer when there is no such ticket.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        if let Some(rule) = &self.rule
            && !config.rules.rules.iter().any(|known| known.id == *rule)
        {
            return Err(Untried::because(format!("there is no rule {rule}; `tierline explain` shows all")));
        }
        let asked = past::engines(&config, self.events.as_deref(), self.at)?;
        let told = asked.iter().find_map(|(engine, at)| engine.why(self.account.as_deref(), &self.ticket, *at));
        let Some(told) = told else {
            eprintln!("tierline: there is no ticket {} here", self.ticket);
            return Ok(Answer::No);
        };
        let is_asked =
            |rule: &&RuleWhy| self.rule.as_ref().is_none_or(|wanted| config.rules.rules[rule.rule].id == *wanted);
        match self.output {
            Output::Json => print::json(&as_json(&told, &config, &is_asked))?,
            Output::Table => tell(&told, &config, &is_asked)?,
        }
        Ok(Answer::Yes)
    }
}

fn tell(told: &Told, config: &Config, is_asked: &dyn Fn(&&RuleWhy) -> bool) -> std::io::Result<()> {
    let paint = Paint::of(&stdout());
    let open = if told.open { "open" } else { "not open, so no rule looks at it" };
    let tier = match told.tier {
        1 => "not escalated".to_owned(),
        tier => format!("escalated to tier {tier}"),
    };
    let head = format!("{} of {}: {open}, {tier}, as of {}", told.ticket_id, told.account_id, instant(told.at));
    print::line(plain(&head))?;
    for why in told.rules.iter().filter(is_asked) {
        let rule = &config.rules.rules[why.rule];
        print::line(format_args!("\n{}: {}", paint.strong(&rule.id), stands(why.stands)))?;
        print::line(format_args!("  {}", rule.sentence()))?;
        for asked in &why.answer.conditions {
            print::line(format_args!("  {}", plain(&condition(asked, config))))?;
        }
        if let Some(at) = why.fires_at {
            let verb = if at <= told.at { "fires once stragglers have had their time: true since" } else { "fires at" };
            print::line(format_args!("  {verb} {}, if nothing happens", instant(at)))?;
        }
        if let Some(change) = change(why, rule) {
            print::line(format_args!("  {}", plain(&change)))?;
        }
    }
    Ok(())
}

fn condition(asked: &Asked, config: &Config) -> String {
    let (mark, value) = match asked.truth {
        Truth::Yes => ("yes", asked.value.clone()),
        Truth::No => ("no ", asked.value.clone()),
        Truth::Unknown => ("?  ", format!("nobody has told {}", missing(asked, config))),
    };
    let source = asked.source.as_ref().map(|source| format!(", says {source}")).unwrap_or_default();
    let as_of = asked.as_of.map(|at| format!(", as of {}", instant(at))).unwrap_or_default();
    format!("{mark}  {}  ({value}{source}{as_of})", asked.wanted)
}

/// What a condition misses, and from where it would come.
fn missing(asked: &Asked, config: &Config) -> String {
    let told = asked.fields.iter().map(|field| match topics_of(field, &config.topics) {
        topics if topics.is_empty() => field.clone(),
        topics => format!("{field} (it comes from {})", topics.join(", ")),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn stands(stands: Stands) -> &'static str {
    match stands {
        Stands::Fired => "fired",
        Stands::Latched => "holds, and fired or latched before",
        Stands::Waits => "holds, and waits",
        Stands::No => "does not hold",
        Stands::Undecided => "undecided",
        Stands::Idle => "is not looked at",
    }
}

/// The smallest change, as a sentence.
fn change(why: &RuleWhy, rule: &Rule) -> Option<String> {
    let answer = &why.answer;
    if answer.change.is_empty() {
        return None;
    }
    let holds = answer.dated.truth == Truth::Yes;
    let phrases = answer.change.iter().map(|&place| match holds {
        true => answer.conditions[place].otherwise.as_str(),
        false => answer.conditions[place].wanted.as_str(),
    });
    let phrases = phrases.collect::<Vec<_>>().join(" and ");
    let hold = rule.hold.filter(|_| !holds).map_or("", |_| ", and goes on for long enough");
    let would = if holds { "it would not hold" } else { "it would hold" };
    Some(format!("{would} if {phrases}{hold}"))
}

fn as_json(told: &Told, config: &Config, is_asked: &dyn Fn(&&RuleWhy) -> bool) -> Value {
    let when = |at: Millis| (at != ALWAYS && at != NEVER).then(|| instant(at));
    let asked = |asked: &Asked| {
        json!({
            "condition": asked.wanted, "truth": word(asked.truth), "value": asked.value, "source": asked.source,
            "as_of": asked.as_of.map(instant), "since": when(asked.since), "until": when(asked.until),
            "of": format!("{:?}", asked.of).to_lowercase(), "fields": asked.fields,
            "missing": (asked.truth == Truth::Unknown).then(|| missing(asked, config)),
        })
    };
    let rule = |why: &RuleWhy| {
        let (rule, answer) = (&config.rules.rules[why.rule], &why.answer);
        let holds = answer.dated.truth == Truth::Yes;
        let change = answer.change.iter().map(|&place| match holds {
            true => &answer.conditions[place].otherwise,
            false => &answer.conditions[place].wanted,
        });
        json!({
            "rule": rule.id, "tier": rule.tier, "sentence": rule.sentence(),
            "stands": format!("{:?}", why.stands).to_lowercase(), "truth": word(answer.dated.truth),
            "fires_at": why.fires_at.map(instant), "conditions": answer.conditions.iter().map(asked).collect::<Vec<_>>(),
            "deciding": answer.deciding, (if holds { "would_not_hold_if" } else { "would_hold_if" }): change.collect::<Vec<_>>(),
        })
    };
    json!({
        "ticket_id": told.ticket_id, "account_id": told.account_id, "at": instant(told.at), "open": told.open,
        "tier": told.tier, "rules": told.rules.iter().filter(is_asked).map(rule).collect::<Vec<_>>(),
    })
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::Yes => "yes",
        Truth::No => "no",
        Truth::Unknown => "unknown",
    }
}
