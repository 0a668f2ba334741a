//! What stands between an instance and a broker: a TCP proxy that can be cut, in two ways.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How a way between two is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything passes.
    Open,
    /// Connections are broken off, and new ones end at once: somebody pulled a process down or set a firewall to reject.
    Refused,
    /// Nothing passes and nobody is told: a cable was pulled. What was on its way passes when it is open again.
    Silent,
}

/// A proxy of one address. It ends when it is dropped, with its connections.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Where connections lead; 0 as long as nobody has said.
    target: u16,
    way: Way,
    ended: bool,
    /// Both ends of each connection, so that they can be broken off.
    streams: Vec<TcpStream>,
}

impl Default for State {
    fn default() -> State {
        State { target: 0, way: Way::Open, ended: false, streams: Vec::new() }
    }
}

impl Proxy {
    /// One that listens on a free port of 127.0.0.1 and leads nowhere yet.
    pub fn new() -> std::io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::Builder::new().name(format!("proxy-{port}")).spawn(move || serve(&listener, &serving))?;
        Ok(Proxy { port, shared })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections lead to this port of 127.0.0.1 from now on.
    pub fn lead_to(&self, port: u16) {
        self.shared.lock().target = port;
    }

    /// Opens the way or cuts it.
    pub fn set(&self, way: Way) {
        let mut state = self.shared.lock();
        state.way = way;
        if way == Way::Refused {
            state.break_off();
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.ended = true;
        state.break_off();
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl State {
    fn break_off(&mut self) {
        for stream in self.streams.drain(..) {
            // It may be broken off already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while nothing passes. Whether anything does then.
    fn await_passage(&self) -> bool {
        let mut state = self.lock();
        while state.way == Way::Silent && !state.ended {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.way == Way::Open && !state.ended
    }

    /// Keeps both ends of a connection for as long as it is open; `false`: it may not be.
    fn keep(&self, ends: [&TcpStream; 2]) -> bool {
        let mut state = self.lock();
        if state.ended || state.way == Way::Refused {
            return false;
        }
        state.streams.retain(|stream| stream.peer_addr().is_ok());
        let clones = ends.map(TcpStream::try_clone);
        state.streams.extend(clones.into_iter().flatten());
        true
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        let (target, ended) = {
            let state = shared.lock();
            (state.target, state.ended)
        };
        if ended {
            return;
        }
        let shared = Arc::clone(shared);
        // A connection that cannot have its threads is one that is refused.
        let _ = thread::Builder::new().spawn(move || connect(client, target, &shared));
    }
}

fn connect(client: TcpStream, target: u16, shared: &Arc<Shared>) {
    if !shared.await_passage() {
        return;
    }
    // A broker that is down refuses; so does its proxy, by closing.
    let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return };
    let nodelay = client.set_nodelay(true).and_then(|()| broker.set_nodelay(true));
    let (Ok(()), Ok(from_client), Ok(from_broker)) = (nodelay, client.try_clone(), broker.try_clone()) else { return };
    if !shared.keep([&client, &broker]) {
        return;
    }
    let there = Arc::clone(shared);
    let spawned = thread::Builder::new().spawn(move || carry(from_client, broker, &there));
    if spawned.is_ok() {
        carry(from_broker, client, shared);
    }
}

/// Carries bytes one way until either side ends, then ends both.
fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !shared.await_passage() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_sent_comes_back_while_the_way_is_open() {
        let (proxy, mut client) = echo();
        assert_eq!(say(&mut client, b"one"), b"one");
        drop(proxy);
        assert!(client.read(&mut [0]).is_ok_and(|count| count == 0), "it outlives its proxy");
    }

    #[test]
    fn a_refused_way_breaks_connections_off_and_an_open_one_takes_new_ones() {
        let (proxy, mut client) = echo();
        say(&mut client, b"one");
        proxy.set(Way::Refused);
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)), "it goes on");
        let mut refused = connected(&proxy);
        assert!(matches!(refused.read(&mut [0]), Ok(0) | Err(_)), "it is let in");
        proxy.set(Way::Open);
        assert_eq!(say(&mut connected(&proxy), b"two"), b"two");
    }

    #[test]
    fn what_is_said_in_silence_passes_afterwards() {
        let (proxy, mut client) = echo();
        say(&mut client, b"one");
        proxy.set(Way::Silent);
        client.write_all(b"two").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let heard = client.read(&mut [0; 3]).unwrap_err().kind();
        assert!(matches!(heard, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{heard}");
        client.set_read_timeout(None).unwrap();
        proxy.set(Way::Open);
        let mut answer = [0; 3];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"two");
    }

    /// A proxy of a server that says what it hears, and a connection through it.
    fn echo() -> (Proxy, TcpStream) {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::new().unwrap();
        proxy.lead_to(server.local_addr().unwrap().port());
        thread::spawn(move || {
            for stream in server.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        let client = connected(&proxy);
        (proxy, client)
    }

    fn connected(proxy: &Proxy) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap()
    }

    fn say(to: &mut TcpStream, words: &[u8]) -> Vec<u8> {
        to.write_all(words).unwrap();
        let mut answer = vec![0; words.len()];
        to.read_exact(&mut answer).unwrap();
        answer
    }
}
