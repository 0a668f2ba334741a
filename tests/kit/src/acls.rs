//! Rights on a broker that asks for them. librdkafka knows how to grant them, its binding does not: so this is the
//! protocol's `CreateAcls` and `DescribeAcls`, version 1, written by hand.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::broker::Broker;

/// What a right is on, by its number in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "these are Kafka's own words")]
pub enum Resource {
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
}

/// What may be done, by its number in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "these are Kafka's own words")]
pub enum Right {
    Read = 3,
    Write = 4,
    Create = 5,
    Describe = 8,
    DescribeConfigs = 10,
}

/// Rights that are granted together.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// Who gets them: `User:name`, or `User:*`.
    pub principal: &'a str,
    /// What kind of thing they are on.
    pub resource: Resource,
    /// Its name; of the cluster `kafka-cluster`. With a `*` at its end: everything that begins so.
    pub name: &'a str,
    /// Which they are.
    pub rights: &'a [Right],
}

/// The numbers of the protocol that are used here.
mod number {
    pub const CREATE_ACLS: i16 = 30;
    pub const DESCRIBE_ACLS: i16 = 29;
    pub const VERSION: i16 = 1;
    pub const LITERAL: u8 = 3;
    pub const PREFIXED: u8 = 4;
    pub const ALLOW: u8 = 3;
    /// Any operation, any permission.
    pub const ANY: u8 = 1;
}

impl Broker {
    /// Grants rights, and returns when they count. By the broker's plain listener, whose user must be one that may.
    ///
    /// # Panics
    /// When the broker refuses.
    pub fn grant(&self, grant: &Grant<'_>) {
        let mut request = (grant.rights.len() as i32).to_be_bytes().to_vec();
        for &right in grant.rights {
            request.extend(resource(grant));
            request.extend([text(grant.principal), text("*")].concat());
            request.extend([right as u8, number::ALLOW]);
        }
        let answer = self.ask(number::CREATE_ACLS, &request);
        // Throttling, count; then of each an error code and no message.
        let codes: Vec<&[u8]> = answer[8..].chunks(4).map(|result| &result[..2]).collect();
        assert_eq!(codes, vec![&[0, 0][..]; grant.rights.len()], "{grant:?}: {answer:?}");
        // What the controller has taken is asked for by the broker a moment later.
        self.eventually("the rights to count", || match self.granted(grant) {
            granted if granted >= grant.rights.len() => Ok(()),
            granted => Err(format!("{granted} of {grant:?} do")),
        });
    }

    /// How many rights its principal has on the very thing.
    fn granted(&self, grant: &Grant<'_>) -> usize {
        let mut request = resource(grant);
        request.extend(text(grant.principal));
        request.extend(text("*"));
        request.extend([number::ANY, number::ANY]);
        let answer = self.ask(number::DESCRIBE_ACLS, &request);
        // Throttling, an error code, no message; then the things, each with its kind, name, pattern and rights.
        let count = |at: usize| i32::from_be_bytes(answer[at..at + 4].try_into().expect("four bytes")) as usize;
        assert_eq!(answer[4..6], [0, 0], "{grant:?}: {answer:?}");
        if count(8) == 0 { 0 } else { count(12 + 1 + 2 + name(grant).0.len() + 1) }
    }

    /// The answer to a request, from behind its correlation on.
    fn ask(&self, what: i16, request: &[u8]) -> Vec<u8> {
        let header = [&what.to_be_bytes()[..], &number::VERSION.to_be_bytes(), &7_i32.to_be_bytes(), &text("test")];
        let request = [&header.concat(), request].concat();
        let mut stream = TcpStream::connect(self.plain()).expect("the broker is there");
        stream.write_all(&(request.len() as i32).to_be_bytes()).expect("the broker reads");
        stream.write_all(&request).expect("the broker reads");
        let mut length = [0; 4];
        stream.read_exact(&mut length).expect("the broker answers");
        let mut answer = vec![0; i32::from_be_bytes(length) as usize];
        stream.read_exact(&mut answer).expect("the broker answers");
        answer.split_off(4)
    }
}

/// A thing's kind, name and pattern.
fn resource(grant: &Grant<'_>) -> Vec<u8> {
    let (name, pattern) = name(grant);
    [&[grant.resource as u8][..], &text(name), &[pattern]].concat()
}

fn name<'a>(grant: &Grant<'a>) -> (&'a str, u8) {
    let prefix = grant.name.strip_suffix('*').map(|prefix| (prefix, number::PREFIXED));
    prefix.unwrap_or((grant.name, number::LITERAL))
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as i16).to_be_bytes()[..], text.as_bytes()].concat()
}
