//! Connections: so many at once, each head within its time, TLS where it is configured.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::{Gateway, Settings, hook};

/// Connections at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 2_048;
/// Bytes of a head.
const HEAD: usize = 64 << 10;
/// Headers of a head.
const MOST_HEADERS: usize = 100;
/// How long what was begun may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// Answers until `stop` is ready, then ends what was begun.
pub async fn serve(gateway: Gateway, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let settings = gateway.settings.clone();
    let (metrics, now) = (gateway.metrics.clone(), gateway.now);
    let routes = hook::routes(gateway);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (ending, ended) = watch::channel(false);
    let mut stop = pin!(stop);
    let mut silence = tokio::time::interval(Duration::from_secs(5));
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|accepted| (accepted, place))
        };
        tokio::select! {
            () = &mut stop => break,
            _ = silence.tick() => metrics.silence(now()),
            accepted = accepted => match accepted {
                Ok(((stream, peer), place)) => {
                    let connection = connection(stream, peer, routes.clone(), settings.clone(), ended.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    // Out of files, most likely: it does not end by trying again at once.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    // Nobody listens where no connection is left.
    let _ = ending.send(true);
    // All places are free again once every connection has ended.
    let _ = tokio::time::timeout(ENDING, places.acquire_many(MOST_CONNECTIONS as u32)).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    settings: Settings,
    ended: watch::Receiver<bool>,
) {
    // Small answers are not to wait for more; where it can't be set they do.
    let _ = stream.set_nodelay(true);
    match settings.tls {
        None => speak(stream, routes, settings.timeout, ended).await,
        Some(tls) => match tokio::time::timeout(settings.timeout, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) => speak(stream, routes, settings.timeout, ended).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS with a caller"),
            Err(_) => tracing::debug!(%peer, "a caller took too long over TLS"),
        },
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
    timeout: Duration,
    mut ended: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(timeout).max_buf_size(HEAD).max_headers(MOST_HEADERS);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    let end = async {
        // Its sender is gone only when the server is.
        let _ = ended.wait_for(|ended| *ended).await;
    };
    let spoken = tokio::select! {
        spoken = &mut connection => spoken,
        () = end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = spoken {
        tracing::debug!(%error, "a connection ended");
    }
}

/// How TLS is spoken: what [`tls`] makes of a certificate and its key.
pub type Tls = Arc<rustls::ServerConfig>;

/// Why TLS can't be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no certificate.
    #[error("there is no certificate in it: {0}")]
    Certificate(String),
    /// There is no key.
    #[error("there is no private key in it: {0}")]
    Key(String),
    /// Certificate and key don't belong together, or are of a kind that is not spoken.
    #[error("the certificate and the key cannot be used: {0}")]
    Unfit(#[from] rustls::Error),
}

/// TLS with this certificate chain, the server's own first, and its private key, both PEM.
///
/// # Errors
/// They are something else, or don't belong together.
pub fn tls(certificate: &[u8], key: &[u8]) -> Result<Tls, TlsError> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| TlsError::Certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("no section of the file is one".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
