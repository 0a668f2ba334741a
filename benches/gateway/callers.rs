//! Callers: connections that post signed payloads, as soon as the last is answered or at a steady pace.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tierline_intake::proof::hmac_sha256;
use tokio::net::TcpStream;

/// What signs.
pub const SECRET: &str = "a secret of some length";

/// Who calls, and how.
pub struct Callers {
    pub address: SocketAddr,
    pub connections: usize,
    /// The pace of each; none: as soon as it is answered.
    pub every: Option<Duration>,
}

/// How it went.
pub struct Figures {
    per_second: f64,
    /// Sorted.
    took: Vec<Duration>,
    refused: usize,
}

impl Callers {
    /// Calls for so long.
    pub fn call(&self, length: Duration) -> Figures {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let next = Arc::new(AtomicU64::new(0));
            let began = Instant::now();
            let mut callers = Vec::new();
            for nth in 0..self.connections {
                let (address, every, next) = (self.address, self.every, Arc::clone(&next));
                // Steady ones don't all call at once.
                let wait = every.map(|every| every * nth as u32 / self.connections as u32).unwrap_or_default();
                callers
                    .push(tokio::spawn(async move { one(address, every, began + wait, began + length, &next).await }));
            }
            let (mut took, mut refused) = (Vec::new(), 0);
            for caller in callers {
                let (mut of_one, no) = caller.await.expect("no caller panics").expect("it answers");
                took.append(&mut of_one);
                refused += no;
            }
            took.sort_unstable();
            Figures { per_second: took.len() as f64 / began.elapsed().as_secs_f64(), took, refused }
        })
    }
}

impl Figures {
    /// How many were taken.
    pub fn answered(&self) -> usize {
        self.took.len()
    }
}

async fn one(
    address: SocketAddr,
    every: Option<Duration>,
    mut due: Instant,
    end: Instant,
    next: &AtomicU64,
) -> io::Result<(Vec<Duration>, usize)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut took, mut refused) = (Vec::new(), 0);
    let mut answer = [0; 1_024];
    loop {
        match every {
            Some(every) => {
                tokio::time::sleep_until(due.into()).await;
                due += every;
            }
            None => due = Instant::now(),
        }
        // From when it should have been sent: what waits behind a slow answer counts.
        let began = every.map_or(due, |every| due - every);
        if began >= end {
            return Ok((took, refused));
        }
        write(&stream, &request(next.fetch_add(1, Ordering::Relaxed))).await?;
        let length = read(&stream, &mut answer).await?;
        if answer[..length].starts_with(b"HTTP/1.1 200") {
            took.push(began.elapsed());
        } else {
            refused += 1;
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An answer is short: it comes in one piece.
async fn read(stream: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// A webhook as help desks send them.
pub fn payload(n: u64) -> Vec<u8> {
    let (ticket, kind) = (n / 4, if n.is_multiple_of(4) { "ticket.created" } else { "ticket.updated" });
    format!(
        r#"{{"type":"{kind}","id":"01HQ{n:022}","time":"2026-03-02T10:00:00.123Z","account_id":18192,"subject":
"zen:ticket:{ticket}","ticket":{{"id":"{ticket}","created_at":"2026-03-02T09:00:00Z","updated_at":"2026-03-02T10:00:00Z",
"subject":"Export to the warehouse fails since this morning","description":"Every export that we start ends after a few
seconds with an error. We need the figures for our board today.","status":"OPEN","priority":"HIGH","type":"INCIDENT",
"organization_id":"{}","requester_id":"{}","assignee_id":"77","group_id":"5","external_id":null,"via":{{"channel":"email",
"source":{{"from":{{"address":"jo@acme.example","name":"Jo"}},"to":{{}}}}}},"tags":["export","warehouse","api"],
"custom_status":"36","is_public":true,"brand_id":"3","form_id":"9"}},"zendesk_event_version":"2022-06-20"}}"#,
        ticket % 2_000,
        ticket % 9_000
    )
    .replace('\n', " ")
    .into_bytes()
}

fn request(n: u64) -> Vec<u8> {
    let body = payload(n);
    let signature = hmac_sha256(SECRET.as_bytes(), &[&body]);
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut request = format!(
        "POST /hooks/desk HTTP/1.1\r\nhost: hooks.example\r\nuser-agent: desk\r\ncontent-type: application/json\r\n\
         x-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend(body);
    request
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |share: f64| {
            let place = (self.took.len() as f64 * share) as usize;
            self.took.get(place.min(self.took.len().saturating_sub(1))).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        let Figures { per_second, refused, .. } = self;
        write!(f, "{per_second:>6.0}/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", at(0.5), at(0.99), at(1.0))?;
        if *refused > 0 { write!(f, ", {refused} refused") } else { Ok(()) }
    }
}
