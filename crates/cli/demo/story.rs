//! An escalation as a person wants to read it while it happens.

use serde_json::Value;
use tierline_model::Millis;

use crate::print::{Paint, counted, duration};

/// One record of `escalations`, in a few lines:
///
/// ```text
///  Tue 02:04  TIER 3  Northwind Air · enterprise · ARR 184,000 USD · health 71
///             opened: Invoice charged twice (desk:1001, waiting for 2 h)
///             why   The account's plan is enterprise and …
///             next  Check the billing status in Stripe before responding. → billing-leads
///             said  Jo: "We are still waiting."
///             past  3 tickets in 30 days, 2 unresolved: billing 2, bug 1
/// ```
///
/// In front stands when it became true, by the demo's clock, UTC.
pub fn tell(record: &Value, paint: Paint) -> String {
    let kind = text(record, "/kind").unwrap_or("?");
    let tier = record["tier"].as_u64().unwrap_or(0) as u8;
    let at = instant(record, "/became_true_at").unwrap_or_default();
    let clock = paint.faint(&clock(at));
    let ended = matches!(kind, "resolved" | "retracted" | "acknowledged" | "de_escalated");
    let subject = text(record, "/context/ticket/subject").unwrap_or("");
    let ticket = text(record, "/ticket_id").unwrap_or("?");
    let who = text(record, "/context/account/name").or_else(|| text(record, "/account_id")).unwrap_or("?");
    if ended || kind == "joined" {
        let reason = text(record, "/reason").unwrap_or("");
        let word = paint.tier(if ended { 1 } else { tier }, &format!("{kind:<6}"));
        return format!(" {clock}  {word}  {who}, {ticket}: {reason}\n");
    }
    let tier_word = paint.tier(tier, &format!("TIER {tier}"));
    let mut told = format!(" {clock}  {tier_word}  {}\n", paint.strong(&account(record, who)));
    let waiting = instant(record, "/context/ticket/waiting_since").map(|since| at - since).filter(|waited| *waited > 0);
    let waiting = waiting.map(|waited| format!(", waiting for {}", duration(waited))).unwrap_or_default();
    let place = " ".repeat(13);
    told += &format!("{place}{kind}: {subject} ({ticket}{waiting})\n");
    if let Some(reason) = text(record, "/reason") {
        told += &format!("{place}{}  {reason}\n", paint.faint("why "));
    }
    if let Some(suggest) = text(record, "/suggest") {
        let route = text(record, "/route").map(|route| format!(" → {route}")).unwrap_or_default();
        told += &format!("{place}{}  {suggest}{route}\n", paint.faint("next"));
    }
    if let Some(said) = last_words(record) {
        told += &format!("{place}{}  {said}\n", paint.faint("said"));
    }
    if let Some(past) = history(record) {
        told += &format!("{place}{}  {past}\n", paint.faint("past"));
    }
    told
}

/// `Northwind Air · enterprise · ARR 184,000 USD · health 71 · bills past_due`
fn account(record: &Value, name: &str) -> String {
    let mut parts = vec![name.to_owned()];
    parts.extend(text(record, "/context/account/plan").map(str::to_owned));
    if let Some(arr) = record.pointer("/context/account/arr").and_then(Value::as_i64) {
        let currency = text(record, "/context/account/currency").unwrap_or("");
        parts.push(format!("ARR {} {currency}", thousands(arr)).trim_end().to_owned());
    }
    if let Some(health) = record.pointer("/context/account/health").and_then(Value::as_f64) {
        parts.push(format!("health {health}"));
    }
    let unpaid = text(record, "/context/billing/state").filter(|state| !matches!(*state, "current" | "trialing"));
    parts.extend(unpaid.map(|state| format!("bills {}", state.replace('_', " "))));
    parts.join(" · ")
}

/// The conversation's last message: `Jo: "Any news on this?"`
fn last_words(record: &Value) -> Option<String> {
    let last = record.pointer("/context/conversation")?.as_array()?.last()?;
    let who = text(last, "/author_name").or_else(|| text(last, "/author"))?;
    let note = if last["public"] == false { " (to the team)" } else { "" };
    Some(format!("{who}{note}: \"{}\"", text(last, "/text")?.replace('\n', " ")))
}

/// `5 tickets in 30 days, 4 unresolved: bug 3, billing 2`
fn history(record: &Value) -> Option<String> {
    let history = record.pointer("/context/history")?;
    let count = |name: &str| history[name].as_u64().unwrap_or(0);
    let categories = history["categories"].as_array().into_iter().flatten();
    let categories: Vec<_> =
        categories.filter_map(|of| Some(format!("{} {}", text(of, "/category")?, of["count"].as_u64()?))).collect();
    let told = format!(
        "{} in 30 days, {} unresolved",
        counted(count("tickets_30d") as usize, "ticket"),
        count("unresolved_30d")
    );
    Some(if categories.is_empty() { told } else { format!("{told}: {}", categories.join(", ")) })
}

/// `Tue 02:04`, UTC.
pub fn clock(at: Millis) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.format("%a %H:%M").to_string()
}

fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}

fn text<'a>(record: &'a Value, pointer: &str) -> Option<&'a str> {
    record.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An instant as decoded records show it: RFC 3339, or milliseconds.
pub fn instant(record: &Value, pointer: &str) -> Option<Millis> {
    match record.pointer(pointer)? {
        Value::String(text) => Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()),
        number => number.as_i64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_opening_tells_who_waits_why_and_what_to_do() {
        let record = json!({
            "kind": "opened", "tier": 3, "ticket_id": "desk:1001", "account_id": "northwind",
            "became_true_at": "2026-03-02T02:04:00Z", "reason": "The account's plan is enterprise.",
            "suggest": "Check the bills.", "route": "billing-leads",
            "context": {
                "account": {"name": "Northwind Air", "plan": "enterprise", "arr": 1_184_000, "currency": "USD", "health": 71.0},
                "billing": {"state": "past_due"},
                "ticket": {"subject": "Invoice charged twice", "waiting_since": "2026-03-02T00:04:00Z"},
                "conversation": [{"author": "customer", "text": "Hello"},
                    {"author": "agent", "author_name": "Sam", "public": false, "text": "Asking\nfinance."}],
                "history": {"tickets_30d": 3, "unresolved_30d": 2,
                    "categories": [{"category": "billing", "count": 2}, {"category": "bug", "count": 1}]},
            },
        });
        assert_eq!(
            tell(&record, Paint::none()),
            " Mon 02:04  TIER 3  Northwind Air · enterprise · ARR 1,184,000 USD · health 71 · bills past due\n\
             \x20            opened: Invoice charged twice (desk:1001, waiting for 2 h)\n\
             \x20            why   The account's plan is enterprise.\n\
             \x20            next  Check the bills. → billing-leads\n\
             \x20            said  Sam (to the team): \"Asking finance.\"\n\
             \x20            past  3 tickets in 30 days, 2 unresolved: billing 2, bug 1\n"
        );
    }

    #[test]
    fn an_end_is_one_line() {
        let record = json!({"kind": "resolved", "tier": 1, "ticket_id": "desk:7", "account_id": "acme",
            "became_true_at": 60_000, "reason": "The ticket was solved."});
        assert_eq!(tell(&record, Paint::none()), " Thu 00:01  resolved  acme, desk:7: The ticket was solved.\n");
    }
}
