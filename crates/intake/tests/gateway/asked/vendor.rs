//! A vendor's API on a port of this machine, which misbehaves as told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;
use tierline_model::Millis;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Question {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub at: Instant,
}

/// What happens to a request instead of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    None,
    /// 429, with `Retry-After` in seconds.
    Throttle(u32),
    /// 500.
    Fail,
    /// The connection is closed in the middle of the body, whose length was told.
    Cut,
    /// The same of a body whose length was not told.
    CutUntold,
    /// The connection is closed before anything is said.
    HangUp,
}

type Answer = Box<dyn Fn(&Question) -> (u16, Value) + Send + Sync>;
type Luck = Box<dyn FnMut(&Question) -> Mischief + Send>;
type Clock = Box<dyn Fn() -> Millis + Send>;

/// A vendor; it is gone when dropped.
pub struct Vendor {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Question>>>,
    luck: Arc<Mutex<Luck>>,
    clock: Arc<Mutex<Option<Clock>>>,
    thread: Option<JoinHandle<()>>,
}

impl Vendor {
    pub fn start(answer: impl Fn(&Question) -> (u16, Value) + Send + Sync + 'static) -> Vendor {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let luck: Arc<Mutex<Luck>> = Arc::new(Mutex::new(Box::new(|_| Mischief::None)));
        let clock: Arc<Mutex<Option<Clock>>> = Arc::default();
        let (stopped, noted) = (Arc::clone(&stop), Arc::clone(&asked));
        let (lucky, dated) = (Arc::clone(&luck), Arc::clone(&clock));
        let answer: Answer = Box::new(answer);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                // Whoever hangs up is none of its worries.
                let _ = serve(stream, &answer, &noted, &lucky, &dated);
            }
        });
        Vendor { address, stop, asked, luck, clock, thread: Some(thread) }
    }

    /// From now on this happens to each request.
    pub fn misbehave(&self, luck: impl FnMut(&Question) -> Mischief + Send + 'static) {
        *self.luck.lock().expect("nobody panics with it") = Box::new(luck);
    }

    /// From now on its answers are dated.
    pub fn date(&self, clock: impl Fn() -> Millis + Send + 'static) {
        *self.clock.lock().expect("nobody panics with it") = Some(Box::new(clock));
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

impl Question {
    /// A parameter of the query; empty: it is not there.
    pub fn query_of(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &Answer,
    asked: &Mutex<Vec<Question>>,
    luck: &Mutex<Luck>,
    clock: &Mutex<Option<Clock>>,
) -> std::io::Result<()> {
    let Some(question) = question(&mut stream)? else { return Ok(()) };
    asked.lock().expect("nobody panics with it").push(question.clone());
    let mischief = luck.lock().expect("nobody panics with it")(&question);
    let (status, body) = answer(&question);
    let body = body.to_string();
    let half = &body.as_bytes()[..body.len() / 2];
    let date = clock.lock().expect("nobody panics with it").as_ref().map(|clock| {
        let at = chrono::DateTime::from_timestamp_millis(clock()).expect("it is a date");
        format!("date: {}\r\n", at.to_rfc2822())
    });
    let date = date.unwrap_or_default();
    let head = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} So\r\ncontent-type: application/json\r\nconnection: close\r\n{date}{more}\r\n")
    };
    let length = format!("content-length: {}\r\n", body.len());
    let whole = |head: String, body: &[u8]| [head.as_bytes(), body].concat();
    let said = match mischief {
        Mischief::None => whole(head(status, &length), body.as_bytes()),
        Mischief::Throttle(after) => whole(head(429, &format!("retry-after: {after}\r\ncontent-length: 0\r\n")), b""),
        Mischief::Fail => whole(head(500, "content-length: 4\r\n"), b"oops"),
        Mischief::Cut => whole(head(status, &length), half),
        Mischief::CutUntold => whole(head(status, ""), half),
        Mischief::HangUp => return Ok(()),
    };
    stream.write_all(&said)
}

fn question(stream: &mut TcpStream) -> std::io::Result<Option<Question>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let Some(target) = words.nth(1) else { return Ok(None) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let path = path.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Question { path, query, headers, body, at: Instant::now() }))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        match (first, others) {
            (b'%', [high, low, others @ ..]) => {
                let hex = [*high, *low];
                let hex = std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.extend(hex);
                rest = others;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
