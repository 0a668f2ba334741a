//! A vendor's API, as far as a test needs one.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

/// A vendor's API on a port of this machine, until the tests end.
pub struct Vendor {
    url: String,
}

impl Vendor {
    /// One that answers to the path of each request, without its query, with JSON; with none: 503.
    pub fn start(answer: impl Fn(&str) -> Option<Value> + Send + 'static) -> Vendor {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up asks again.
                let _ = serve(stream, &answer);
            }
        });
        Vendor { url: format!("http://{address}") }
    }

    /// The beginning of its addresses.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&str) -> Option<Value>) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let Some(first) = lines.next().transpose()? else { return Ok(()) };
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let target = first.split(' ').nth(1).unwrap_or_default();
    let told = answer(target.split('?').next().unwrap_or_default());
    let status = if told.is_some() { 200 } else { 503 };
    let body = told.unwrap_or_default().to_string();
    let head = format!("HTTP/1.1 {status} So\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes())
}
