//! `observe:`: what an operator sees.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tierline_observe::LogFormat;
use tierline_rules::source::{Keys, Node, codes, text, word};

use crate::{Reading, Secret};

/// What an operator sees.
#[derive(Clone, Debug)]
pub struct Observe {
    /// Where HTTP is answered: metrics and health. Port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Where other machines reach that, `http://…` or `https://…`; none: at `listen`, if that is one machine's address.
    pub advertise: Option<String>,
    /// What must be shown to ask about tickets; none: only this machine may.
    pub token: Option<Secret>,
    /// How log lines are written.
    pub logs: LogFormat,
    /// The least serious log lines that are written (`warn`); none: what the command finds right.
    pub level: Option<&'static str>,
}

impl Default for Observe {
    fn default() -> Observe {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
        Observe { listen, advertise: None, token: None, logs: LogFormat::Text, level: None }
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
        observe.advertise = keys.optional("advertise").and_then(|node| advertised(node, reading));
        observe.token =
            keys.optional("token").and_then(|node| Secret::read_for_header(node, "`observe.token`", reading));
        let found = &mut *reading.found;
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

/// `host:port`, or a URL without a user, a query or a trailing slash.
fn advertised(node: &Node, reading: &mut Reading<'_>) -> Option<String> {
    let written = text(node, "`observe.advertise`", reading.found)?;
    let url = if written.contains("://") { written.to_owned() } else { format!("http://{written}") };
    let url = url.trim_end_matches('/');
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte);
    // A name alone is nowhere: only a URL has a port of its own.
    let port = written.rsplit_once(':').map(|(_, port)| port.trim_end_matches('/'));
    let is_bare = !written.contains("://") && port.is_none_or(|port| port.parse::<u16>().is_err());
    // It stands beside offsets, where there is little room.
    if is_bare || rest.is_empty() || rest.starts_with(['/', ':']) || !rest.bytes().all(letters) || url.len() > 250 {
        reading
            .found
            .mistake(
                codes::WRONG_KIND,
                &node.span,
                "`observe.advertise` is where other machines reach `observe.listen`",
            )
            .help("write `http://tierline-1.example:9464`, or `host:port`");
        return None;
    }
    Some(url.to_owned())
}

/// An address with its port; `localhost` is the one name that is known without asking anybody.
pub(crate) fn address(written: &str) -> Option<SocketAddr> {
    let numeric = written.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(written).parse().ok()
}
