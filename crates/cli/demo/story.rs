//! An escalation as a person wants to read it while it happens.

use serde_json::Value;
use tierline_model::Millis;

use crate::print::{Paint, duration};

/// One record of `escalations`, in a few lines:
///
/// ```text
///  02:04  TIER 3  Northwind Air · enterprise · ARR 184,000 USD · health 71
///         opened: Invoice charged twice (desk:1001, waiting for 2 h)
///         why   The account's plan is enterprise and …
///         next  Check the billing status in Stripe before responding. → billing-leads
/// ```
///
/// `began_at` is when the demo began: times are shown as demo time since then.
pub fn tell(record: &Value, began_at: Millis, paint: Paint) -> String {
    let kind = text(record, "/kind").unwrap_or("?");
    let tier = record["tier"].as_u64().unwrap_or(0) as u8;
    let at = instant(record, "/became_true_at").unwrap_or(began_at);
    let clock = paint.faint(&clock(at - began_at));
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
    let place = " ".repeat(16);
    told += &format!("{place}{kind}: {subject} ({ticket}{waiting})\n");
    if let Some(reason) = text(record, "/reason") {
        told += &format!("{place}{}  {reason}\n", paint.faint("why "));
    }
    if let Some(suggest) = text(record, "/suggest") {
        let route = text(record, "/route").map(|route| format!(" → {route}")).unwrap_or_default();
        told += &format!("{place}{}  {suggest}{route}\n", paint.faint("next"));
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

/// `+02:04`: hours and minutes of demo time.
pub fn clock(since: Millis) -> String {
    let minutes = since.max(0) / 60_000;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
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
            },
        });
        let began_at = chrono::DateTime::parse_from_rfc3339("2026-03-02T00:00:00Z").unwrap().timestamp_millis();
        let paint = Paint::none();
        assert_eq!(
            tell(&record, began_at, paint),
            " 02:04  TIER 3  Northwind Air · enterprise · ARR 1,184,000 USD · health 71 · bills past due\n\
             \x20               opened: Invoice charged twice (desk:1001, waiting for 2 h)\n\
             \x20               why   The account's plan is enterprise.\n\
             \x20               next  Check the bills. → billing-leads\n"
        );
    }

    #[test]
    fn an_end_is_one_line() {
        let record = json!({"kind": "resolved", "tier": 1, "ticket_id": "desk:7", "account_id": "acme",
            "became_true_at": 60_000, "reason": "The ticket was solved."});
        assert_eq!(tell(&record, 0, Paint::none()), " 00:01  resolved  acme, desk:7: The ticket was solved.\n");
    }
}
