//! Asking over HTTP, patiently: within a budget, waiting where the vendor throttles, again where it fails.

use std::time::{Duration, Instant};

use serde_json::Value;
use tierline_model::Millis;
use tierline_observe::{Asking, IntakeMetrics};
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body, RequestBuilder};

use super::pace::{Budget, asked_for, back_off};
use super::{Halt, Stop};

/// An answer is no longer than this, bytes.
const LONGEST: u64 = 64 << 20;
/// A request that fails so often in a row fails its round.
const TRIES: u32 = 5;
/// How long one request may take in all.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A vendor's API over HTTP.
#[derive(Debug)]
pub struct Http {
    place: Place,
    agent: Agent,
    budget: Budget,
    /// `Authorization`, once it is known.
    authorization: Option<String>,
    headers: &'static [(&'static str, &'static str)],
    /// How far the vendor's clock is behind ours, milliseconds; 0 where it is ahead.
    behind: Millis,
    stop: Stop,
    counted: Counted,
}

/// Where it is, and how it is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The beginning of every address, without a slash at its end.
    pub url: String,
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// How long to wait after a first failure.
    pub patience: Duration,
}

/// Whose requests are counted, and where.
#[derive(Clone)]
struct Counted {
    source: String,
    metrics: IntakeMetrics,
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)
    }
}

/// What is asked.
enum Question<'q> {
    Get(&'q [(&'q str, &'q str)]),
    Json(&'q Value),
    Form(&'q [(&'q str, &'q str)]),
}

/// What came of one try.
enum Try {
    Answer(Value),
    Halt(Asking, Halt),
    /// Later, after so long if the answer says so.
    Throttled(Option<Duration>),
    Failed(Asking, String),
}

impl Http {
    /// One that nobody has been asked by.
    pub fn new(
        place: Place,
        headers: &'static [(&'static str, &'static str)],
        stop: Stop,
        source: &str,
        metrics: IntakeMetrics,
    ) -> Http {
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .user_agent(concat!("tierline/", env!("CARGO_PKG_VERSION")));
        Http {
            agent: Agent::new_with_config(config.build()),
            budget: Budget::new(place.requests_per_minute),
            place,
            authorization: None,
            headers,
            behind: 0,
            stop,
            counted: Counted { source: source.to_owned(), metrics },
        }
    }

    /// Asks with this from now on; none: as nobody.
    pub fn authorize(&mut self, authorization: Option<String>) {
        self.authorization = authorization;
    }

    /// Whether it is known who asks.
    pub fn is_authorized(&self) -> bool {
        self.authorization.is_some()
    }

    /// How far the vendor's clock was behind ours when it answered last, milliseconds; 0 where it was ahead.
    pub fn behind(&self) -> Millis {
        self.behind
    }

    /// What ends its waiting.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// [`Halt`], once nothing helps any more.
    pub fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Value, Halt> {
        self.ask(path, &Question::Get(query))
    }

    /// What is answered to JSON.
    ///
    /// # Errors
    /// [`Halt`], once nothing helps any more.
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Value, Halt> {
        self.ask(path, &Question::Json(body))
    }

    /// What is answered to a form.
    ///
    /// # Errors
    /// [`Halt`], once nothing helps any more.
    pub fn form(&mut self, path: &str, form: &[(&str, &str)]) -> Result<Value, Halt> {
        self.ask(path, &Question::Form(form))
    }

    fn ask(&mut self, path: &str, question: &Question<'_>) -> Result<Value, Halt> {
        let (mut failures, mut throttles) = (0, 0);
        loop {
            self.stop.wait(self.budget.wait(Instant::now()))?;
            self.budget.spend(Instant::now());
            let (outcome, wait) = match self.once(path, question) {
                Try::Answer(value) => {
                    self.count(Asking::Answered);
                    return Ok(value);
                }
                Try::Halt(outcome, halt) => {
                    self.count(outcome);
                    return Err(halt);
                }
                Try::Throttled(after) => {
                    throttles += 1;
                    let wait = after.unwrap_or_else(|| back_off(self.place.patience, throttles));
                    (Asking::Throttled, wait)
                }
                Try::Failed(outcome, why) => {
                    failures += 1;
                    if failures == TRIES {
                        self.count(outcome);
                        return Err(Halt::Away(why));
                    }
                    (outcome, back_off(self.place.patience, failures))
                }
            };
            self.count(outcome);
            self.stop.wait(wait)?;
        }
    }

    fn once(&mut self, path: &str, question: &Question<'_>) -> Try {
        let url = format!("{}{path}", self.place.url);
        let sent = match question {
            Question::Get(query) => self.about(self.agent.get(url)).query_pairs(query.iter().copied()).call(),
            Question::Json(body) => self.about(self.agent.post(url)).send_json(body),
            Question::Form(form) => self.about(self.agent.post(url)).send_form(form.iter().copied()),
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return Try::Failed(Asking::Broken, told(&error)),
        };
        self.behind = behind(response.headers()).unwrap_or(self.behind);
        match read(&mut response) {
            Ok(body) => judged(response.status(), response.headers(), &body),
            Err(error) => Try::Failed(Asking::Broken, told(&error)),
        }
    }

    fn about<B>(&self, mut request: RequestBuilder<B>) -> RequestBuilder<B> {
        request = request.header("Accept", "application/json");
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    fn count(&self, outcome: Asking) {
        self.counted.metrics.asked(&self.counted.source, outcome);
    }
}

fn read(response: &mut Response<Body>) -> Result<Vec<u8>, ureq::Error> {
    response.body_mut().with_config().limit(LONGEST).read_to_vec()
}

/// What an answer means, whole as it is.
fn judged(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Try {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Try::Throttled(retry_after(headers)),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Try::Halt(Asking::Refused, Halt::Refused(status.as_u16())),
        StatusCode::NOT_FOUND | StatusCode::GONE => Try::Halt(Asking::Missing, Halt::Missing(status.as_u16())),
        // Whoever is down for a while says for how long.
        StatusCode::SERVICE_UNAVAILABLE if headers.contains_key("retry-after") => Try::Throttled(retry_after(headers)),
        _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Try::Failed(Asking::Failed, status.to_string())
        }
        _ if status.is_success() => match serde_json::from_slice(body) {
            Ok(value) => Try::Answer(value),
            // A body that was cut off, or what a proxy says in its place.
            Err(error) => Try::Failed(Asking::Broken, format!("it is not JSON: line {}", error.line())),
        },
        _ => Try::Halt(Asking::Odd, Halt::Odd(status.to_string())),
    }
}

/// When to come again: `Retry-After` in seconds or as a date, else the instant at which Intercom's limit is lifted.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let until = |instant: Millis| {
        let seconds = (instant - now_by_the_wall()).max(0) / 1_000;
        asked_for(seconds.unsigned_abs() + 1)
    };
    if let Some(after) = text("retry-after") {
        // Some write fractions.
        let seconds = after.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
        return seconds.map(|seconds| asked_for(seconds.ceil() as u64)).or_else(|| date(after).map(until));
    }
    let reset = text("x-ratelimit-reset")?.parse::<Millis>().ok()?;
    // Others write how many seconds are left.
    Some(if reset > 1_000_000_000 {
        until(reset.saturating_mul(1_000))
    } else {
        asked_for(reset.max(0).unsigned_abs())
    })
}

/// How far behind ours the clock is that dated the answer.
fn behind(headers: &HeaderMap) -> Option<Millis> {
    let dated = date(headers.get("date")?.to_str().ok()?)?;
    Some((now_by_the_wall() - dated).max(0))
}

fn date(text: &str) -> Option<Millis> {
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|date| date.timestamp_millis())
}

/// For what is compared with another's wall clock at once.
fn now_by_the_wall() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

/// What went wrong, without the address: its query may hold a cursor, and its length is no help.
fn told(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "the address is none".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("it is a header's value"));
        headers
    }

    #[test]
    fn vendors_say_in_four_ways_when_to_come_again() {
        let after = |name, value: &str| retry_after(&headers(name, value)).map(|after| after.as_secs());
        assert_eq!(after("retry-after", "93"), Some(93));
        assert_eq!(after("retry-after", "0.4"), Some(1));
        assert_eq!(after("x-ratelimit-reset", "12"), Some(12));
        let soon = chrono::Utc::now() + chrono::TimeDelta::seconds(30);
        let near = |seconds: Option<u64>| seconds.is_some_and(|seconds| (28..=32).contains(&seconds));
        assert!(near(after("retry-after", &soon.to_rfc2822())));
        assert!(near(after("x-ratelimit-reset", &soon.timestamp().to_string())));
        assert_eq!((after("retry-after", "soon"), after("x-other", "1")), (None, None));
    }

    #[test]
    fn half_an_answer_is_tried_again_and_a_refusal_is_not() {
        let judged = |status, body: &str| match judged(status, &HeaderMap::new(), body.as_bytes()) {
            Try::Answer(_) => "answer",
            Try::Halt(..) => "halt",
            Try::Throttled(_) => "throttled",
            Try::Failed(..) => "failed",
        };
        assert_eq!(judged(StatusCode::OK, "{\"a\": 1}"), "answer");
        assert_eq!(judged(StatusCode::OK, "{\"a\":"), "failed");
        assert_eq!(judged(StatusCode::BAD_GATEWAY, ""), "failed");
        assert_eq!(judged(StatusCode::TOO_MANY_REQUESTS, ""), "throttled");
        assert_eq!(judged(StatusCode::FORBIDDEN, "{}"), "halt");
    }
}
