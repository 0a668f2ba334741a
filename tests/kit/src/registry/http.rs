//! As much HTTP/1.1 as a registry's clients speak: one request a connection, a body with its length.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// A request.
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path's parts, between its slashes, without the query.
    pub path: Vec<String>,
    /// The body; null where there is none.
    pub body: Value,
}

/// Reads one request and writes the answer: a status and a body.
pub fn answer(mut connection: TcpStream, handle: impl FnOnce(Request) -> (u16, Value)) -> io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (status, body) = handle(read(&mut BufReader::new(&connection))?);
    let body = body.to_string();
    write!(
        connection,
        "HTTP/1.1 {status} -\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(from: &mut impl BufRead) -> io::Result<Request> {
    let first = line(from)?;
    let mut words = first.split(' ').map(str::to_owned);
    let method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default();
    let mut length = 0;
    loop {
        let header = line(from)?;
        match header.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            None => break,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    let path = path.split('?').next().unwrap_or_default().split('/').filter(|part| !part.is_empty());
    Ok(Request {
        method,
        path: path.map(str::to_owned).collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
