//! What a score is called on `signals`.

use uuid::Uuid;

/// Which model made a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    /// Its name.
    pub name: String,
    /// Its version: what scores otherwise has another one.
    pub version: String,
}

impl std::fmt::Display for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Under what ids of signals are made; never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1f_5d1e_0b43_5a53_9d4e_7a60_42f1_c0de);

/// The id of a signal: a UUIDv5 of the message, the signal's name and the model. A message that is scored twice by one
/// model gives one id, so that the second is known for a repeat; another model gives another.
pub fn signal_id(ticket_id: &str, message_id: &str, signal: &str, model: &ModelId) -> Uuid {
    let mut named = Vec::with_capacity(96);
    for part in [ticket_id, message_id, signal, &model.name, &model.version] {
        // With its length before it no two lists of parts look alike.
        named.extend((part.len() as u64).to_be_bytes());
        named.extend(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_message_signal_and_model() {
        let model = |version: &str| ModelId { name: "tierline-lexicon".to_owned(), version: version.to_owned() };
        let id = signal_id("desk:7", "m1", "sentiment", &model("1"));
        // It must not change from release to release.
        assert_eq!(id.to_string(), "3cd8ab58-24b2-5487-86ab-04b4157f1ad6");
        let others = [
            signal_id("desk:7", "m1", "escalation_risk", &model("1")),
            signal_id("desk:7", "m2", "sentiment", &model("1")),
            signal_id("desk:7", "m1", "sentiment", &model("2")),
            signal_id("desk:7m", "1", "sentiment", &model("1")),
        ];
        assert!(others.iter().all(|other| *other != id));
    }
}
