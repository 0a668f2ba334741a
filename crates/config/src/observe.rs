//! `observe:`: what an operator sees.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tierline_observe::LogFormat;
use tierline_rules::source::{Keys, Node, codes, text, word};

use crate::Reading;

/// What an operator sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observe {
    /// Where HTTP is answered: metrics and health. Port 0 takes any that is free.
    pub listen: SocketAddr,
    /// How log lines are written.
    pub logs: LogFormat,
    /// The least serious log lines that are written (`warn`); none: what the command finds right.
    pub level: Option<&'static str>,
}

impl Default for Observe {
    fn default() -> Observe {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
        Observe { listen, logs: LogFormat::Text, level: None }
    }
}

impl Observe {
    pub(crate) fn read(node: Option<&Node>, reading: &mut Reading<'_>) -> Observe {
        let mut observe = Observe::default();
        let found = &mut *reading.found;
        let Some(node) = node else { return observe };
        let Some(mut keys) = Keys::of(node, "`observe`", found) else { return observe };
        if let Some(node) = keys.optional("listen")
            && let Some(written) = text(node, "`observe.listen`", found)
        {
            match address(written) {
                Some(listen) => observe.listen = listen,
                None => {
                    found
                        .mistake(codes::WRONG_KIND, &node.span, "`observe.listen` is an address and a port")
                        .help("write `127.0.0.1:9464`, or `0.0.0.0:9464` to be reached from other machines");
                }
            }
        }
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        if let Some(format) = keys.optional("logs").and_then(|node| word(node, "`observe.logs`", &formats, found)) {
            observe.logs = format;
        }
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
        observe.level = keys.optional("level").and_then(|node| word(node, "`observe.level`", &levels, found));
        keys.finish(found);
        observe
    }
}

/// An address with its port; `localhost` is the one name that is known without asking anybody.
fn address(written: &str) -> Option<SocketAddr> {
    let numeric = written.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(written).parse().ok()
}
