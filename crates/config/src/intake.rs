//! `intake:`: which systems tell of tickets, accounts and bills, how each proves who it is, and where their webhooks are
//! taken. What is read of a payload is read by `tierline-intake`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tierline_intake::gateway::{self, Tls, TlsError};
use tierline_intake::{Accounts, Basics, Secrets, Source, sources};
use tierline_model::Millis;
use tierline_rules::source::{Entry, Keys, Kind, Node, codes, number, text, unknown_word, wrong_kind};

use crate::identity::Identity;
use crate::observe::address;
use crate::reconcile::{self, Reconcile};
use crate::time::within;
use crate::{Log, Reading, Secret};

/// Which systems tell something, and where their webhooks are taken.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Where webhooks are taken. Port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Longest body of a request, bytes; 1 KiB to 64 MiB.
    pub body_limit: usize,
    /// How long a request may take to arrive, and its records to be durable; 1 s to 5 min.
    pub timeout: Duration,
    /// With what TLS is spoken; none: plainly, behind a proxy.
    pub tls: Option<Tls>,
    /// Headers in which a proxy says what was called.
    pub trusted: TrustedHeaders,
    /// The systems, by name.
    pub sources: BTreeMap<String, Arc<dyn Source>>,
    /// Topics on which a connector delivers payloads of one of them: topic, source.
    pub topics: Vec<(String, String)>,
    /// Those of the systems that are asked for what their webhooks missed.
    pub reconcile: BTreeMap<String, Reconcile>,
}

/// Headers in which a proxy in front of us says what was called; none of them is believed unless it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedHeaders {
    /// `http` or `https`, as `x-forwarded-proto`.
    pub scheme: Option<String>,
    /// The host, as `x-forwarded-host`.
    pub host: Option<String>,
    /// The path with its query, as `x-original-uri`.
    pub path: Option<String>,
}

const SECOND: i64 = 1_000;

impl Default for Intake {
    fn default() -> Intake {
        Intake {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9466),
            body_limit: 1 << 20,
            timeout: Duration::from_secs(10),
            tls: None,
            trusted: TrustedHeaders::default(),
            sources: BTreeMap::new(),
            topics: Vec::new(),
            reconcile: BTreeMap::new(),
        }
    }
}

impl Intake {
    pub(crate) fn read(
        node: Option<&Node>,
        identity: &Identity,
        log: &Log,
        stale_after: Millis,
        reading: &mut Reading<'_>,
    ) -> Intake {
        let mut intake = Intake::default();
        let Some(mut keys) = node.and_then(|node| Keys::of(node, "`intake`", reading.found)) else {
            identity.check(None, reading);
            return intake;
        };
        keys.moved("free_mail", "identity.free_mail");
        if let Some(node) = keys.optional("listen")
            && let Some(listen) = listen(node, reading)
        {
            intake.listen = listen;
        }
        let limit = keys.optional("body_limit");
        if let Some(limit) = limit.and_then(|node| number(node, "`intake.body_limit`", BODY, reading.found)) {
            intake.body_limit = limit as usize;
        }
        let timeout = keys.optional("timeout");
        if let Some(timeout) =
            timeout.and_then(|node| within(node, "`intake.timeout`", (SECOND, 300 * SECOND), reading))
        {
            intake.timeout = Duration::from_millis(timeout.unsigned_abs());
        }
        intake.tls = keys.optional("tls").and_then(|node| tls(node, reading));
        intake.trusted = keys.optional("trusted_headers").map(|node| trusted(node, reading)).unwrap_or_default();
        let sources = keys.optional("sources");
        identity.check(sources, reading);
        if let Some(node) = sources {
            intake.sources = each_source(node, identity, reading);
        }
        if let Some(node) = keys.optional("topics") {
            intake.topics = topics(node, &intake.sources, reading);
            if matches!(log, Log::Embedded { .. }) {
                let message = "an embedded log has no topics but Tierline's own: nobody else writes to it";
                let help = "`intake.topics` is for `log.kind: kafka`; leave it out";
                reading.found.mistake(codes::CONTRADICTION, &node.span, message).help(help);
            }
        }
        if let Some(node) = keys.optional("reconcile") {
            intake.reconcile = reconcile::read(node, sources, &intake.sources, stale_after, reading);
        }
        keys.finish(reading.found);
        intake
    }
}

/// Bytes of a body.
const BODY: (f64, f64) = (1_024.0, 67_108_864.0);

fn listen(node: &Node, reading: &mut Reading<'_>) -> Option<SocketAddr> {
    let written = text(node, "`intake.listen`", reading.found)?;
    let listen = address(written);
    if listen.is_none() {
        reading
            .found
            .mistake(codes::WRONG_KIND, &node.span, "`intake.listen` is an address and a port")
            .help("write `0.0.0.0:9466` to be reached from other machines, or `127.0.0.1:9466` behind a proxy");
    }
    listen
}

fn tls(node: &Node, reading: &mut Reading<'_>) -> Option<Tls> {
    let mut keys = Keys::of(node, "`intake.tls`", reading.found)?;
    let mut file = |key: &'static str, what: &str, reading: &mut Reading<'_>| {
        let node = keys.required(key, reading.found)?;
        let path = text(node, what, reading.found)?;
        let read = reading.file(path, node);
        let cannot =
            |error: std::io::Error| tls_mistake(node, format!("cannot read the file of {what}: {error}"), reading);
        read.map_err(cannot).ok().map(|pem| (node, pem))
    };
    let certificate = file("certificate", "`intake.tls.certificate`", reading);
    let key = file("key", "`intake.tls.key`", reading);
    keys.finish(reading.found);
    let ((certificate_at, certificate), (key_at, key)) = (certificate?, key?);
    let unfit = |error: TlsError| {
        let at = if matches!(error, TlsError::Certificate(_)) { certificate_at } else { key_at };
        tls_mistake(at, format!("cannot speak TLS with this file: {error}"), reading);
    };
    gateway::tls(certificate.as_bytes(), key.as_bytes()).map_err(unfit).ok()
}

fn tls_mistake(node: &Node, message: String, reading: &mut Reading<'_>) {
    let help = "the certificate's chain and its private key are PEM files; a path counts from beside the file in which \
                it is named";
    reading.found.mistake(codes::FILE, &node.span, message).help(help);
}

fn trusted(node: &Node, reading: &mut Reading<'_>) -> TrustedHeaders {
    let Some(mut keys) = Keys::of(node, "`intake.trusted_headers`", reading.found) else {
        return TrustedHeaders::default();
    };
    let mut header = |key: &'static str, reading: &mut Reading<'_>| {
        let node = keys.optional(key)?;
        let name = text(node, "the name of a header", reading.found)?.to_ascii_lowercase();
        let fine = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !fine {
            reading.found.mistake(codes::ID, &node.span, "a header's name has letters, digits and hyphens");
        }
        fine.then_some(name)
    };
    let trusted = TrustedHeaders {
        scheme: header("scheme", reading),
        host: header("host", reading),
        path: header("path", reading),
    };
    keys.finish(reading.found);
    trusted
}

fn each_source(node: &Node, identity: &Identity, reading: &mut Reading<'_>) -> BTreeMap<String, Arc<dyn Source>> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`intake.sources` is a map: a name of yours, and what the system is", reading.found);
        return BTreeMap::new();
    };
    let mut sources = BTreeMap::new();
    for Entry { key, value } in entries {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if key.text.is_empty() || key.text.len() > 64 || !key.text.bytes().all(letters) {
            let message = format!("`{}` is no name of a source", key.text);
            let help = "names are lower-case letters, digits and hyphens, at most 64; this one begins ids and stands in \
                        the webhook's address";
            reading.found.mistake(codes::ID, &key.span, message).help(help);
        } else if let Some(source) = source(&key.text, value, identity, reading) {
            sources.insert(key.text.clone(), source);
        }
    }
    sources
}

fn source(name: &str, node: &Node, identity: &Identity, reading: &mut Reading<'_>) -> Option<Arc<dyn Source>> {
    let what = format!("the source `{name}`");
    let mut keys = Keys::of(node, &what, reading.found)?;
    let secrets = secrets(&mut keys, node, &what, reading);
    let accounts = keys.optional("accounts").map(|node| accounts(node, reading)).unwrap_or_default();
    let accounts = with_identity(name, accounts, identity, reading);
    let kind = keys.required("kind", reading.found)?;
    let written = text(kind, "`kind`", reading.found)?;
    let Some(built) = sources::kind(written) else {
        let words = sources::KINDS.iter().map(|kind| kind.word);
        unknown_word(kind, "`kind`", written, words, reading.found);
        return None;
    };
    let basics = Basics { name: name.to_owned(), secrets: secrets.unwrap_or_default(), accounts };
    let source = (built.build)(basics, &mut keys, reading.found);
    keys.finish(reading.found);
    source
}

/// `secret: ${NAME}`, or `secrets: [${OLD}, ${NEW}]` while one replaces the other.
fn secrets(keys: &mut Keys<'_>, node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Secrets> {
    let (one, two) = (keys.optional("secret"), keys.optional("secrets"));
    let nodes = match (one, two) {
        (Some(one), None) => std::slice::from_ref(one),
        (None, Some(two)) => match &two.kind {
            Kind::List(nodes) if matches!(nodes.len(), 1 | 2) => nodes.as_slice(),
            _ => {
                let message = "`secrets` has one secret or two: the old and the new";
                reading.found.mistake(codes::WRONG_KIND, &two.span, message);
                return None;
            }
        },
        (Some(one), Some(_)) => {
            let message = format!("{what} has `secret`, or `secrets` while one replaces the other");
            reading.found.mistake(codes::CONTRADICTION, &one.span, message);
            return None;
        }
        (None, None) => {
            reading
                .found
                .mistake(codes::MISSING_KEY, &node.span, format!("{what} needs `secret`"))
                .help("what the vendor signs with, or the token that it shows: `secret: ${NAME}`");
            return None;
        }
    };
    let what = format!("the secret of {what}");
    let read: Vec<_> = nodes.iter().map(|node| Secret::read_from_vendor(node, &what, reading)).collect();
    let read: Option<Vec<_>> = read.into_iter().collect();
    Some(Secrets::new(read?.iter().map(Secret::expose)))
}

/// `accounts: { theirs: ours }`.
fn accounts(node: &Node, reading: &mut Reading<'_>) -> Accounts {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(
            node,
            "`accounts` is a map: the system's own id of an account, and what it is called",
            reading.found,
        );
        return Accounts::default();
    };
    let mut renamed = BTreeMap::new();
    for Entry { key, value } in entries {
        if let Some(ours) = text(value, "an account", reading.found) {
            renamed.insert(key.text.clone(), ours.to_owned());
        }
    }
    Accounts(renamed)
}

/// What `identity.accounts` says of a source's customers belongs to what the source itself says.
fn with_identity(name: &str, mut accounts: Accounts, identity: &Identity, reading: &mut Reading<'_>) -> Accounts {
    for (id, (account, node)) in identity.accounts.get(name).into_iter().flatten() {
        match accounts.0.get(id) {
            Some(other) if other != account => {
                let message = format!("`{name}:{id}` cannot be `{account}`: `accounts` of the source says `{other}`");
                reading.found.mistake(codes::CONTRADICTION, &node.span, message);
            }
            _ => drop(accounts.0.insert(id.clone(), account.clone())),
        }
    }
    accounts
}

/// `topics: { crm-events: salesforce }`.
fn topics(
    node: &Node,
    sources: &BTreeMap<String, Arc<dyn Source>>,
    reading: &mut Reading<'_>,
) -> Vec<(String, String)> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`intake.topics` is a map: a topic, and the source whose payloads it carries", reading.found);
        return Vec::new();
    };
    let mut topics = Vec::new();
    for Entry { key, value } in entries {
        let Some(source) = text(value, "the source of a topic", reading.found) else { continue };
        if sources.contains_key(source) {
            topics.push((key.text.clone(), source.to_owned()));
        } else {
            let names = sources.keys().map(String::as_str);
            unknown_word(value, "the source of a topic", source, names, reading.found);
        }
    }
    topics
}
