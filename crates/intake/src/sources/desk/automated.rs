//! What nobody wrote: out-of-office replies, merge comments, surveys. They neither start nor end a wait.

use crate::Json;

/// How subjects of automatic replies begin, as mail programs write them: Outlook and Exchange, Gmail, Apple Mail,
/// Lotus Notes, in the languages that they are most often met in.
const SUBJECTS: &[&str] = &[
    "automatic reply:",
    "auto reply:",
    "auto-reply:",
    "autoreply:",
    "auto response:",
    "out of office:",
    "out of the office:",
    "out of office reply",
    "automatische antwort:",
    "abwesenheitsnotiz:",
    "réponse automatique",
    "respuesta automática:",
    "resposta automática:",
    "risposta automatica:",
    "automatisch antwoord:",
    "automatiskt svar:",
    "自動応答:",
];

/// Whether a subject is that of an automatic reply.
pub fn is_automatic_subject(subject: &str) -> bool {
    let subject = subject.trim_start().as_bytes();
    let begins =
        |begin: &&str| subject.get(..begin.len()).is_some_and(|same| same.eq_ignore_ascii_case(begin.as_bytes()));
    SUBJECTS.iter().any(begins)
}

/// Whether a mail's headers say that nobody wrote it: RFC 3834 (`Auto-Submitted` other than `no`), and what mail
/// programs wrote before it.
pub fn has_automatic_headers(headers: Json<'_>) -> bool {
    headers.members().any(|(name, value)| {
        let value = value.text().unwrap_or_default().trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "auto-submitted" => !value.is_empty() && value != "no",
            "x-autoreply" | "x-autorespond" => !value.is_empty() && value != "no",
            "precedence" => value == "auto_reply",
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_out_of_office_reply_is_told_by_its_subject_and_its_headers() {
        assert!(is_automatic_subject("Automatic reply: Re: [#42] Export fails"));
        assert!(is_automatic_subject("Abwesenheitsnotiz: Ihr Anliegen"));
        assert!(!is_automatic_subject("Automatic reply does not work"));
        let automatic = |headers: serde_json::Value| has_automatic_headers(Json::new(&headers));
        assert!(automatic(json!({"Auto-Submitted": "auto-replied"})));
        assert!(!automatic(json!({"auto-submitted": "no", "Subject": "Hello"})));
        assert!(automatic(json!({"Precedence": "auto_reply"})));
        assert!(!automatic(json!({"Precedence": "bulk"})));
    }
}
