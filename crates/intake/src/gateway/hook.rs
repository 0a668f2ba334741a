//! One request: who calls, whether it is true, what is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json as Answered;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tierline_observe::DeliveryOutcome;

use super::body::{self, NotWhole};
use super::work::NotTaken;
use super::{Gateway, Trusted};
use crate::{Answer, Arrived, Delivery, Source};

/// The gateway's one address.
pub fn routes(gateway: Gateway) -> Router {
    Router::new().route("/hooks/{name}", post(hook).head(there)).with_state(Arc::new(gateway))
}

/// Intercom asks so whether anybody is at an address, before it takes it.
async fn there(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>) -> StatusCode {
    if gateway.sources.contains_key(&name) { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

/// Where nothing else is known, a sender may try again after this.
const SOON: Duration = Duration::from_secs(1);
/// While the log is away.
const LATER: Duration = Duration::from_secs(10);

/// What is answered.
struct Reply {
    status: StatusCode,
    outcome: DeliveryOutcome,
    told: Value,
    again: Option<Duration>,
}

async fn hook(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>, request: Request<Body>) -> Response {
    let began = Instant::now();
    let Some(source) = gateway.sources.get(&name) else {
        let told = json!({"error": "unknown_source", "reason": "no source of this name is configured"});
        return (StatusCode::NOT_FOUND, Answered(told)).into_response();
    };
    let reply = answer(&gateway, source.as_ref(), request).await;
    let now = (gateway.now)();
    gateway.metrics.delivered(&name, reply.outcome, began.elapsed(), now);
    if reply.status != StatusCode::OK {
        let (status, error) = (reply.status.as_u16(), &reply.told["error"]);
        match gateway.is_to_be_told(&name, now) {
            true => tracing::warn!(source = name, status, %error, "a delivery is not taken; said once a minute"),
            false => tracing::debug!(source = name, status, %error, "delivery not taken"),
        }
    }
    reply.into_response()
}

async fn answer(gateway: &Gateway, source: &dyn Source, request: Request<Body>) -> Reply {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        let why = "a payload is JSON: `content-type: application/json`";
        return Reply::no(StatusCode::UNSUPPORTED_MEDIA_TYPE, DeliveryOutcome::Unfit, "unsupported_type", why);
    }
    if !gateway.directory.is_ready() {
        return Reply::unavailable("the gateway is still reading what it must remember", SOON);
    }
    let limit = gateway.settings.body_limit;
    let arrived = tokio::time::timeout(gateway.settings.timeout, body::whole(body, limit, &gateway.bodies)).await;
    let held = match arrived.unwrap_or(Err(NotWhole::TooSlow)) {
        Ok(held) => held,
        Err(why) => return Reply::not_whole(why, limit),
    };
    let verified = verified(gateway, source, &head, held.body.clone());
    // It is known who sends it: from here on it takes room in the queue alone, however slow the log is.
    drop(held);
    match verified {
        Ok(arrived) => work_off(gateway, arrived).await,
        Err(reply) => reply,
    }
}

/// The delivery, if it is from whom it claims to be from.
fn verified(gateway: &Gateway, source: &dyn Source, head: &Parts, body: Bytes) -> Result<Arrived, Reply> {
    let headers: Vec<(&str, &str)> =
        head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let settings = &gateway.settings;
    let uri = original_uri(&settings.trusted, settings.tls.is_some(), head);
    let received_at = (gateway.now)();
    let delivery = Delivery { method: head.method.as_str(), uri: &uri, headers: &headers, body: &body, received_at };
    if let Err(refused) = source.verify(&delivery) {
        let why = refused.to_string();
        return Err(Reply::no(StatusCode::UNAUTHORIZED, DeliveryOutcome::Refused, refused.code(), &why));
    }
    let kept = source.kept_headers();
    let headers = headers.iter().filter(|(name, _)| kept.contains(name));
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Arrived { source: source.basics().name.clone(), headers, body, received_at, position: None, asked: None })
}

/// What the sender called, as far as the configured headers say.
fn original_uri(trusted: &Trusted, over_tls: bool, head: &Parts) -> String {
    let last = |name: &Option<String>| last_of(&head.headers, name.as_deref()?);
    // A host and a scheme have no comma; a path may have some of its own.
    let last_listed = |name: &Option<String>| last(name)?.rsplit(',').next().map(str::trim).filter(|it| !it.is_empty());
    let own = if over_tls { "https" } else { "http" };
    let scheme = last_listed(&trusted.scheme).unwrap_or(own);
    let host = last_listed(&trusted.host);
    let host = host.or_else(|| head.headers.get(header::HOST)?.to_str().ok()).unwrap_or_default();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = last(&trusted.path).unwrap_or(path);
    // Some proxies give the whole of it.
    let is_whole = path.starts_with("http://") || path.starts_with("https://");
    if is_whole { path.to_owned() } else { format!("{scheme}://{host}{path}") }
}

/// The value that was said last: a proxy adds its own after what a caller pretends.
fn last_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get_all(name).iter().next_back()?;
    value.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

async fn work_off(gateway: &Gateway, arrived: Arrived) -> Reply {
    let answered = match gateway.queue.put(arrived) {
        Ok(answered) => answered,
        Err(NotTaken::Full) => {
            let reply = Reply::unavailable("too many deliveries wait", SOON);
            return Reply { status: StatusCode::TOO_MANY_REQUESTS, ..reply };
        }
        Err(NotTaken::Closed) => {
            tracing::error!("nothing works deliveries off any more");
            return Reply::unavailable("deliveries are not worked off", LATER);
        }
    };
    let answer = match tokio::time::timeout(gateway.settings.timeout, answered).await {
        Ok(Ok(answer)) => answer,
        // Its thread has died, or takes longer than the sender will wait.
        Ok(Err(_)) | Err(_) => Answer::Unavailable,
    };
    match answer {
        Answer::Taken { records: 0, repeats } if repeats > 0 => {
            Reply::ok(DeliveryOutcome::Repeated, json!({"outcome": "repeated", "repeats": repeats}))
        }
        Answer::Taken { records, repeats } => {
            Reply::ok(DeliveryOutcome::Taken, json!({"outcome": "taken", "records": records, "repeats": repeats}))
        }
        Answer::Ignored => Reply::ok(DeliveryOutcome::Ignored, json!({"outcome": "ignored"})),
        Answer::Unreadable(why) => {
            Reply::no(StatusCode::UNPROCESSABLE_ENTITY, DeliveryOutcome::Unreadable, why.code, &why.reason)
        }
        Answer::TooLarge => {
            let why = "the log takes no record of this size; what it takes of it lies in `dead-letters`";
            Reply::no(StatusCode::PAYLOAD_TOO_LARGE, DeliveryOutcome::Unfit, "too_large", why)
        }
        Answer::Unavailable => Reply::unavailable("the log does not answer", LATER),
    }
}

/// Whether a body is JSON, as far as its sender says.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(told) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(told) = told.to_str() else { return false };
    let essence = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

impl Reply {
    fn ok(outcome: DeliveryOutcome, told: Value) -> Reply {
        Reply { status: StatusCode::OK, outcome, told, again: None }
    }

    fn no(status: StatusCode, outcome: DeliveryOutcome, error: &str, reason: &str) -> Reply {
        Reply { status, outcome, told: json!({"error": error, "reason": reason}), again: None }
    }

    fn not_whole(why: NotWhole, limit: usize) -> Reply {
        let unfit = |status, error, reason: &str| Reply::no(status, DeliveryOutcome::Unfit, error, reason);
        match why {
            NotWhole::TooLong => {
                let reason = format!("a body has at most {limit} bytes (`intake.body_limit`)");
                unfit(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &reason)
            }
            NotWhole::TooSlow => unfit(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body took too long to arrive"),
            NotWhole::BrokenOff => unfit(StatusCode::BAD_REQUEST, "broken_off", "the body broke off"),
            NotWhole::NoRoom => Reply::unavailable("too many bodies are on their way", SOON),
        }
    }

    fn unavailable(reason: &str, again: Duration) -> Reply {
        let reply = Reply::no(StatusCode::SERVICE_UNAVAILABLE, DeliveryOutcome::Unavailable, "unavailable", reason);
        Reply { again: Some(again), ..reply }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, Answered(self.told)).into_response();
        if let Some(again) = self.again {
            response.headers_mut().insert(header::RETRY_AFTER, again.as_secs().into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(uri: &str, headers: &[(&str, &str)]) -> String {
        let named = |name: &str| Some(name.to_owned());
        let trusted = Trusted { scheme: named("x-scheme"), host: named("x-host"), path: named("x-path") };
        let request =
            headers.iter().fold(Request::builder().uri(uri), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).expect("it is a request").into_parts();
        original_uri(&trusted, false, &head)
    }

    #[test]
    fn an_address_within_a_query_is_no_whole_uri() {
        let host = ("host", "a.example");
        assert_eq!(called("/hooks/x?next=https://b", &[host]), "http://a.example/hooks/x?next=https://b");
        assert_eq!(called("/hooks/x", &[host, ("x-path", "https://c/y?a=1,2")]), "https://c/y?a=1,2");
    }

    #[test]
    fn of_repeated_headers_the_proxys_is_believed() {
        let said = [("x-host", "forged"), ("x-host", "forged, real "), ("x-scheme", "http,https"), ("x-path", "/f")];
        assert_eq!(called("/", &[&said[..], &[("x-path", "/y?a=1,2")]].concat()), "https://real/y?a=1,2");
    }
}
