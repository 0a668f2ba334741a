//! What hosts a pipeline: the tokio runtime for HTTP and signals, the metrics and the health of the process.

use std::future::Future;
use std::net::SocketAddr;

use tierline_observe::{Health, Metrics};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::ended::Untried;
use crate::lanes::Lanes;
use crate::pipeline::Pipeline;
use crate::signals::Signals;

/// The process around a pipeline. Lanes never see tokio; it serves the edges only.
pub struct Host {
    runtime: Runtime,
    metrics: Metrics,
    health: Health,
}

/// How many ports after the wanted one are tried.
const NEAR: u16 = 20;

impl Host {
    /// Starts the runtime.
    pub fn new() -> Result<Host, Untried> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("edge").enable_all().build()?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), chrono::Utc::now().timestamp_millis());
        Ok(Host { runtime, metrics, health: Health::default() })
    }

    /// The process's metrics.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The process's health.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Takes this address.
    pub fn listen(&self, address: SocketAddr) -> Result<TcpListener, Untried> {
        self.block_on(tierline_observe::bind(address)).map_err(|error| {
            Untried::because(format!("cannot listen on {address} (observe.listen): {error}; choose another port"))
        })
    }

    /// Takes this address, or the same with the next port that is free.
    pub fn listen_near(&self, address: SocketAddr) -> Result<TcpListener, Untried> {
        for step in 0..NEAR {
            let Some(port) = address.port().checked_add(step) else { break };
            let near = SocketAddr::new(address.ip(), port);
            if let Ok(listener) = self.block_on(tierline_observe::bind(near)) {
                if step > 0 {
                    eprintln!("port {} is taken; metrics are on port {port}", address.port());
                }
                return Ok(listener);
            }
        }
        self.listen(SocketAddr::new(address.ip(), 0))
    }

    /// Answers over HTTP from now on until the process ends: also while a start waits for its brokers.
    pub fn serve(&self, listener: TcpListener) {
        let server = tierline_observe::serve(listener, self.metrics(), self.health(), std::future::pending());
        self.runtime.spawn(async {
            if let Err(error) = server.await {
                tracing::error!(%error, "HTTP is not answered any more");
            }
        });
    }

    /// Runs the pipeline to its end, by a signal, by itself or when `enough` is ready.
    pub fn run(&self, pipeline: &Pipeline, enough: impl Future<Output = ()>) -> Result<(), Untried> {
        self.block_on(async {
            let mut signals = Signals::listen()?;
            let mut lanes = Lanes::start(pipeline.work(), &self.health)?;
            lanes.run_out(&mut signals, enough).await
        })
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}
