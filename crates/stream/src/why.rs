//! What is told of a ticket when somebody asks why: the same from a running instance as from what it has written.
//!
//! [`Told`] is both what `tierline why --output json` prints and what `GET /v1/why/{ticket}` answers: [`Told::json`]
//! writes it, [`Told::read`] reads it back.

use serde::{Deserialize, Serialize};
use tierline_engine::{Escalated, Fired, LastSaid, RuleWhy, Stands, Why};
use tierline_model::{Millis, plain_instant};
use tierline_rules::{ALWAYS, Asked, NEVER, Rule, RuleSet, Truth};

use crate::topics::Names;

/// Why a ticket is escalated or isn't. Instants are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The ticket.
    pub ticket_id: String,
    /// Its account.
    pub account_id: String,
    /// As of when.
    pub at: String,
    /// Whether rules look at it: it is open.
    pub open: bool,
    /// It was met in an import that has not ended: no rule looks at it yet.
    #[serde(default)]
    pub waits_for_import: bool,
    /// When its source was last heard, if that is so long ago that no later silence is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unheard_since: Option<String>,
    /// 1 without an open escalation.
    pub tier: u8,
    /// What is open on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationTold>,
    /// Each rule that was asked about, in order.
    pub rules: Vec<RuleTold>,
}

/// What is open on it: by whom it was opened and raised, and what its last record said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationTold {
    /// Its id.
    pub id: String,
    /// 2 or 3.
    pub tier: u8,
    /// When it was opened.
    pub opened_at: String,
    /// Since when it has been at its tier.
    pub at_tier_since: String,
    /// What opened it, raised it and joined, newest last: as much of that as is kept.
    #[serde(default)]
    pub fired: Vec<FiredTold>,
    /// What its last record said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastTold>,
    /// When somebody took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Until when nobody wants to hear of it, unless a rule raises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<String>,
}

/// What opened or raised it, or joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredTold {
    /// `opened`, `raised`, `joined`.
    pub kind: String,
    /// The rule; none: a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// Its last record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTold {
    /// The kind, as `escalations` has it.
    pub kind: String,
    /// The rule that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
    /// The person who caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it became true.
    pub at: String,
}

/// One rule on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTold {
    /// Its id.
    pub rule: String,
    /// Its tier.
    pub tier: u8,
    /// The rule as a sentence.
    pub sentence: String,
    /// `fired`, `latched`, `waits`, `no`, `undecided`, `idle`.
    pub stands: String,
    /// `yes`, `no`, `unknown`.
    pub truth: String,
    /// How long it must have held (`for`), milliseconds.
    pub for_ms: Option<Millis>,
    /// When it fires if nothing happens; has passed where stragglers are waited for.
    pub fires_at: Option<String>,
    /// When that goes out: once stragglers have had their time (`time.grace`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_out_at: Option<String>,
    /// Each condition.
    pub conditions: Vec<ConditionTold>,
    /// Those that decided, by their places.
    pub deciding: Vec<usize>,
    /// The smallest change that would make it hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_hold_if: Option<Vec<String>>,
    /// The smallest change that would make it not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_not_hold_if: Option<Vec<String>>,
}

/// One condition of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionTold {
    /// What is wanted.
    pub condition: String,
    /// `yes`, `no`, `unknown`.
    pub truth: String,
    /// What there is instead, or is.
    pub value: String,
    /// Who says so.
    pub source: Option<String>,
    /// As of when they said so.
    pub as_of: Option<String>,
    /// Since when it is so.
    pub since: Option<String>,
    /// Until when it stays so if nothing happens.
    pub until: Option<String>,
    /// `time`, `ticket`, `account`.
    pub of: String,
    /// The fields that it reads.
    pub fields: Vec<String>,
    /// What nobody has told, and from where it would come.
    pub missing: Option<String>,
}

impl Told {
    /// What the engine says, in words; of one rule, or of all.
    pub fn new(why: &Why, rules: &RuleSet, names: &Names, only: Option<&str>) -> Told {
        let is_asked = |why: &&RuleWhy| only.is_none_or(|wanted| rules.rules[why.rule].id == *wanted);
        let told = why.rules.iter().filter(is_asked).map(|why| rule(why, &rules.rules[why.rule], names));
        Told {
            ticket_id: why.ticket_id.clone(),
            account_id: why.account_id.clone(),
            at: plain_instant(why.at),
            open: why.open,
            waits_for_import: why.waits_for_import,
            unheard_since: why.unheard_since.map(plain_instant),
            tier: why.tier,
            escalation: why.escalation.as_ref().map(escalation),
            rules: told.collect(),
        }
    }

    /// As JSON for people too: keys in the order of the alphabet, indented.
    pub fn json(&self) -> String {
        // Invariant: texts, numbers and lists of them can always be written.
        let value = serde_json::to_value(self).expect("plain data is JSON");
        format!("{value:#}")
    }

    /// What [`json`](Self::json) wrote, here or in another process.
    ///
    /// # Errors
    /// It is something else.
    pub fn read(json: &str) -> Result<Told, serde_json::Error> {
        serde_json::from_str(json)
    }
}

fn escalation(open: &Escalated) -> EscalationTold {
    let fired = |fired: &Fired| FiredTold { kind: fired.kind.word().to_owned(), rule: fired.rule.clone() };
    let last = |last: &LastSaid| LastTold {
        kind: last.kind.word().to_owned(),
        rule: last.rule.clone(),
        reason: last.reason.clone(),
        by: last.by.clone(),
        at: plain_instant(last.at),
    };
    EscalationTold {
        id: open.id.to_string(),
        tier: open.tier,
        opened_at: plain_instant(open.opened_at),
        at_tier_since: plain_instant(open.at_tier_since),
        fired: open.fired.iter().map(fired).collect(),
        last: open.last.as_ref().map(last),
        acknowledged_at: open.acknowledged_at.map(plain_instant),
        acknowledged_by: open.acknowledged_by.clone(),
        snoozed_until: open.snoozed_until.map(plain_instant),
    }
}

fn rule(why: &RuleWhy, rule: &Rule, names: &Names) -> RuleTold {
    let answer = &why.answer;
    let holds = answer.dated.truth == Truth::Yes;
    let phrase = |&place: &usize| match holds {
        true => answer.conditions[place].otherwise.clone(),
        false => answer.conditions[place].wanted.clone(),
    };
    let change: Vec<String> = answer.change.iter().map(phrase).collect();
    let (would_not_hold_if, would_hold_if) = if holds { (Some(change), None) } else { (None, Some(change)) };
    RuleTold {
        rule: rule.id.clone(),
        tier: rule.tier,
        sentence: rule.sentence(),
        stands: stands(why.stands).to_owned(),
        truth: truth(answer.dated.truth).to_owned(),
        for_ms: rule.hold,
        fires_at: why.fires_at.map(plain_instant),
        goes_out_at: why.goes_out_at.map(plain_instant),
        conditions: answer.conditions.iter().map(|asked| condition(asked, names)).collect(),
        deciding: answer.deciding.clone(),
        would_hold_if,
        would_not_hold_if,
    }
}

fn condition(asked: &Asked, names: &Names) -> ConditionTold {
    let when = |at: Millis| (at != ALWAYS && at != NEVER).then(|| plain_instant(at));
    ConditionTold {
        condition: asked.wanted.clone(),
        truth: truth(asked.truth).to_owned(),
        value: asked.value.clone(),
        source: asked.source.clone(),
        as_of: asked.as_of.map(plain_instant),
        since: when(asked.since),
        until: when(asked.until),
        of: format!("{:?}", asked.of).to_lowercase(),
        fields: asked.fields.clone(),
        missing: (asked.truth == Truth::Unknown).then(|| missing(asked, names)),
    }
}

fn missing(asked: &Asked, names: &Names) -> String {
    let told = asked.fields.iter().map(|field| match names.telling(field) {
        topics if topics.is_empty() => field.clone(),
        topics => format!("{field} (it comes from {})", topics.join(", ")),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn stands(stands: Stands) -> &'static str {
    match stands {
        Stands::Fired => "fired",
        Stands::Latched => "latched",
        Stands::Waits => "waits",
        Stands::No => "no",
        Stands::Undecided => "undecided",
        Stands::Idle => "idle",
    }
}

fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::Yes => "yes",
        Truth::No => "no",
        Truth::Unknown => "unknown",
    }
}
