//! What a model says of a message: a rule fires as of that message, with the words that decided. SEMANTICS 4.5.

use tierline_model::Author;

use crate::kit::*;

const UPSET_AND_LARGE: &str = "    when: { all: [ { ticket.escalation_risk: high }, { account.plan: enterprise } ] }";
const WHY: &str = "“seriously considering” (cancellation)";

#[test]
fn the_words_that_decided_stand_in_the_evidence_after_a_restart_too() {
    let mut desk = Desk::new(&rule(UPSET_AND_LARGE));
    desk.created("t", at(0));
    desk.feels("t", "escalation_risk", 0.9, WHY, at(1));
    desk.restart();
    desk.account(Some(at(2)), Some("enterprise"), None);
    let heard = desk.heard();
    let evidence = &heard[0].evidence[0];
    assert_eq!(evidence.value, format!("0.9: {WHY}"));
    assert_eq!((evidence.source.as_deref(), evidence.as_of), (Some("lexicon 1"), Some(at(1))));
    assert!(!heard[0].reason.contains("seriously"), "the sentence stays short: {}", heard[0].reason);
}

#[test]
fn a_score_that_comes_late_fires_as_of_its_message_and_as_if_it_had_come_with_it() {
    let told = |late: bool| {
        let mut desk = Desk::new(&rule(UPSET_AND_LARGE));
        desk.account(Some(at(0)), Some("enterprise"), None);
        desk.created("t", at(1));
        if !late {
            desk.feels("t", "escalation_risk", 0.9, WHY, at(5));
        }
        desk.message("t", at(5), Author::Customer);
        if late {
            desk.message("t", at(6), Author::Customer);
            desk.run_to(at(7));
            desk.feels("t", "escalation_risk", 0.9, WHY, at(5));
        }
        let heard = desk.heard();
        assert_eq!(heard.len(), 1);
        (heard[0].became_true_at, heard[0].reason.clone(), heard[0].evidence.clone())
    };
    assert_eq!(told(true).0, at(5));
    assert_eq!(told(true), told(false));
}

#[test]
fn a_score_that_is_read_before_its_ticket_fires_with_it() {
    let mut desk = Desk::new(&rule("    when: { ticket.escalation_risk: high }"));
    desk.feels("t", "escalation_risk", 0.9, WHY, at(1));
    desk.created("t", at(1));
    assert_eq!(desk.said(), ["opened t 2 @1"]);
}

#[test]
fn an_older_score_that_comes_late_does_not_count_any_more() {
    let mut desk = Desk::new(&rule("    when: { ticket.escalation_risk: high }"));
    desk.created("t", at(0));
    desk.feels("t", "escalation_risk", 0.1, "“thank you” (thanks)", at(9));
    desk.feels("t", "escalation_risk", 0.9, WHY, at(5));
    assert_eq!(desk.said(), Vec::<String>::new());
}

#[test]
fn why_is_kept_of_the_last_few_and_of_the_lowest_and_the_highest_alone() {
    let lowest = "    when: { all: [ { ticket.sentiment: { at_most: -0.5, take: lowest } }, { account.plan: pro } ] }";
    let mut desk = Desk::new(&rule(lowest));
    desk.created("t", at(0));
    desk.feels("t", "sentiment", -0.9, "why-lowest", at(1));
    for minute in 2..100 {
        desk.feels("t", "sentiment", 0.0, &format!("why-{minute}"), at(minute));
    }
    let mut kept = Vec::new();
    desk.engine.snapshot(&mut |_, value| {
        let text = String::from_utf8_lossy(value).into_owned();
        kept.extend(text.match_indices("why-").map(|(place, _)| text[place..].chars().take(6).collect::<String>()));
    });
    assert_eq!(kept, ["why-lo", "why-96", "why-97", "why-98", "why-99"]);
    desk.account(Some(at(100)), Some("pro"), None);
    assert_eq!(desk.heard()[0].evidence[0].value, "-0.9: why-lowest");
}
