//! `tierline data-map`: of each thing that a rule asks, where it lives and how often it is there. What the rules want to
//! know and nobody tells makes them fail in silence; here it is seen.

use std::io::stdout;
use std::path::PathBuf;

use serde_json::{Value, json};
use tierline_config::Config;
use tierline_engine::{Asked, MOST_VALUES, Presence, RuleSurvey, Survey, Tally};
use tierline_model::Millis;
use tierline_rules::{Ask, AskedOf, Edge, Mode, Rule, Said};

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::open;
use crate::past;
use crate::print::{self, Output, Paint, counted, duration, instant, plain};

/// The arguments of `data-map`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline data-map
  tierline data-map --rule enterprise-billing-silence
  tierline data-map --events events.jsonl     lines such as {\"tickets\": {…}}, or what `tail --output json` prints
  tierline data-map --output json | jq '.rules[].asks[] | select(.open.share == 0)'

Without --events and --at it looks at the state that the pipeline has written; with --at it lives through what the
topics still hold, up to that instant. Values are in the words of `tags` and `fields`: payment → billing.

Exit codes: 0 each rule could be decided; 1 there is one for which no ticket of the last 30 days had all of its fields
known; 2 it could not be measured.")]
pub struct DataMap {
    /// This rule alone
    #[arg(long)]
    rule: Option<String>,

    /// As of this instant [default: now; with --events: the last event of the file]
    #[arg(long, value_parser = print::read_instant)]
    at: Option<Millis>,

    /// A file of events instead of the log; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// For people, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What was measured, and what it is measured against.
struct Map<'c> {
    config: &'c Config,
    survey: Survey,
    at: Millis,
    /// The rules that were asked for.
    rules: Vec<&'c Rule>,
}

impl DataMap {
    /// Prints it; no is the answer when a rule can never be decided.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let is_asked = |rule: &&Rule| self.rule.as_ref().is_none_or(|wanted| rule.id == *wanted);
        let rules: Vec<&Rule> = config.rules.rules.iter().filter(is_asked).collect();
        if let (Some(rule), true) = (&self.rule, rules.is_empty()) {
            return Err(Untried::because(format!("there is no rule {rule}; `tierline explain` shows all")));
        }
        let mut survey = Survey::default();
        let mut at = self.at.unwrap_or(Millis::MIN);
        for (mut engine, now) in past::engines(&config, self.events.as_deref(), self.at)?.0 {
            let its = self.at.unwrap_or(now).max(now);
            engine.advance(its, Edge::Bounds);
            survey.add(engine.survey(its));
            at = at.max(its);
        }
        let map = Map { config: &config, survey, at, rules };
        match self.output {
            Output::Json => print::json(&map.as_json())?,
            Output::Table => map.tell()?,
        }
        let all_known = map.rules.iter().all(|rule| rule.mode == Mode::Disabled || map.of(rule).known > 0);
        Ok(if all_known { Answer::Yes } else { Answer::No })
    }
}

/// So many values, and so many of whom nobody tells, are shown to people.
const SHOWN: usize = 4;
/// And so many to programs.
const LISTED: usize = 100;

impl Map<'_> {
    /// What was found of a rule; where there was no state at all, nothing.
    fn of(&self, rule: &Rule) -> RuleSurvey {
        let place = self.config.rules.rules.iter().position(|other| other.id == rule.id);
        place.and_then(|place| self.survey.rules.get(place).cloned()).unwrap_or_default()
    }

    fn tell(&self) -> std::io::Result<()> {
        let Survey { open, recent, .. } = self.survey;
        if recent == 0 {
            return print::line("no ticket was open within the last 30 days: there is nothing to measure");
        }
        let tickets = counted(recent, "ticket");
        print::line(format_args!("{tickets} within 30 days up to {}, {open} of them open\n", instant(self.at)))?;
        let header = ["rule", "asks", "lives in", "open", "30 days", "age", "values", "never seen", "missing for"];
        let rows = self.rules.iter().flat_map(|rule| {
            let asked = self.of(rule).asked;
            asked.into_iter().map(|asked| self.row(rule, &asked)).collect::<Vec<_>>()
        });
        print::table(&header, rows)?;
        print::line("")?;
        self.rules.iter().try_for_each(|rule| self.tell_verdict(rule))
    }

    fn row(&self, rule: &Rule, Asked { ask, tally, .. }: &Asked) -> Vec<String> {
        let tally = &self.survey.tallies[*tally];
        let never = never_seen(ask, tally);
        vec![
            rule.id.clone(),
            ask.key.clone(),
            self.lives_in(&ask.key, &ask.of, tally),
            share(tally.open),
            share(tally.recent),
            age(tally, self.at),
            values(tally),
            few(&never, never.len()),
            few(&tally.missing.iter().take(SHOWN).cloned().collect::<Vec<_>>(), tally.missing.len()),
        ]
    }

    /// The systems that tell it; of what none told, those that are to.
    fn lives_in(&self, key: &str, of: &AskedOf, tally: &Tally) -> String {
        if !tally.sources.is_empty() {
            return by_count(&tally.sources)
                .into_iter()
                .map(|(source, _)| source.clone())
                .collect::<Vec<_>>()
                .join(", ");
        }
        match (of, self.declared(key)) {
            (AskedOf::State, _) => self.config.topics.telling(key).join(", "),
            (_, declared) if !declared.is_empty() => format!("{} (silent)", declared.join(", ")),
            _ if tally.recent.value > 0 => self.config.topics.telling(key).join(", "),
            _ => "nobody".to_owned(),
        }
    }

    /// The systems that the configuration says tell it.
    fn declared(&self, key: &str) -> Vec<String> {
        let mut declared: Vec<String> =
            self.config.rules.sources.of(key).unwrap_or_default().into_iter().map(str::to_owned).collect();
        let believed = self.config.precedence.iter().filter(|(field, _)| field == key).flat_map(|(_, sources)| sources);
        for source in believed {
            if !declared.contains(source) {
                declared.push(source.clone());
            }
        }
        declared
    }

    fn tell_verdict(&self, rule: &Rule) -> std::io::Result<()> {
        let (found, recent) = (self.of(rule), self.survey.recent);
        let id = Paint::of(&stdout()).strong(&rule.id);
        if found.known > 0 {
            return print::line(format_args!("{id}: all that it asks is known of {} of {recent} tickets", found.known));
        }
        let unknown = self.unknown(&found);
        let which = if unknown.is_empty() { "all of it at once".to_owned() } else { unknown.join(", ") };
        print::line(plain(&format!("{id}: no ticket of the last 30 days had all that it asks known; never {which}")))
    }

    /// What no ticket had.
    fn unknown(&self, found: &RuleSurvey) -> Vec<String> {
        let is_never = |asked: &&Asked| {
            let recent = self.survey.tallies[asked.tally].recent;
            recent.value + recent.empty == 0
        };
        let mut keys: Vec<String> = found.asked.iter().filter(is_never).map(|asked| asked.ask.key.clone()).collect();
        keys.dedup();
        keys
    }

    fn as_json(&self) -> Value {
        let rules = self.rules.iter().map(|rule| {
            let found = self.of(rule);
            let phrases = rule.phrases();
            let asks = found.asked.iter().map(|asked| self.ask_as_json(&phrases[asked.condition], asked));
            json!({
                "rule": rule.id, "tier": rule.tier, "sentence": rule.sentence(), "known_on": found.known,
                "decidable": found.known > 0, "never_known": self.unknown(&found), "asks": asks.collect::<Vec<_>>(),
            })
        });
        json!({
            "at": instant(self.at), "rules": rules.collect::<Vec<_>>(),
            "tickets": { "open": self.survey.open, "last_30_days": self.survey.recent },
        })
    }

    fn ask_as_json(&self, phrase: &str, Asked { ask, tally, .. }: &Asked) -> Value {
        let tally = &self.survey.tallies[*tally];
        let kind = match ask.of {
            AskedOf::Field(_) => "field",
            AskedOf::Signal(_) => "signal",
            AskedOf::State => "state",
        };
        let value =
            |(said, tickets): (&Said, usize)| json!({ "value": said.value, "told": said.told, "tickets": tickets });
        let missing: Vec<_> = tally.missing.iter().take(LISTED).collect();
        json!({
            "field": ask.key, "condition": phrase, "kind": kind, "sources": tally.sources,
            "declared": self.declared(&ask.key), "topics": self.config.topics.telling(&ask.key),
            "open": presence(tally.open), "last_30_days": presence(tally.recent),
            "as_of": median(tally).map(|(oldest, median, newest)| {
                json!({ "oldest": instant(oldest), "median": instant(median), "newest": instant(newest) })
            }),
            "values": by_count(&tally.values).into_iter().take(LISTED).map(value).collect::<Vec<_>>(),
            "asks_for": ask.words,
            "never_seen": never_seen(ask, tally),
            "missing": missing, "missing_count": tally.missing.len(),
        })
    }
}

/// The words that a condition asks for and that do not occur; none where nothing does, or more than can be told.
fn never_seen(ask: &Ask, tally: &Tally) -> Vec<String> {
    match tally.values.len() {
        1..MOST_VALUES => ask.never_among(tally.values.keys().map(|said| said.value.as_str())),
        _ => Vec::new(),
    }
}

/// `83 %`, `83 %, empty 5 %`
fn share(presence: Presence) -> String {
    let tickets = presence.tickets();
    if tickets == 0 {
        return "–".to_owned();
    }
    let of = |part: usize| format!("{} %", percent(part, tickets));
    match presence.empty {
        0 => of(presence.value),
        empty => format!("{}, empty {}", of(presence.value), of(empty)),
    }
}

/// Rounded, but neither all nor none where it is not.
fn percent(part: usize, all: usize) -> usize {
    match (part * 200 / all).div_ceil(2) {
        0 if part > 0 => 1,
        100 if part < all => 99,
        rounded => rounded,
    }
}

fn presence(presence: Presence) -> Value {
    let Presence { value, empty, untold } = presence;
    let tickets = presence.tickets();
    let share = (tickets > 0).then(|| value as f64 / tickets as f64);
    json!({ "tickets": tickets, "value": value, "empty": empty, "untold": untold, "share": share })
}

/// The first, the middle and the last of the instants as of which it is told.
fn median(tally: &Tally) -> Option<(Millis, Millis, Millis)> {
    let told = &tally.as_of;
    Some((*told.first()?, told[told.len() / 2], *told.last()?))
}

/// `2 h`, `2 h, oldest 31 d`
fn age(tally: &Tally, at: Millis) -> String {
    let Some((oldest, median, _)) = median(tally) else { return "–".to_owned() };
    let (median, oldest) = (duration((at - median).max(0)), duration((at - oldest).max(0)));
    if median == oldest { median } else { format!("{median}, oldest {oldest}") }
}

fn values(tally: &Tally) -> String {
    let shown = |(said, tickets): (&Said, usize)| match said.told.as_deref() {
        None => format!("{} {tickets}", said.value),
        Some("") => format!("blank → {} {tickets}", said.value),
        Some(told) => format!("{told} → {} {tickets}", said.value),
    };
    let most: Vec<String> = by_count(&tally.values).into_iter().take(SHOWN).map(shown).collect();
    few(&most, tally.values.len())
}

/// The first of them, and how many more there are.
fn few(first: &[String], all: usize) -> String {
    let shown = &first[..first.len().min(SHOWN)];
    match all - shown.len() {
        0 if shown.is_empty() => "–".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Most often first.
fn by_count<T>(counts: &std::collections::BTreeMap<T, usize>) -> Vec<(&T, usize)> {
    let mut sorted: Vec<_> = counts.iter().map(|(what, count)| (what, *count)).collect();
    sorted.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_all_or_none_only_where_it_is() {
        assert_eq!([percent(0, 300), percent(1, 300), percent(299, 300), percent(300, 300)], [0, 1, 99, 100]);
        assert_eq!(percent(5, 6), 83);
        assert_eq!(share(Presence { value: 5, empty: 1, untold: 0 }), "83 %, empty 17 %");
        assert_eq!(share(Presence::default()), "–");
    }

    #[test]
    fn of_many_the_first_are_shown() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(few(&names, 7), "a, b, c, d and 3 more");
        assert_eq!(few(&[], 0), "–");
    }
}
