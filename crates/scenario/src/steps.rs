//! The steps of a scenario: records of the streams, as JSON with the defaults filled in, and restarts.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tierline_engine::Input;
use tierline_model::{Decoder, Millis, RecordType, TicketRecord, instant_text};
use tierline_rules::source::{Diagnostics, Entry, Key, Kind, Node, codes, listed};

use crate::{times, unread};

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// When it happens.
    pub at: Millis,
    /// When the log takes it.
    pub arrives: Millis,
    pub what: What,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A record, in JSON as the contract has it. It can be decoded.
    Record(Stream, String),
    /// A tombstone of `accounts` or `billing`, for this account.
    Tombstone(Stream, String),
    /// The program restarts with these parts of the configuration instead of what they were.
    Restart(Vec<Entry>),
}

/// An input stream; snapshots with the place of their source among the sources met: one topic a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Tickets,
    Accounts(u8),
    Billing(u8),
    AccountChanges,
    BillingChanges,
    Signals,
    Commands,
}

const STREAMS: [&str; 7] =
    ["tickets", "accounts", "billing", "account-changes", "billing-changes", "signals", "commands"];

/// From when to when a scenario goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub start: Millis,
    pub until: Millis,
}

/// Reads the list of steps, in the order of the file.
pub(crate) fn read(steps: &Node, defaults: Option<&Node>, span: Span, found: &mut Diagnostics) -> Vec<Step> {
    let Kind::List(items) = &steps.kind else {
        found.mistake(codes::WRONG_KIND, &steps.span, "`steps` is a list: one record a step");
        return Vec::new();
    };
    if let Some(defaults) = defaults {
        unread::refuse_defaults(defaults, found);
    }
    let defaults = match defaults.map(json) {
        Some(Json::Object(defaults)) => defaults,
        _ => Map::new(),
    };
    let mut reader = Reader { defaults, span, sources: BTreeMap::new() };
    items.iter().enumerate().filter_map(|(index, item)| reader.step(index, item, found)).collect()
}

/// Puts steps into the order in which the pipeline takes them: of arrival; at one instant of occurrence; else of their
/// streams, a restart keeping its place. What is the same in all of this keeps the order of the file.
pub(crate) fn sort(steps: &mut [Step]) {
    let is_restart = |step: &Step| matches!(step.what, What::Restart(_));
    steps.sort_by_key(|step| step.arrives);
    let together = |x: &Step, y: &Step| x.arrives == y.arrives && !is_restart(x) && !is_restart(y);
    for group in steps.chunk_by_mut(together) {
        group.sort_by_key(|step| (step.read_as_of(), step.rank()));
    }
}

impl Step {
    /// Snapshots and changes of them happen when they arrive, whatever they say.
    fn read_as_of(&self) -> Millis {
        match &self.what {
            What::Record(Stream::Tickets | Stream::Signals | Stream::Commands, _) => self.at,
            _ => self.arrives,
        }
    }

    fn rank(&self) -> usize {
        match &self.what {
            What::Record(stream, _) | What::Tombstone(stream, _) => match stream {
                Stream::Accounts(_) => 0,
                Stream::AccountChanges => 1,
                Stream::Billing(_) => 2,
                Stream::BillingChanges => 3,
                Stream::Signals => 4,
                Stream::Tickets => 5,
                Stream::Commands => 6,
            },
            What::Restart(_) => 0,
        }
    }
}

struct Reader {
    defaults: Map<String, Json>,
    span: Span,
    /// The sources of each kind of snapshot, in the order in which they were met.
    sources: BTreeMap<&'static str, Vec<String>>,
}

impl Reader {
    fn step(&mut self, index: usize, item: &Node, found: &mut Diagnostics) -> Option<Step> {
        let Some(at) = item.at("at") else {
            found.mistake(codes::MISSING_KEY, &item.span, "a step needs `at`");
            return None;
        };
        let at = times::instant(at, self.span.start, found)?;
        let arrives = match item.at("arrives") {
            Some(node) => times::instant(node, self.span.start, found)?,
            None => at,
        };
        if arrives < at {
            found.mistake(codes::INSTANT, &item.span, "a record cannot arrive before it happens");
            return None;
        }
        if arrives > self.span.until {
            let help = "it would never be taken: end the scenario later, or leave the step out";
            found.mistake(codes::INSTANT, &item.span, "this step comes after `until`").help(help);
        }
        let Kind::Map(entries) = &item.kind else { return None };
        let others: Vec<_> = entries.iter().filter(|entry| !["at", "arrives"].contains(&&*entry.key.text)).collect();
        let [Entry { key, value }] = others[..] else {
            let help = format!("of one of {}; or a `restart`", listed(STREAMS.into_iter()));
            found.mistake(codes::WRONG_KIND, &item.span, "a step holds one record").help(help);
            return None;
        };
        let line = item.span.line_column().0;
        let what = match (&*key.text, &value.kind) {
            ("restart", Kind::Map(changed)) => What::Restart(changed.clone()),
            ("restart", _) => {
                let message = "`restart` holds what changes: `{ rules: [ … ] }`";
                found.mistake(codes::WRONG_KIND, &value.span, message);
                return None;
            }
            _ => self.record(index, key, value, at, found)?,
        };
        Some(Step { line, at, arrives, what })
    }

    fn record(&mut self, index: usize, key: &Key, body: &Node, at: Millis, found: &mut Diagnostics) -> Option<What> {
        let written = json(body);
        if let Some(record) = RecordType::from_word(&key.text).filter(|record| record.is_input()) {
            unread::refuse(record, body, &written, found);
        }
        let mut record = match written {
            Json::Object(record) => record,
            Json::Null if matches!(&*key.text, "accounts" | "billing") => return self.tombstone(key, found),
            _ => {
                let message = format!("a record of `{}` is a map of its fields", key.text);
                found.mistake(codes::WRONG_KIND, &body.span, message);
                return None;
            }
        };
        for (name, value) in &self.defaults {
            record.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let mut fill = |name: &str, value: String| {
            record.entry(name).or_insert(Json::String(value));
        };
        let made_up = format!("step-{}", index + 1);
        let stream = match &*key.text {
            "tickets" => {
                fill("event_id", made_up);
                fill("source", "scenario".to_owned());
                fill("occurred_at", instant_text(at));
                Stream::Tickets
            }
            "signals" => {
                fill("signal_id", made_up);
                fill("occurred_at", instant_text(at));
                Stream::Signals
            }
            "commands" => {
                fill("command_id", made_up);
                fill("occurred_at", instant_text(at));
                Stream::Commands
            }
            "accounts" => Stream::Accounts(self.topic("accounts", &record)),
            "billing" => Stream::Billing(self.topic("billing", &record)),
            "account-changes" => Stream::AccountChanges,
            "billing-changes" => Stream::BillingChanges,
            other => {
                let help = format!("write one of {}, or `restart`", listed(STREAMS.into_iter()));
                found.mistake(codes::UNKNOWN_WORD, &key.span, format!("`{other}` is no stream")).help(help);
                return None;
            }
        };
        let text = Json::Object(record).to_string();
        match stream.with_input(&text, |_| ()) {
            Ok(()) => Some(What::Record(stream, text)),
            Err(message) => {
                found.mistake(codes::WRONG_KIND, &body.span, message);
                None
            }
        }
    }

    fn tombstone(&mut self, key: &Key, found: &mut Diagnostics) -> Option<What> {
        let Some(Json::String(account)) = self.defaults.get("account_id") else {
            found.mistake(codes::MISSING_KEY, &key.span, "a tombstone needs `defaults: { account_id: … }`");
            return None;
        };
        let stream = if key.text == "accounts" { Stream::Accounts(0) } else { Stream::Billing(0) };
        Some(What::Tombstone(stream, account.clone()))
    }

    fn topic(&mut self, stream: &'static str, record: &Map<String, Json>) -> u8 {
        let source = record.get("source").and_then(Json::as_str).unwrap_or_default();
        let met = self.sources.entry(stream).or_default();
        let place = met.iter().position(|other| other == source).unwrap_or_else(|| {
            met.push(source.to_owned());
            met.len() - 1
        });
        u8::try_from(place).unwrap_or(u8::MAX)
    }
}

impl Stream {
    /// As the contract names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Stream::Tickets => "tickets",
            Stream::Accounts(_) => "accounts",
            Stream::Billing(_) => "billing",
            Stream::AccountChanges => "account-changes",
            Stream::BillingChanges => "billing-changes",
            Stream::Signals => "signals",
            Stream::Commands => "commands",
        }
    }

    /// Decodes a record of this stream and hands it on.
    pub fn with_input<T>(self, json: &str, then: impl FnOnce(Input<'_>) -> T) -> Result<T, String> {
        let mut decoder = Decoder::new();
        let bytes = json.as_bytes();
        let words = |error: tierline_model::DecodeError| error.to_string();
        Ok(match self {
            Stream::Tickets => match decoder.ticket(bytes).map_err(words)?.0 {
                TicketRecord::Event(event) => then(Input::Ticket(&event)),
                TicketRecord::AccountRehomed(moved) => then(Input::AccountRehomed(&moved)),
                TicketRecord::Heartbeat { source, heard_until } => {
                    then(Input::Heartbeat { source: &source, heard_until })
                }
                TicketRecord::ImportFinished { import_id, import_began_at } => {
                    then(Input::ImportFinished { import_id: &import_id, began_at: import_began_at })
                }
            },
            Stream::Accounts(topic) => {
                then(Input::Account { topic, snapshot: &decoder.account(bytes).map_err(words)?.0 })
            }
            Stream::Billing(topic) => {
                then(Input::Billing { topic, snapshot: &decoder.billing(bytes).map_err(words)?.0 })
            }
            Stream::AccountChanges => then(Input::AccountChange(&decoder.account_change(bytes).map_err(words)?.0)),
            Stream::BillingChanges => then(Input::BillingChange(&decoder.billing_change(bytes).map_err(words)?.0)),
            Stream::Signals => then(Input::Signal(&decoder.signal(bytes).map_err(words)?.0)),
            Stream::Commands => then(Input::Command(&decoder.command(bytes).map_err(words)?.0)),
        })
    }
}

/// What a node says, as JSON.
pub(crate) fn json(node: &Node) -> Json {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => Json::Null,
        Kind::Scalar(scalar) => {
            if let Some(value) = scalar.bool() {
                return value.into();
            }
            match (scalar.quoted, scalar.text.parse::<i64>(), scalar.number()) {
                (false, Ok(whole), _) => whole.into(),
                (_, _, Some(number)) => number.into(),
                _ => scalar.text.clone().into(),
            }
        }
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.text.clone(), json(&entry.value))).collect())
        }
    }
}
