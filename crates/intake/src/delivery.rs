//! One delivery of a source, as it came.

use tierline_model::Millis;

/// What a source delivered: one HTTP request, or what stands for one.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The URI that the sender called, with scheme and host where a proxy in front of us says them: some sign it.
    pub uri: &'a str,
    /// Names in any case, values as they came.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, byte for byte: signatures are of these bytes.
    pub body: &'a [u8],
    /// When it came, UTC: what a signed timestamp is compared with, and the instant of what tells none.
    pub received_at: Millis,
}

impl<'a> Delivery<'a> {
    /// What neither HTTP nor a signature brought: a line of an export, a record of a topic.
    pub fn bare(body: &'a [u8], received_at: Millis) -> Delivery<'a> {
        Delivery { method: "POST", uri: "", headers: &[], body, received_at }
    }

    /// The first header of this name, without the space around it.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }
}
