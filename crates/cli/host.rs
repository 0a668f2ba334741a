//! What hosts a pipeline: the tokio runtime for HTTP and signals, the metrics and the health of the process.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;

use tierline_config::Observe;
use tierline_observe::why::{Access, Questions, Token, Why};
use tierline_observe::{Health, Metrics};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::ended::Untried;
use crate::lanes::{Lanes, Work};
use crate::pipeline::Pipeline;
use crate::print::note;
use crate::starting::Starting;

/// The process around a pipeline. Lanes never see tokio; it serves the edges only.
pub struct Host {
    runtime: Runtime,
    metrics: Metrics,
    health: Health,
    questions: Questions,
    /// Where others may ask about tickets, once it is served.
    advertised: Option<String>,
    starting: Starting,
}

/// How many ports after the wanted one are tried.
const NEAR: u16 = 20;

impl Host {
    /// Starts the runtime, and hears signals from now on: nothing that may last comes before.
    pub fn new() -> Result<Host, Untried> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("edge").enable_all().build()?;
        let starting = runtime.block_on(async { Starting::begin() })?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), chrono::Utc::now().timestamp_millis());
        let (health, questions) = (Health::default(), Questions::default());
        Ok(Host { runtime, metrics, health, questions, advertised: None, starting })
    }

    /// The process's metrics.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The process's health.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The questions that its lanes are to answer.
    pub fn questions(&self) -> &Questions {
        &self.questions
    }

    /// Where other instances may send those who ask about tickets; none: nobody may ask, or nobody can say where.
    pub fn advertised(&self) -> Option<String> {
        self.advertised.clone()
    }

    /// Takes this address.
    pub fn listen(&self, address: SocketAddr) -> Result<TcpListener, Untried> {
        self.listen_for(address, "observe.listen")
    }

    /// Takes the address that this key of the configuration names.
    pub fn listen_for(&self, address: SocketAddr, key: &str) -> Result<TcpListener, Untried> {
        self.block_on(tierline_observe::bind(address)).map_err(|error| {
            Untried::because(format!("cannot listen on {address} ({key}): {error}; choose another port"))
        })
    }

    /// Takes this address, or the same with the next port that is free.
    pub fn listen_near(&self, address: SocketAddr) -> Result<TcpListener, Untried> {
        for step in 0..NEAR {
            let Some(port) = address.port().checked_add(step) else { break };
            let near = SocketAddr::new(address.ip(), port);
            if let Ok(listener) = self.block_on(tierline_observe::bind(near)) {
                if step > 0 {
                    note(format_args!("port {} is taken; metrics are on port {port}", address.port()));
                }
                return Ok(listener);
            }
        }
        self.listen(SocketAddr::new(address.ip(), 0))
    }

    /// Answers over HTTP from now on until the process ends: also while a start waits for its brokers. The address.
    pub fn serve(&mut self, listener: TcpListener, observe: &Observe) -> Result<SocketAddr, Untried> {
        let address = listener.local_addr()?;
        let token = observe.token.as_ref().map(|token| Token::new(token.expose()));
        let access = Access::at(address, token);
        self.advertised = advertised(observe, address, &access);
        let why = Why { access, questions: self.questions.clone(), address, patience: Why::PATIENCE };
        let server = tierline_observe::serve(listener, self.metrics(), self.health(), why, std::future::pending());
        self.runtime.spawn(async {
            if let Err(error) = server.await {
                tracing::error!(%error, "HTTP is not answered any more");
            }
        });
        Ok(address)
    }

    /// Runs the pipeline to its end, by a signal, by itself or when `enough` is ready. The start is over then.
    pub fn run(&mut self, pipeline: &Pipeline, enough: impl Future<Output = ()>) -> Result<(), Untried> {
        let Some(signals) = self.starting.over() else { return Ok(()) };
        self.runtime.block_on(async {
            let mut enough = pin!(enough);
            let work = pipeline.work();
            work.iter().flatten().for_each(Work::announce);
            for work in work {
                let lanes: Vec<_> = work.iter().map(|work| (work.health.clone(), work.lane)).collect();
                let mut running = Lanes::start(work)?;
                running.run_out(signals, &mut enough).await?;
                if running.were_stopped() {
                    break;
                }
                lanes.iter().for_each(|(health, lane)| health.lane_finished(*lane));
            }
            Ok(())
        })
    }

    /// Runs until a signal tells it to end. The start is over then.
    pub fn until_signal(&mut self) {
        let Some(signals) = self.starting.over() else { return };
        let signal = self.runtime.block_on(signals.next()).name();
        tracing::info!(signal, "ending; what was begun is finished");
    }

    /// Does something beside everything else.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(work)
    }

    /// Waits for something.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

fn advertised(observe: &Observe, address: SocketAddr, access: &Access) -> Option<String> {
    let own = (!address.ip().is_unspecified()).then(|| format!("http://{address}"));
    match access {
        Access::Off => None,
        Access::Here | Access::Token(_) => observe.advertise.clone().or(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_to_others_only_where_they_may_ask() {
        let told = |address: [u8; 4], advertise: Option<&str>, token: Option<&str>| {
            let address = SocketAddr::from((address, 9464));
            let observe = Observe { advertise: advertise.map(str::to_owned), ..Observe::default() };
            advertised(&observe, address, &Access::at(address, token.map(Token::new)))
        };
        assert_eq!(told([127, 0, 0, 1], None, None).as_deref(), Some("http://127.0.0.1:9464"));
        assert_eq!(told([10, 0, 0, 1], None, None), None);
        assert_eq!(told([10, 0, 0, 1], None, Some("t")).as_deref(), Some("http://10.0.0.1:9464"));
        assert_eq!(told([0, 0, 0, 0], None, Some("t")), None);
        assert_eq!(told([0, 0, 0, 0], Some("https://t.example"), Some("t")).as_deref(), Some("https://t.example"));
    }
}
