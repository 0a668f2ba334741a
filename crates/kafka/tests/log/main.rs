//! The contract of `Log` and `Client` on a real broker: what a lane may rely on, each promise a test.

mod admin;
mod client;
mod commit;
mod lane;
mod ownership;
mod reading;
mod renewal;
mod replay;
mod rights;
#[cfg(any(feature = "tls", feature = "tls-vendored"))]
mod secure;
