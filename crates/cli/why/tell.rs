//! The answer as people read it.

use std::io::{self, stdout};

use tierline_model::parse_instant;
use tierline_stream::why::{ConditionTold, RuleTold, Told};

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
            let verb = if is_over { "fires once stragglers have had their time: true since" } else { "fires at" };
            print::line(format_args!("  {verb} {}, if nothing happens", plain(at)))?;
        }
        if let Some(change) = change(rule) {
            print::line(format_args!("  {}", plain(&change)))?;
        }
    }
    Ok(())
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
        "latched" => "holds, and fired or latched before",
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
