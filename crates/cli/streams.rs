//! Topics as people name them on the command line: by the contract's stream, or by the cluster's name.

use tierline_model::RecordType;
use tierline_stream::topics::{Names, Stream, detect_inputs, detect_outputs};

use crate::ended::Untried;

/// A topic that somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it carries.
    pub stream: Stream,
    /// What the cluster calls it.
    pub topic: String,
}

/// The topic that `name` means: the cluster's name, or the stream's where that is one topic.
///
/// # Errors
/// An unknown name, with all there are; a stream of several topics, with them.
pub fn find(names: &Names, name: &str) -> Result<Named, Untried> {
    let all = all(names);
    if let Some(named) = all.iter().find(|named| named.topic == name) {
        return Ok(named.clone());
    }
    let mut meant = all.iter().filter(|named| word(named.stream) == name);
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(_), Some(_)) => {
            let topics = all.iter().filter(|named| word(named.stream) == name).map(|named| named.topic.as_str());
            let topics: Vec<_> = topics.collect();
            Err(Untried::because(format!("'{name}' are several topics; name one of {}", topics.join(", "))))
        }
        (None, _) => {
            let topics: Vec<_> = all.iter().map(|named| named.topic.as_str()).collect();
            Err(Untried::because(format!("no topic is called '{name}'; there are {}", topics.join(", "))))
        }
    }
}

/// Every topic of the stages, detect's inputs first, then those of intake.
pub fn all(names: &Names) -> Vec<Named> {
    let inputs = detect_inputs(names).into_iter();
    let others = [
        (Stream::ScoreState, names.score_state.clone()),
        (Stream::Directory, names.directory.clone()),
        (Stream::Aliases, names.aliases.clone()),
        (Stream::IntakeRaw, names.intake_raw.clone()),
    ];
    // `account-moves` is both.
    let outputs = detect_outputs(names).into_iter().filter(|(stream, _)| *stream != Stream::AccountMoves);
    inputs.chain(outputs).chain(others).map(|(stream, topic)| Named { stream, topic }).collect()
}

/// The contract's name of a stream.
pub fn word(stream: Stream) -> &'static str {
    match stream {
        Stream::Tickets => "tickets",
        Stream::Accounts(_) => "accounts",
        Stream::Billing(_) => "billing",
        Stream::AccountChanges => "account-changes",
        Stream::BillingChanges => "billing-changes",
        Stream::AccountMoves => "account-moves",
        Stream::Signals => "signals",
        Stream::Commands => "commands",
        Stream::Escalations => "escalations",
        Stream::EscalationsShadow => "escalations-shadow",
        Stream::EscalationQueue => "escalation-queue",
        Stream::SlaEvents => "sla-events",
        Stream::DetectState => "detect-state",
        Stream::ScoreState => "score-state",
        Stream::DeadLetters => "dead-letters",
        Stream::Directory => "directory",
        Stream::Aliases => "aliases",
        Stream::IntakeRaw => "intake-raw",
    }
}

/// The record that a stream carries; none for what is not of one kind.
pub fn record_type(stream: Stream) -> Option<RecordType> {
    match stream {
        Stream::EscalationsShadow => Some(RecordType::Escalations),
        Stream::AccountMoves
        | Stream::DetectState
        | Stream::ScoreState
        | Stream::DeadLetters
        | Stream::Directory
        | Stream::Aliases
        | Stream::IntakeRaw => None,
        other => RecordType::from_word(word(other)),
    }
}

/// The record that others may send to a topic.
///
/// # Errors
/// Only Tierline itself writes to it.
pub fn input(to: &Named) -> Result<RecordType, String> {
    let record = record_type(to.stream).filter(|record| record.is_input());
    record.ok_or_else(|| format!("only Tierline itself writes to '{}'", word(to.stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_found_by_either_name_and_several_sources_by_their_topics() {
        let names = Names { accounts: vec!["crm".into(), "erp".into()], ..Names::with_prefix("eu.") };
        assert_eq!(find(&names, "tickets").unwrap().topic, "eu.tickets");
        assert_eq!(find(&names, "eu.tickets").unwrap().stream, Stream::Tickets);
        assert_eq!(find(&names, "erp").unwrap().stream, Stream::Accounts(1));
        let Err(Untried::Because(why)) = find(&names, "accounts") else { panic!("two topics are not one") };
        assert_eq!(why, "'accounts' are several topics; name one of crm, erp");
        assert!(matches!(find(&names, "tickts"), Err(Untried::Because(why)) if why.contains("eu.tickets")));
    }

    #[test]
    fn every_stream_but_the_mixed_ones_has_a_record() {
        for Named { stream, .. } in all(&Names::default()) {
            let mixed =
                ["account-moves", "detect-state", "score-state", "dead-letters", "directory", "aliases", "intake-raw"];
            assert_eq!(record_type(stream).is_none(), mixed.contains(&word(stream)), "{stream:?}");
        }
    }
}
