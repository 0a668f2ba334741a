//! Whether a message is in English: by its own words where they tell, by a library where they leave a doubt.
//!
//! A library alone takes *still waiting* for Swedish: three words have too few letter sequences. Most of an English
//! message's words stand in our lists, so their share decides, and only what lies between is asked of the library.

use std::sync::LazyLock;

use whatlang::{Detector, Lang};

use crate::cues::Cues;
use crate::reading::Reading;

/// From this share of known English words on, no library is asked.
const SURELY: f64 = 0.45;
/// From this share on, what the library isn't sure of is English.
const LIKELY: f64 = 0.25;
/// Below it, a message of [`ENOUGH`] words is in another language, or in none.
const HARDLY: f64 = 0.15;
const ENOUGH: usize = 6;
/// Up to so many words a message is English if our lists have all of them, whoever else writes them so: `ok`.
const SHORT: usize = 3;
/// So many characters are enough for the library.
const SAMPLE: usize = 120;
/// What the library chooses from. Each costs time; any other looks more like one of these than like English.
const LANGUAGES: [Lang; 13] = [
    Lang::Eng,
    Lang::Deu,
    Lang::Fra,
    Lang::Spa,
    Lang::Por,
    Lang::Ita,
    Lang::Nld,
    Lang::Swe,
    Lang::Dan,
    Lang::Pol,
    Lang::Tur,
    Lang::Fin,
    Lang::Ind,
];

/// Whether a message is in English. One without a word in it is, if it has a face that everybody reads.
pub fn is_english(text: &str, reading: &Reading<'_>) -> bool {
    if reading.words == 0 {
        return !reading.hits.is_empty() && reading.foreign == 0;
    }
    if reading.foreign > reading.words {
        return false;
    }
    let share = reading.english as f64 / reading.words as f64;
    match share {
        SURELY.. => true,
        _ if share < HARDLY && reading.words >= ENOUGH => false,
        _ => library_says(text, reading)
            .unwrap_or(share >= LIKELY || reading.words <= SHORT && reading.listed == reading.words),
    }
}

/// Yes, no, or that it isn't sure.
fn library_says(text: &str, reading: &Reading<'_>) -> Option<bool> {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::with_allowlist(LANGUAGES.to_vec()));
    let end = text.char_indices().nth(SAMPLE).map_or(text.len(), |(end, _)| end);
    let found = DETECTOR.detect(&text[..end])?;
    match found.lang() {
        Lang::Eng if found.is_reliable() || reading.english > 0 => Some(true),
        Lang::Eng => None,
        _ => found.is_reliable().then_some(false),
    }
}

/// Marks the words that speak for English: those of the lists, without those that other languages write alike.
pub fn mark_english(cues: &mut Cues) {
    let common = words(include_str!("../data/english.txt")).map(str::to_owned);
    let listed: Vec<String> = cues.words().map(str::to_owned).chain(common).collect();
    listed.iter().for_each(|word| cues.known_mut(word).english = true);
    words(include_str!("../data/shared.txt")).for_each(|word| cues.known_mut(word).english = false);
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use crate::Scorer;

    #[test]
    fn a_short_english_complaint_is_known() {
        let short = [
            "broken",
            "app down",
            "still waiting",
            "third time I ask",
            "not happy",
            "Worst. Service. Ever.",
            "why??",
            "ok",
            "error",
        ];
        for text in short {
            assert!(Scorer::built_in().score(text).is_some(), "{text}");
        }
    }

    #[test]
    fn another_language_is_unknown() {
        let foreign = [
            "Ich warte seit drei Tagen auf eine Antwort, das ist doch kein Service!",
            "No funciona la aplicación y nadie me responde",
            "Votre application est en panne depuis ce matin",
            "Kaputt!",
            "アプリが動きません",
            "Приложение не работает",
            "التطبيق لا يعمل",
            "La mia carta è bloccata da due giorni, error 500",
            "De app is down en ik krijg geen antwoord",
            "Mon vol est annulé, service client horrible",
            "O aplicativo não funciona e ninguém responde",
            "Mi vuelo fue cancelado y no me responden",
            "Dit is de derde keer dat ik bel",
            "Bitte um Rückruf",
            "Aplikasi tidak berfungsi sejak pagi",
            "Sovellus ei toimi eikä kukaan vastaa",
            "Aplicația nu funcționează de ieri",
            "Az alkalmazás tegnap óta nem működik",
            "Hindi gumagana ang app ninyo mula kahapon",
            "",
            "12345",
        ];
        for text in foreign {
            assert_eq!(Scorer::built_in().score(text), None, "{text}");
        }
    }
}
