//! The answer as people read it: what is open on the ticket, then each rule.

use std::io::{self, stdout};

use tierline_model::parse_instant;
use tierline_stream::why::{ConditionTold, EscalationTold, RuleTold, Told};

use crate::print::{self, Paint, plain};

/// Prints each rule: what holds, what doesn't, when it fires, what would change it.
pub fn tell(told: &Told) -> io::Result<()> {
    let paint = Paint::of(&stdout());
    let open = match told.open {
        true => "open",
        false if told.waits_for_import => "its import has not ended, so no rule looks at it yet",
        false => "not open, so no rule looks at it",
    };
    let tier = match told.tier {
        1 => "not escalated".to_owned(),
        tier => format!("escalated to tier {tier}"),
    };
    let head = format!("{} of {}: {open}, {tier}, as of {}", told.ticket_id, told.account_id, told.at);
    print::line(plain(&head))?;
    for said in told.escalation.iter().flat_map(escalation) {
        print::line(format_args!("  {}", plain(&said)))?;
    }
    if let Some(since) = &told.unheard_since {
        let silent =
            format!("its source was last heard at {since}: no later silence is believed until it is heard again");
        print::line(plain(&silent))?;
    }
    for rule in &told.rules {
        print::line(format_args!("\n{}: {}", paint.strong(&plain(&rule.rule)), stands(&rule.stands)))?;
        print::line(format_args!("  {}", plain(&rule.sentence)))?;
        for asked in &rule.conditions {
            print::line(format_args!("  {}", plain(&condition(asked))))?;
        }
        if let Some(at) = &rule.fires_at {
            let is_over = parse_instant(at).zip(parse_instant(&told.at)).is_some_and(|(at, now)| at <= now);
            let fires = match rule.goes_out_at.as_ref().filter(|_| is_over) {
                Some(out) => format!("true since {at}; goes out at {out}, once stragglers have had their time"),
                None => format!("fires at {at}, if nothing happens"),
            };
            print::line(format_args!("  {}", plain(&fires)))?;
        }
        if let Some(change) = change(rule) {
            print::line(format_args!("  {}", plain(&change)))?;
        }
    }
    Ok(())
}

/// By whom it was opened and raised, who took it, until when nobody wants to hear of it; and what its last record said,
/// where that is something else.
fn escalation(open: &EscalationTold) -> Vec<String> {
    let last_of = |kind: &str| open.last.as_ref().filter(|last| last.kind == kind);
    let newest = |kind: &str| open.fired.iter().rev().find(|fired| fired.kind == kind);
    let who = |rule: Option<&String>, by: Option<&String>| match (rule, by) {
        (Some(rule), _) => format!("the rule {rule}"),
        (None, by) => by.map_or("a person", String::as_str).to_owned(),
    };
    let caused = |kind: &str| {
        let fired = newest(kind)?;
        let last = last_of(kind);
        let reason = last.map(|last| format!(": {}", last.reason)).unwrap_or_default();
        Some((who(fired.rule.as_ref(), last.and_then(|last| last.by.as_ref())), reason))
    };
    let mut lines = vec![match caused("opened") {
        Some((who, reason)) => format!("opened at {} by {who}{reason}", open.opened_at),
        None => format!("opened at {}", open.opened_at),
    }];
    if let Some((who, reason)) = caused("raised") {
        lines.push(match last_of("raised") {
            Some(last) => format!("raised at {} by {who}{reason}", last.at),
            None => format!("raised by {who}"),
        });
    }
    if open.at_tier_since != open.opened_at && last_of("raised").is_none() {
        lines.push(format!("at tier {} since {}", open.tier, open.at_tier_since));
    }
    if let Some(at) = open.acknowledged_at.as_ref().filter(|_| last_of("acknowledged").is_none()) {
        lines.push(format!("acknowledged at {at} by {}", who(None, open.acknowledged_by.as_ref())));
    }
    if let Some(until) = open.snoozed_until.as_ref().filter(|_| last_of("snoozed").is_none()) {
        lines.push(format!("snoozed until {until}"));
    }
    if let Some(last) = open.last.as_ref().filter(|last| !["opened", "raised"].contains(&last.kind.as_str())) {
        lines.push(format!("{} at {}: {}", last.kind.replace('_', " "), last.at, last.reason));
    }
    lines
}

fn condition(asked: &ConditionTold) -> String {
    let missing = || format!("nobody has told {}", asked.missing.as_deref().unwrap_or_default());
    let (mark, value) = match asked.truth.as_str() {
        "yes" => ("yes", asked.value.clone()),
        "no" => ("no ", asked.value.clone()),
        _ => ("?  ", missing()),
    };
    let source = asked.source.as_ref().map(|source| format!(", says {source}")).unwrap_or_default();
    let as_of = asked.as_of.as_ref().map(|at| format!(", as of {at}")).unwrap_or_default();
    format!("{mark}  {}  ({value}{source}{as_of})", asked.condition)
}

fn stands(word: &str) -> &str {
    match word {
        "fired" => "fired",
        "latched" => "holds, and has risen before: it must be no in between",
        "waits" => "holds, and waits",
        "no" => "does not hold",
        "undecided" => "undecided",
        "idle" => "is not looked at",
        _ => "stands as this version cannot tell",
    }
}

/// The smallest change, as a sentence.
fn change(rule: &RuleTold) -> Option<String> {
    let (would, phrases, hold) = match (&rule.would_not_hold_if, &rule.would_hold_if) {
        (Some(phrases), _) => ("it would not hold", phrases, ""),
        (None, Some(phrases)) => {
            ("it would hold", phrases, rule.for_ms.map_or("", |_| ", and goes on for long enough"))
        }
        (None, None) => return None,
    };
    (!phrases.is_empty()).then(|| format!("{would} if {}{hold}", phrases.join(" and ")))
}
