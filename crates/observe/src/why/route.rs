//! The route itself: what is asked, laid before the lanes; what they found, or who else may know.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::DateTime;
use serde_json::json;
use tokio::sync::mpsc::channel;
use tokio::time::{Instant, timeout_at};

use super::{Access, Asked, Found, Questions, Reply};

/// Who may ask, and whom.
#[derive(Clone)]
pub struct Why {
    /// Who may ask.
    pub access: Access,
    /// The lanes' queues.
    pub questions: Questions,
    /// Where this process listens: what others on this machine are told apart by.
    pub address: SocketAddr,
    /// How long the lanes may take.
    pub patience: Duration,
}

impl Why {
    /// How long the lanes may take: longer than a transaction lasts (`log.commit_interval` is at most 5 s).
    pub const PATIENCE: Duration = Duration::from_secs(6);
}

/// The route.
pub fn routes(why: Why) -> Router {
    Router::new().route("/v1/why/{ticket}", get(answer)).with_state(why)
}

async fn answer(
    State(why): State<Why>,
    Path(ticket): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some((status, message)) = why.access.refuses(&headers) {
        return refused(status, message);
    }
    let asked = match read(ticket, query.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(message) => return refused(StatusCode::BAD_REQUEST, &message),
    };
    match replies(&why, &asked).await {
        Ok(replies) => judge(why, replies).await,
        Err(message) => unavailable(message),
    }
}

/// The question. A key that means nothing would be an answer to another question.
fn read(ticket: String, query: &str) -> Result<Asked, String> {
    let mut asked = Asked { ticket, ..Asked::default() };
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "account" => asked.account = Some(value.into_owned()),
            "rule" => asked.rule = Some(value.into_owned()),
            "at" => asked.at = Some(instant(&value).ok_or("`at` is an instant: 2026-03-31T00:00:00Z")?),
            _ => return Err("only `account`, `rule` and `at` can be asked for".to_owned()),
        }
    }
    Ok(asked)
}

/// What the lanes found: all of them, or the one that knows.
async fn replies(why: &Why, asked: &Asked) -> Result<Vec<Reply>, &'static str> {
    let (to, mut answers) = channel(why.questions.lanes().max(1));
    let lanes = why.questions.ask(asked, &to).ok_or("too much is asked at once; try again")?;
    drop(to);
    if lanes == 0 {
        return Err("this instance is starting; try again");
    }
    let deadline = Instant::now() + why.patience;
    let mut replies = Vec::with_capacity(lanes);
    while replies.len() < lanes {
        match timeout_at(deadline, answers.recv()).await {
            Ok(Some(reply)) if reply.found != Found::NoTicket => return Ok(vec![reply]),
            Ok(Some(reply)) => replies.push(reply),
            Ok(None) => return Err("a lane has ended; see /livez"),
            Err(_) => return Err("the state is being restored, or too much is to be done first; see /readyz"),
        }
    }
    Ok(replies)
}

async fn judge(why: Why, replies: Vec<Reply>) -> Response {
    match replies.first().map(|reply| &reply.found) {
        Some(Found::Told(json)) => return json_body(StatusCode::OK, format!("{json}\n")),
        Some(Found::Gone(account)) => {
            let told = json!({ "error": "the ticket went to another account: ask with that", "account": account });
            return json_body(StatusCode::NOT_FOUND, format!("{told}\n"));
        }
        Some(Found::NoRule) => {
            return refused(StatusCode::BAD_REQUEST, "there is no such rule; `tierline explain` shows all");
        }
        Some(Found::Past(to)) => {
            let to = DateTime::from_timestamp_millis(*to).map(|to| to.to_rfc3339()).unwrap_or_default();
            let message = format!(
                "the state has come to {to} and does not look back; `tierline why --at` without --instance lives \
                 through what the log still holds"
            );
            return refused(StatusCode::BAD_REQUEST, &message);
        }
        Some(Found::Unforeseen(message)) => return refused(StatusCode::BAD_REQUEST, message),
        Some(Found::Failed(message)) => return refused(StatusCode::INTERNAL_SERVER_ERROR, message),
        Some(Found::NoTicket) | None => {}
    }
    let owned: BTreeSet<i32> = replies.iter().flat_map(|reply| reply.owned.iter().copied()).collect();
    let wanted = replies.iter().find_map(|reply| reply.wanted);
    let partitions = replies.iter().map(|reply| reply.partitions).max().unwrap_or(0);
    let is_all = wanted.map_or_else(|| owned.len() >= partitions as usize, |wanted| owned.contains(&wanted));
    if is_all {
        return refused(StatusCode::NOT_FOUND, "there is no such ticket");
    }
    let missing = move |partition: i32| match wanted {
        Some(wanted) => partition == wanted,
        None => !owned.contains(&partition),
    };
    elsewhere(why, missing).await
}

/// Nobody here has it, and others have a share of the work.
async fn elsewhere(why: Why, missing: impl Fn(i32) -> bool) -> Response {
    let questions = why.questions;
    // It asks the cluster, which may take its time: not on a thread that answers others.
    let asked = tokio::task::spawn_blocking(move || questions.elsewhere().map(|elsewhere| elsewhere.owners()));
    let owners = match asked.await {
        Ok(Some(Ok(owners))) => owners,
        Ok(Some(Err(message))) => return unavailable(&format!("another instance owns it, and {message}")),
        Ok(None) | Err(_) => Vec::new(),
    };
    let addresses = owners.into_iter().filter(|owner| missing(owner.partition)).filter_map(|owner| owner.address);
    let instances: BTreeSet<String> = addresses.filter(|told| is_another(told, why.address)).collect();
    if instances.is_empty() {
        // It may well be there: whoever owns it restores, or has not said where it answers.
        let message = "there is no such ticket in the partitions that this instance owns, and who owns the others has \
                       not said where it answers: try again, ask it, or set its observe.advertise";
        return unavailable(message);
    }
    let message = match instances.len() {
        1 => "another instance owns it",
        _ => "another instance owns it; with ?account=… it is known which",
    };
    let mut answer = error(StatusCode::MISDIRECTED_REQUEST, message, &instances);
    let only = instances.iter().next().filter(|_| instances.len() == 1);
    if let Some(location) = only.and_then(|address| HeaderValue::from_str(address).ok()) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// Whether an address is not this process's own. One on loopback means another process only to who is on loopback too.
fn is_another(told: &str, own: SocketAddr) -> bool {
    let plain = told.strip_prefix("http://").and_then(|rest| rest.parse::<SocketAddr>().ok());
    plain.is_none_or(|address| !address.ip().is_loopback() || (own.ip().is_loopback() && address.port() != own.port()))
}

fn instant(text: &str) -> Option<i64> {
    // In a query a `+` that nobody escaped is a space.
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc3339(&text.replace(' ', "+")));
    parsed.ok().map(|at| at.timestamp_millis())
}

fn unavailable(message: &str) -> Response {
    let mut answer = refused(StatusCode::SERVICE_UNAVAILABLE, message);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    answer
}

fn refused(status: StatusCode, message: &str) -> Response {
    let mut answer = error(status, message, &BTreeSet::new());
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

fn error(status: StatusCode, message: &str, instances: &BTreeSet<String>) -> Response {
    let told = match instances.is_empty() {
        true => json!({ "error": message }),
        false => json!({ "error": message, "instances": instances }),
    };
    json_body(status, format!("{told}\n"))
}

fn json_body(status: StatusCode, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests;
