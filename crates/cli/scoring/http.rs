//! A scorer that is asked over HTTP: one question a message, bounded in every way; what it does not answer in time, or
//! answers wrongly, somebody else answers, or nobody.
//!
//! No log line has a customer's words in it, nor the token.

use std::time::{Duration, Instant};

use tierline_config::{Fallback, HttpScorer};
use tierline_score::Scorer;
use tierline_stream::score::{Answer, Message, Scores};
use ureq::config::AutoHeaderValue;
use ureq::http::StatusCode;

use super::pause::Pause;
use super::wire::{self, MOST_BYTES};

/// Asks a URL.
pub struct Http {
    agent: ureq::Agent,
    told: HttpScorer,
    fallback: Option<Scorer>,
    pause: Pause,
}

/// Why a question was not answered.
enum Unanswered {
    /// It may be another time.
    Now(String),
    /// Nor would it be if it were asked again.
    Ever(String),
}

/// A lane looks after its log again after about so long.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Between two tries, if there is time left.
const BREATH: Duration = Duration::from_millis(20);

impl Http {
    pub fn new(told: &HttpScorer) -> Http {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(told.connect_timeout))
            .timeout_global(Some(told.timeout))
            .http_status_as_error(false)
            // The token is for that address and no other.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // What is to be bounded is not unpacked.
            .accept_encoding(AutoHeaderValue::None)
            .build();
        let fallback = match &told.fallback {
            Fallback::BuiltIn => Some(Scorer::built_in()),
            Fallback::Model(model) => Some(Scorer::calibrated((**model).clone())),
            Fallback::Nobody => None,
        };
        Http { agent: ureq::Agent::new_with_config(config), told: told.clone(), fallback, pause: Pause::default() }
    }

    /// Asks as often as is worth it and as time is left.
    fn ask(&self, message: &Message<'_>) -> Result<Answer, Unanswered> {
        let question = wire::question(message);
        let until = Instant::now() + self.told.limit;
        let mut tries = 0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.try_once(&question, self.told.timeout.min(left)) {
                Err(Unanswered::Now(_)) if tries < self.told.retries && until > Instant::now() + 2 * BREATH => {
                    tries += 1;
                    std::thread::sleep(BREATH);
                }
                answered => return answered,
            }
        }
    }

    fn try_once(&self, question: &[u8], timeout: Duration) -> Result<Answer, Unanswered> {
        let request = self.agent.post(&self.told.url).config().timeout_global(Some(timeout)).build();
        let mut request = request.header("content-type", "application/json").header("accept", "application/json");
        if let Some(token) = &self.told.token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        let mut response = request.send(question).map_err(|error| Unanswered::Now(error.to_string()))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(Answer::Unknown),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                return Err(Unanswered::Now(format!("it answers {}", response.status())));
            }
            status if status.is_server_error() => return Err(Unanswered::Now(format!("it answers {status}"))),
            status => return Err(Unanswered::Ever(format!("it answers {status}"))),
        }
        let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                Unanswered::Ever(format!("its answer has more than {MOST_BYTES} bytes"))
            }
            other => Unanswered::Now(other.to_string()),
        })?;
        wire::answer(&body).map_err(Unanswered::Ever)
    }

    fn instead(&self, message: &Message<'_>) -> Answer {
        match self.fallback.as_ref().map(|scorer| Scores::score(scorer, message)) {
            Some(Answer::Scored(feeling)) => Answer::Fallback(feeling),
            Some(other) => other,
            None => Answer::Unanswered,
        }
    }
}

impl Scores for Http {
    fn score(&self, message: &Message<'_>) -> Answer {
        if !self.pause.may_ask(Instant::now()) {
            return self.instead(message);
        }
        match self.ask(message) {
            Ok(answer) => {
                if self.pause.answered() {
                    tracing::info!(url = self.told.url, "the scorer answers again");
                }
                answer
            }
            Err(Unanswered::Now(reason) | Unanswered::Ever(reason)) => {
                if let Some(pause) = self.pause.unanswered(Instant::now()) {
                    tracing::warn!(
                        url = self.told.url,
                        reason,
                        pause_ms = pause.as_millis() as u64,
                        fallback = self.fallback.is_some(),
                        "the scorer does not answer; it is not asked for a while"
                    );
                }
                self.instead(message)
            }
        }
    }

    fn most_at_once(&self) -> usize {
        (AT_ONCE.as_millis() / self.told.limit.as_millis().max(1)).max(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc;

    use tierline_score::ModelId;
    use tierline_stream::score::Feeling;

    use super::*;

    const UPSET: &str = "This is the third time I ask. I am seriously considering canceling.";
    const GOOD: &str = r#"{"sentiment": -0.4, "escalation_risk": 0.9, "model": "acme 7"}"#;

    /// What the server does with one question.
    #[derive(Clone)]
    enum Does {
        Answer(u16, String),
        /// Answers after so long.
        Slowly(Duration),
        /// One byte now and then, and never the last.
        Drip,
        HangUp,
        SendElsewhere(String),
    }

    fn good() -> Does {
        Does::Answer(200, GOOD.to_owned())
    }

    /// A server that does one thing after the other, each on a connection of its own.
    struct Server {
        url: String,
        asked: mpsc::Receiver<String>,
    }

    impl Server {
        fn doing(does: Vec<Does>) -> Server {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/score", listener.local_addr().unwrap());
            let (to, asked) = mpsc::channel();
            std::thread::spawn(move || {
                for does in does {
                    let (stream, _) = listener.accept().unwrap();
                    let to = to.clone();
                    std::thread::spawn(move || serve(stream, does, &to));
                }
            });
            Server { url, asked }
        }

        fn scorer(&self, change: impl FnOnce(&mut HttpScorer)) -> Http {
            let mut told = HttpScorer {
                url: self.url.clone(),
                token: None,
                connect_timeout: Duration::from_millis(500),
                timeout: Duration::from_secs(5),
                limit: Duration::from_secs(5),
                retries: 0,
                fallback: Fallback::BuiltIn,
            };
            change(&mut told);
            Http::new(&told)
        }

        /// All that was asked so far.
        fn asked(&self) -> Vec<String> {
            self.asked.try_iter().collect()
        }
    }

    /// A client that has given up is no error of the server's.
    fn serve(mut stream: TcpStream, does: Does, to: &mpsc::Sender<String>) {
        let _ = to.send(read(&stream));
        let answer = |stream: &mut TcpStream, status: u16, more: &str, body: &str| {
            let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{more}content-length: {}", body.len());
            let _ = write!(stream, "{head}\r\n\r\n{body}");
        };
        match does {
            Does::Answer(status, body) => answer(&mut stream, status, "", &body),
            Does::Slowly(after) => {
                std::thread::sleep(after);
                answer(&mut stream, 200, "", GOOD);
            }
            Does::Drip => {
                let _ = write!(stream, "HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\n");
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            Does::HangUp => drop(stream),
            Does::SendElsewhere(url) => answer(&mut stream, 307, &format!("location: {url}\r\n"), ""),
        }
    }

    /// Head and body of a request, as they came.
    fn read(stream: &TcpStream) -> String {
        let mut lines = BufReader::new(stream);
        let (mut all, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                break;
            }
            if let Some(told) = line.to_lowercase().strip_prefix("content-length: ") {
                length = told.trim().parse().unwrap();
            }
            all += &line;
        }
        let _ = lines.take(length).read_to_string(&mut all);
        all
    }

    fn message(text: &str) -> Message<'_> {
        let occurred_at = 1_772_416_800_000;
        Message { ticket_id: "T1", account_id: "acme", id: "m1", occurred_at, language: None, text }
    }

    fn is_fallback(answer: &Answer) -> bool {
        matches!(answer, Answer::Fallback(Feeling { model, .. }) if model.name == Scorer::NAME)
    }

    #[test]
    fn what_it_says_is_taken_and_it_is_asked_with_the_token() {
        let server = Server::doing(vec![good()]);
        let secret = tierline_config::Secret::of("s3cret");
        let answer = server.scorer(|told| told.token = Some(secret)).score(&message(UPSET));
        let Answer::Scored(feeling) = answer else { panic!("{answer:?}") };
        assert_eq!((feeling.sentiment, feeling.escalation_risk), (Some(-0.4), Some(0.9)));
        assert_eq!(feeling.model, ModelId { name: "acme".into(), version: "7".into() });
        let asked = &server.asked()[0];
        let head = asked.to_lowercase();
        assert!(head.starts_with("post /score http/1.1\r\n"), "{asked}");
        assert!(head.contains("\r\nauthorization: bearer s3cret\r\n"), "{asked}");
        assert!(asked.contains(r#""text":"This is the third time"#), "{asked}");
    }

    #[test]
    fn one_that_is_slow_is_given_up_in_time() {
        for does in [Does::Slowly(Duration::from_secs(20)), Does::Drip] {
            let server = Server::doing(vec![does; 3]);
            let scorer = server.scorer(|told| {
                (told.timeout, told.limit, told.retries) = (Duration::from_millis(150), Duration::from_millis(400), 5);
            });
            let began = Instant::now();
            assert!(is_fallback(&scorer.score(&message(UPSET))));
            let took = began.elapsed();
            assert!(took >= Duration::from_millis(300), "it was asked again while there was time: {took:?}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
    }

    #[test]
    fn one_that_fails_is_asked_again_and_one_that_refuses_is_not() {
        let server = Server::doing(vec![Does::HangUp, Does::Answer(503, String::new()), good()]);
        assert!(matches!(server.scorer(|told| told.retries = 2).score(&message(UPSET)), Answer::Scored(_)));
        assert_eq!(server.asked().len(), 3);
        for refusal in [400, 401, 404] {
            let server = Server::doing(vec![Does::Answer(refusal, String::new()), good()]);
            assert!(is_fallback(&server.scorer(|told| told.retries = 2).score(&message(UPSET))));
            assert_eq!(server.asked().len(), 1, "{refusal}");
        }
    }

    #[test]
    fn one_that_lies_is_not_believed() {
        let told = |body: &str| Does::Answer(200, body.to_owned());
        for lie in [
            told("<html>welcome</html>"),
            told(r#"{"sentiment": -7, "escalation_risk": 0.5, "model": "m 1"}"#),
            told(&format!(r#"{{"sentiment": 0, "model": "m 1", "explanation": "{}"}}"#, "x".repeat(100_000))),
        ] {
            let server = Server::doing(vec![lie]);
            assert!(is_fallback(&server.scorer(|_| ()).score(&message(UPSET))));
        }
        let unknown = Server::doing(vec![Does::Answer(204, String::new())]);
        assert_eq!(unknown.scorer(|_| ()).score(&message(UPSET)), Answer::Unknown);
    }

    #[test]
    fn nobody_is_asked_elsewhere_so_the_token_stays_where_it_belongs() {
        let other = Server::doing(vec![good()]);
        let server = Server::doing(vec![Does::SendElsewhere(other.url.clone())]);
        assert!(is_fallback(&server.scorer(|_| ()).score(&message(UPSET))));
        assert_eq!(other.asked(), Vec::<String>::new());
    }

    #[test]
    fn one_that_is_away_holds_up_three_messages_and_no_more() {
        let server = Server::doing(vec![Does::Slowly(Duration::from_secs(20)); 3]);
        let scorer = server.scorer(|told| told.limit = Duration::from_millis(100));
        let began = Instant::now();
        for _ in 0..200 {
            assert!(is_fallback(&scorer.score(&message(UPSET))));
        }
        // A fourth is asked only after a second's pause.
        assert!(server.asked().len() <= 3, "it was asked again and again");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }

    #[test]
    fn where_nobody_is_to_answer_instead_nobody_does_and_other_languages_stay_unknown() {
        let german = "Leider funktioniert der Export seit gestern nicht mehr, und niemand antwortet uns.";
        let answers = |fallback: Fallback, text: &str| {
            let server = Server::doing(vec![Does::HangUp]);
            server.scorer(|told| told.fallback = fallback).score(&message(text))
        };
        assert_eq!(answers(Fallback::Nobody, UPSET), Answer::Unanswered);
        assert_eq!(answers(Fallback::BuiltIn, german), Answer::Unknown);
    }

    #[test]
    fn the_longer_it_may_take_the_fewer_are_asked_before_the_log_is_looked_after() {
        let server = Server::doing(Vec::new());
        let at_once = |millis| server.scorer(|told| told.limit = Duration::from_millis(millis)).most_at_once();
        assert_eq!((at_once(10), at_once(1_000), at_once(5_000)), (200, 2, 1));
    }
}
