//! What a customer's message costs: `cargo bench --bench score`.
//!
//! A message of 500 characters may take 50 µs.

use std::hint::black_box;
use std::time::Instant;

use tierline_score::{Labelled, Scorer, calibrate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COMPLAINT: &str = "@airline I have been on hold for two hours and nobody answers. This is the third time I ask \
    about my refund, and I am seriously considering canceling my account. Your app is broken again, it shows an error \
    when I try to log in, and the agent yesterday was rude and hung up on me. I never received the confirmation email, \
    my bag is still lost, and you charged me twice! Thanks for nothing. Please have a supervisor call me today or I \
    will report you to the authorities. Very disappointed after ten years, and I used to";
const REQUEST: &str = "Hello team, we plan to bring forty colleagues into our workspace next month and would like to \
    know which plan suits us best. Most of them work from the office in Lisbon and sign in with their company \
    accounts. Is it possible to import them from a spreadsheet, and can I give some of them access to invoices only? \
    We also wonder how long audit logs are kept, and in which region our files would be stored. There is no hurry, \
    any day next week is fine. Thanks in advance, and have a great weekend over there in";
const FOREIGN: &str = "Ich warte seit drei Tagen auf eine Antwort, und niemand meldet sich. ";

/// Names and codes, of which no list knows enough.
const DOUBTFUL: &str = "Garcia Lopez MAD BCN Iberia gate Tarragona flight UA ";

fn main() {
    let began = Instant::now();
    let scorer = Scorer::built_in();
    println!("lists read in                     {:>8.2} ms", began.elapsed().as_secs_f64() * 1e3);
    let complaint = measure(&scorer, "a complaint of 500 characters", &cut(COMPLAINT, 500));
    let request = measure(&scorer, "a request of 500 characters", &cut(REQUEST, 500));
    measure(&scorer, "another language, 500 characters", &cut(&FOREIGN.repeat(10), 500));
    let doubtful = measure(&scorer, "one in doubt, 500 characters", &cut(&DOUBTFUL.repeat(12), 500));
    measure(&scorer, "another language, 30 characters", &cut(FOREIGN, 30));
    measure(&scorer, "a complaint of 100,000 characters", &COMPLAINT.repeat(200));
    let calibrated = Scorer::calibrated(calibrate("bench", &labels(), 0).expect("enough labels").0);
    measure(&calibrated, "a complaint, calibrated", &cut(COMPLAINT, 500));
    let slowest = complaint.max(request).max(doubtful);
    assert!(slowest <= 50.0, "a message took {slowest:.0} µs");
}

/// Microseconds a message, the best of many short runs.
fn measure(scorer: &Scorer, what: &str, text: &str) -> f64 {
    const MESSAGES: usize = 50;
    let run = || {
        let began = Instant::now();
        for _ in 0..MESSAGES {
            black_box(scorer.score(black_box(text)));
        }
        began.elapsed().as_secs_f64() * 1e6 / MESSAGES as f64
    };
    let best = (0..100).map(|_| run()).fold(f64::INFINITY, f64::min);
    println!("{what:<33} {best:>8.1} µs");
    best
}

/// A thousand messages of forty words of the texts above.
fn labels() -> Vec<Labelled> {
    let words = |text: &'static str| text.split_ascii_whitespace().collect::<Vec<_>>();
    let (complaint, request) = (words(COMPLAINT), words(REQUEST));
    let label = |nth: usize| {
        let negative = nth.is_multiple_of(2);
        let from = if negative { &complaint } else { &request };
        let text: Vec<_> = (0..40).map(|word| from[(nth * 7_919 + word * word * 31) % from.len()]).collect();
        Labelled { text: text.join(" "), negative }
    };
    (0..1_000).map(label).collect()
}

fn cut(text: &str, characters: usize) -> String {
    let cut: String = text.chars().take(characters).collect();
    assert_eq!(cut.chars().count(), characters);
    cut
}
