//! Rights on a broker that asks for them. librdkafka knows how to grant them, its binding does not: so this is the
//! protocol's `CreateAcls`, version 1, written by hand.

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

impl Broker {
    /// Grants rights. By the broker's plain listener, whose user must be one that may.
    ///
    /// # Panics
    /// When the broker refuses.
    pub fn grant(&self, grant: &Grant<'_>) {
        let text = |text: &str| [&(text.len() as i16).to_be_bytes()[..], text.as_bytes()].concat();
        let (literal, prefixed, allow) = (3, 4, 3);
        let (name, pattern) = grant.name.strip_suffix('*').map_or((grant.name, literal), |name| (name, prefixed));
        let header = [&30_i16.to_be_bytes()[..], &1_i16.to_be_bytes(), &7_i32.to_be_bytes(), &text("test")];
        let mut request = header.concat();
        request.extend((grant.rights.len() as i32).to_be_bytes());
        for &right in grant.rights {
            request.push(grant.resource as u8);
            request.extend(text(name));
            request.push(pattern);
            request.extend([text(grant.principal), text("*")].concat());
            request.extend([right as u8, allow]);
        }
        let mut stream = TcpStream::connect(self.plain()).expect("the broker is there");
        stream.write_all(&(request.len() as i32).to_be_bytes()).expect("the broker reads");
        stream.write_all(&request).expect("the broker reads");
        let mut length = [0; 4];
        stream.read_exact(&mut length).expect("the broker answers");
        let mut answer = vec![0; i32::from_be_bytes(length) as usize];
        stream.read_exact(&mut answer).expect("the broker answers");
        // Correlation, throttling, count; then of each an error code and no message.
        let codes: Vec<&[u8]> = answer[12..].chunks(4).map(|result| &result[..2]).collect();
        assert_eq!(codes, vec![&[0, 0][..]; grant.rights.len()], "{grant:?}: {answer:?}");
    }
}
