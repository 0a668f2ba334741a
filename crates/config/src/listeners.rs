//! Where a process listens for HTTP: each of its listeners needs a port of its own.

use std::net::{IpAddr, SocketAddr};

use tierline_rules::source::{Kind, Node, codes};

use crate::observe::address;
use crate::{Intake, Observe, Reading};

/// One of them.
pub(crate) struct Listener<'n> {
    /// The key that names its address.
    key: &'static str,
    at: SocketAddr,
    /// What stands under that key; none: nothing, and it is the usual address.
    written: Option<&'n Node>,
}

/// Those that a configuration opens, by its sections `intake` and `observe`.
pub(crate) fn of<'n>(
    taken: Option<&'n Node>,
    intake: &Intake,
    observed: Option<&'n Node>,
    observe: &Observe,
) -> Vec<Listener<'n>> {
    // Without a source nobody takes webhooks. One that is wrong is meant as well.
    let sources = taken.and_then(|node| node.at("sources"));
    let takes = sources.is_some_and(|node| matches!(&node.kind, Kind::Map(entries) if !entries.is_empty()));
    let hooks = takes.then(|| listener("intake.listen", taken, intake.listen)).flatten();
    listener("observe.listen", observed, observe.listen).into_iter().chain(hooks).collect()
}

/// None: what is written there is no address, which has been told.
fn listener<'n>(key: &'static str, section: Option<&'n Node>, at: SocketAddr) -> Option<Listener<'n>> {
    let written = section.and_then(|section| section.at("listen")).filter(|node| !node.is_null());
    let is_one = |node: &Node| node.scalar().is_some_and(|scalar| address(&scalar.text).is_some());
    written.is_none_or(is_one).then_some(Listener { key, at, written })
}

/// Finds those that can't both listen.
pub(crate) fn check(listeners: &[Listener<'_>], reading: &mut Reading<'_>) {
    for (nth, one) in listeners.iter().enumerate() {
        for other in listeners[..nth].iter().filter(|other| meet(one.at, other.at)) {
            // Of two usual addresses none is another's.
            let Some((named, node, other)) =
                one.written.map(|node| (one, node, other)).or(other.written.map(|node| (other, node, one)))
            else {
                continue;
            };
            let stands = match other.written {
                Some(Node { span, .. }) => {
                    format!("`{}` stands in {}, line {}", other.key, span.source.name, span.line_column().0)
                }
                None => format!("`{}` is {} unless it is told", other.key, other.at),
            };
            let message = format!("`{}` and `{}` cannot both listen on port {}", named.key, other.key, named.at.port());
            reading
                .found
                .mistake(codes::CONTRADICTION, &node.span, message)
                .label(stands)
                .help("give each a port of its own: webhooks may be called from outside, metrics should not");
        }
    }
}

/// Whether two can't listen at once.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let (first, second) = (one.ip().to_canonical(), other.ip().to_canonical());
    // `[::]` takes what comes for IPv4 too, as systems are usually set.
    let has = |all: IpAddr, ip: IpAddr| all.is_unspecified() && (all.is_ipv6() || ip.is_ipv4());
    // Port 0 is any that is free.
    one.port() == other.port() && one.port() != 0 && (first == second || has(first, second) || has(second, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_a_machine_have_each_of_them() {
        let meet = |one: &str, other: &str| {
            let (one, other) = (one.parse().expect("an address"), other.parse().expect("an address"));
            assert_eq!(meet(one, other), meet(other, one), "it does not matter which is first");
            meet(one, other)
        };
        assert!(meet("127.0.0.1:80", "127.0.0.1:80") && meet("0.0.0.0:80", "127.0.0.1:80"));
        assert!(meet("[::]:80", "0.0.0.0:80") && meet("[::]:80", "[::1]:80") && meet("[::]:80", "10.0.0.1:80"));
        assert!(meet("[::ffff:10.0.0.1]:80", "10.0.0.1:80"));
        assert!(!meet("127.0.0.1:80", "127.0.0.1:81") && !meet("127.0.0.1:80", "10.0.0.1:80"));
        assert!(!meet("0.0.0.0:80", "[::1]:80") && !meet("0.0.0.0:0", "0.0.0.0:0"));
    }
}
