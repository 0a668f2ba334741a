//! Every matcher, against every state that a field can be in.

use tierline_model::{AccountField, TicketField};
use tierline_rules::{ALWAYS, FieldRef, NEVER, Truth};

use crate::sample::{DAY, Sample, Tell, Words, dated, no, unknown, yes};

const UNTOLD: Option<Tell> = None;
const EMPTY: Option<Tell> = Some(Tell::Empty);

#[track_caller]
fn check(key: &str, matcher: &str, told: Option<Tell>, expected: Truth) {
    let field = match key.split_once('.').expect("a room and a name") {
        (_, "custom.region") => FieldRef::TicketCustom("region".to_owned()),
        ("ticket", name) => FieldRef::Ticket(TicketField::from_word(name).expect("a field of a ticket")),
        (_, name) => FieldRef::Account(AccountField::from_word(name).expect("a field of an account")),
    };
    let shown = format!("{key}: {matcher} on {told:?}");
    let sample = Sample { fields: told.map(|told| (field, (told, 7))).into_iter().collect(), ..Sample::default() };
    assert_eq!(dated(&format!("{{ {key}: {matcher} }}"), &sample).truth, expected, "{shown}");
}

fn text(text: &'static str) -> Option<Tell> {
    Some(Tell::Text(text))
}

fn list(words: &[&'static str]) -> Option<Tell> {
    Some(Tell::List(Words(words.to_vec())))
}

#[test]
fn a_value_matcher_is_no_on_empty_and_unknown_on_untold() {
    for matcher in ["billing", "[billing, access]", "{ contains: bill }", "{ matches: bill }", "{ is: unknown }"] {
        check("ticket.category", matcher, EMPTY, Truth::No);
        check("ticket.category", matcher, UNTOLD, Truth::Unknown);
    }
    for matcher in ["{ at_least: 3 }", "{ above: 3, below: 5 }", "4", "[4, 5]"] {
        check("account.health", matcher, EMPTY, Truth::No);
        check("account.health", matcher, UNTOLD, Truth::Unknown);
    }
}

#[test]
fn known_unknown_and_empty_ask_what_was_told() {
    for (matcher, of_value, of_empty, of_untold) in [
        ("known", Truth::Yes, Truth::No, Truth::No),
        ("unknown", Truth::No, Truth::No, Truth::Yes),
        ("empty", Truth::No, Truth::Yes, Truth::No),
    ] {
        check("ticket.category", matcher, text("unknown"), of_value);
        check("ticket.category", matcher, EMPTY, of_empty);
        check("ticket.category", matcher, UNTOLD, of_untold);
    }
    check("ticket.category", "{ is: unknown }", text("unknown"), Truth::Yes);
}

#[test]
fn texts_compare_without_case_and_patterns_and_ids_with() {
    check("ticket.category", "Billing", text("bILLING"), Truth::Yes);
    check("ticket.category", "billing", text("billings"), Truth::No);
    check("ticket.category", "[access, billing]", text("BILLING"), Truth::Yes);
    check("ticket.subject", "{ contains: INVOICE }", text("The invoice is wrong"), Truth::Yes);
    check("ticket.subject", "{ contains: refund }", text("The invoice is wrong"), Truth::No);
    check("ticket.subject", "{ matches: '^The' }", text("The invoice"), Truth::Yes);
    check("ticket.subject", "{ matches: '^the' }", text("The invoice"), Truth::No);
    check("ticket.parent", "zendesk:A1", text("zendesk:A1"), Truth::Yes);
    check("ticket.parent", "zendesk:a1", text("zendesk:A1"), Truth::No);
}

#[test]
fn a_list_has_one_of_the_values_or_all_of_them() {
    check("ticket.tags", "API", list(&["api", "vip"]), Truth::Yes);
    check("ticket.tags", "[sso, vip]", list(&["api", "vip"]), Truth::Yes);
    check("ticket.tags", "{ any_of: [sso, beta] }", list(&["api", "vip"]), Truth::No);
    check("ticket.tags", "{ all_of: [vip, api] }", list(&["api", "vip"]), Truth::Yes);
    check("ticket.tags", "{ all_of: [vip, sso] }", list(&["api", "vip"]), Truth::No);
    check("ticket.tags", "{ matches: '^v' }", list(&["api", "vip"]), Truth::Yes);
}

#[test]
fn numbers_lie_within_bounds() {
    let health = |number: f64| Some(Tell::Number(number));
    for (matcher, inside, outside) in [
        ("{ at_least: 50 }", 50.0, 49.9),
        ("{ above: 50 }", 50.1, 50.0),
        ("{ at_most: 50 }", 50.0, 50.1),
        ("{ below: 50 }", 49.9, 50.0),
        ("{ at_least: 20, below: 50 }", 20.0, 50.0),
        ("50", 50.0, 51.0),
        ("[10, 50]", 10.0, 11.0),
    ] {
        check("account.health", matcher, health(inside), Truth::Yes);
        check("account.health", matcher, health(outside), Truth::No);
    }
}

#[test]
fn priorities_have_an_order() {
    check("ticket.priority", "{ at_least: high }", text("urgent"), Truth::Yes);
    check("ticket.priority", "{ at_least: high }", text("high"), Truth::Yes);
    check("ticket.priority", "{ above: high }", text("high"), Truth::No);
    check("ticket.priority", "{ below: normal }", text("low"), Truth::Yes);
    check("ticket.priority", "[low, urgent]", text("normal"), Truth::No);
}

#[test]
fn dates_are_midnight_and_instants_themselves() {
    let renewal = Some(Tell::Instant(20_000 * DAY)); // 2024-10-04T00:00:00Z
    check("account.renewal_date", "2024-10-04", renewal.clone(), Truth::Yes);
    check("account.renewal_date", "{ below: 2024-10-04 }", renewal.clone(), Truth::No);
    check("account.renewal_date", "{ at_most: '2024-10-04T02:00:00+02:00' }", renewal, Truth::Yes);
}

#[test]
fn a_companys_own_field_may_be_anything() {
    check("ticket.custom.region", "[emea, apac]", text("EMEA"), Truth::Yes);
    check("ticket.custom.region", "{ above: 3 }", Some(Tell::Number(4.0)), Truth::Yes);
    check("ticket.custom.region", "true", Some(Tell::Bool(true)), Truth::Yes);
    check("ticket.custom.region", "4", Some(Tell::Number(4.0)), Truth::Yes);
    check("ticket.custom.region", "{ all_of: [a, b] }", list(&["B", "A"]), Truth::Yes);
    check("ticket.custom.region", "{ above: 3 }", text("emea"), Truth::No);
}

#[test]
fn several_keys_all_hold() {
    check("ticket.subject", "{ contains: export, matches: '^CSV' }", text("CSV export"), Truth::Yes);
    check("ticket.subject", "{ contains: export, matches: '^PDF' }", text("CSV export"), Truth::No);
}

#[test]
fn a_field_is_dated_by_its_telling() {
    let told =
        |tell| Sample { fields: [(FieldRef::Account(AccountField::Plan), (tell, 7))].into(), ..Sample::default() };
    assert_eq!(dated("{ account.plan: pro }", &told(Tell::Text("pro"))), yes(7, NEVER));
    assert_eq!(dated("{ account.plan: pro }", &told(Tell::Empty)), no(7, NEVER));
    assert_eq!(dated("{ account.plan: pro }", &Sample::default()), unknown());
    assert_eq!(dated("{ account.plan: unknown }", &Sample::default()), yes(ALWAYS, NEVER));
}
