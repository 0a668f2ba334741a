//! Names and ports that no other test has.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// `base`, made so that no other test, process or run has it: fit for a topic, a group, a transactional id.
pub fn unique(base: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    format!("{base}-{:x}-{}-{count}", millis & 0xffff_ffff, process::id())
}

/// A port of 127.0.0.1 that was free a moment ago. Another may take it before it is used: who starts a server on it
/// checks that the server lives, and takes another port if it does not.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A port of 127.0.0.1 for a server that will be ended and started again on it. Below those that the system gives to
/// outgoing connections, so that none of them takes it meanwhile.
pub fn lasting_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    for _ in 0..COUNT {
        // Each process begins elsewhere, and no process gives the same one out twice in a row.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (process::id().wrapping_mul(7_919).wrapping_add(step)) % COUNT;
        // Below 65,536 by the constants.
        let port = port as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of 127.0.0.1 between {FIRST} and {} is free", FIRST + COUNT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_comes_twice() {
        assert_ne!(unique("tickets"), unique("tickets"));
    }

    #[test]
    fn no_lasting_port_comes_twice() {
        let ports = [lasting_port(), lasting_port(), lasting_port()];
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2], "{ports:?}");
    }
}
