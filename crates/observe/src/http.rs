//! `/metrics`, `/livez`, `/readyz`, and `/v1/why/{ticket}` (see [`crate::why`]).

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::why::{self, Why};
use crate::{Health, Metrics};

/// Takes the address, so that a taken port is known before anything starts.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until `stop` is ready.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Health,
    why: Why,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics_text).with_state(metrics))
        .route("/livez", get(alive).with_state(health.clone()))
        .route("/readyz", get(ready).with_state(health))
        .merge(why::routes(why));
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

async fn metrics_text(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}

async fn alive(State(health): State<Health>) -> impl IntoResponse {
    answer(health.dead(), "alive\n".to_owned())
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let states = health.standings();
    let states = states.iter().map(|(partition, state)| format!("{partition}: {state}\n"));
    answer(health.missing(), format!("ready\n{}", states.collect::<String>()))
}

fn answer(missing: Vec<String>, well: String) -> (StatusCode, String) {
    match missing.is_empty() {
        true => (StatusCode::OK, well),
        false => (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PartitionState;
    use crate::why::{Access, Questions};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn answers_what_is_missing_until_nothing_is() {
        let (metrics, health) = (Metrics::new("1", 0), Health::default());
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let why = Why { access: Access::Off, questions: Questions::default(), address, patience: Why::PATIENCE };
        let server = tokio::spawn(serve(listener, metrics, health.clone(), why, async {
            let _ = stopped.await;
        }));

        health.lane_assigned(0);
        health.partition(0, PartitionState::Restoring);
        let answer = ask(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("partition 0: restoring\n"), "{answer}");
        health.partition(0, PartitionState::CaughtUp);
        let answer = ask(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ready\npartition 0: caught up\n"), "{answer}");
        assert!(ask(address, "/livez").await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, "/metrics").await.contains("tierline_build_info{version=\"1\"} 1"));
        assert!(ask(address, "/nowhere").await.starts_with("HTTP/1.1 404"));
        assert!(ask(address, "/v1/why/T1").await.starts_with("HTTP/1.1 403"));

        health.lane_ended(0, "fenced");
        assert!(ask(address, "/livez").await.starts_with("HTTP/1.1 503"));
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}
