//! What a command does to the log: beside a running instance through its socket, without one on the folder itself.

use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::{Failure, Offset, Partition};

use crate::EmbeddedSettings;
use crate::socket::{self, answer};
use crate::store::{LOG_FILE, Store};
use crate::wire::{self, Reply, Request, ToSend, WasRead};

/// One message carries about so much of what is sent.
const BYTES_A_MESSAGE: usize = 1 << 20;

/// A command that works without an instance looks this often whether one has begun.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A client of the log in a folder. See the module.
pub struct EmbeddedClient {
    way: Way,
}

enum Way {
    Here(Arc<Store>),
    Folder(Box<Folder>),
}

/// An open folder while what was read of it is looked at. That may last: a pager waits for its reader. Then it is let
/// go of, so that an instance may begin and others may write.
struct Lent {
    back: mpsc::Sender<()>,
    kept: JoinHandle<Option<Store>>,
}

/// A folder from outside: at most one of the two is there.
struct Folder {
    settings: EmbeddedSettings,
    stream: Option<UnixStream>,
    store: Option<Store>,
}

impl EmbeddedClient {
    /// A client of the folder of `settings`. Speaks to the instance that runs there; while none does, opens the folder
    /// itself for as long as a call needs it, so that an instance may begin beside a `tail`, however slowly that is read.
    /// Never makes the folder: a mistyped path would look like a log with nothing in it.
    pub fn open(settings: EmbeddedSettings) -> Result<Self, Failure> {
        if let Err(error) = settings.path.join(LOG_FILE).try_exists() {
            return Err(Failure::Fatal(format!("cannot look into folder {}: {error}", settings.path.display())));
        }
        if !Self::is_made(&settings) {
            return Err(Failure::Fatal(format!(
                "there is no log in {}; check `log.path`, or start `tierline run` first",
                settings.path.display()
            )));
        }
        Self::open_or_make(settings)
    }

    /// Whether there is a log in the folder, or one may be there that cannot be seen.
    pub fn is_made(settings: &EmbeddedSettings) -> bool {
        settings.path.join(LOG_FILE).try_exists().unwrap_or(true)
    }

    /// As [`Self::open`]; makes the folder where there is none.
    pub fn open_or_make(settings: EmbeddedSettings) -> Result<Self, Failure> {
        let mut folder = Folder { settings, stream: None, store: None };
        folder.connect()?;
        Ok(EmbeddedClient { way: Way::Folder(Box::new(folder)) })
    }

    pub(crate) fn here(store: Arc<Store>) -> Self {
        EmbeddedClient { way: Way::Here(store) }
    }

    fn call(&mut self, request: Request) -> Result<Reply, Failure> {
        let reply = match &mut self.way {
            Way::Here(store) => answer(store, request, &|| false),
            Way::Folder(folder) => folder.call(request)?,
        };
        match reply {
            Reply::Failed { refused: true, why } => Err(Failure::Refused(why)),
            Reply::Failed { refused: false, why } => Err(Failure::Fatal(why)),
            reply => Ok(reply),
        }
    }

    fn bounds(&mut self, topic: &str) -> Result<Option<Vec<(Offset, Offset)>>, Failure> {
        match self.call(Request::Bounds { topic: topic.to_owned() })? {
            Reply::Bounds(bounds) => Ok(bounds),
            other => Err(unexpected(&other)),
        }
    }

    fn send_some(&mut self, topic: &str, records: Vec<ToSend>) -> Result<Vec<(Partition, Offset)>, Failure> {
        match self.call(Request::Send { topic: topic.to_owned(), records })? {
            Reply::Sent(places) => Ok(places),
            other => Err(unexpected(&other)),
        }
    }

    /// Has the folder let go of unless it is soon wanted back. None: nothing is open here.
    fn lend(&mut self) -> Option<Lent> {
        match &mut self.way {
            Way::Here(_) => None,
            Way::Folder(folder) => folder.store.take().and_then(Lent::of),
        }
    }

    fn take_back(&mut self, lent: Option<Lent>) {
        if let (Way::Folder(folder), Some(lent)) = (&mut self.way, lent) {
            folder.store = lent.back();
        }
    }

    /// How long a read may wait where nothing is. While this client has the folder open itself nobody else can write:
    /// it lets go of it, and looks again later.
    fn patience(&mut self, idle: Duration) -> Duration {
        if let Way::Folder(folder) = &mut self.way
            && folder.store.take().is_some()
        {
            std::thread::sleep(idle.min(LOOK_AGAIN));
            return Duration::ZERO;
        }
        idle
    }
}

impl Client for EmbeddedClient {
    fn send(
        &mut self,
        topic: &str,
        partition: Option<Partition>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(Partition, Offset), Failure> {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_vec())).collect();
        let record = ToSend { partition, key: key.map(<[u8]>::to_vec), value: value.map(<[u8]>::to_vec), headers };
        let places = self.send_some(topic, vec![record])?;
        places.first().copied().ok_or_else(|| Failure::Fatal("the instance did not say where the record is".to_owned()))
    }

    fn send_all(&mut self, topic: &str, records: &[Outgoing]) -> Result<Vec<(Partition, Offset)>, Failure> {
        let mut places = Vec::with_capacity(records.len());
        let (mut message, mut bytes) = (Vec::new(), 0);
        for Outgoing { partition, key, value, headers } in records {
            let length = key.as_ref().map_or(0, Vec::len)
                + value.as_ref().map_or(0, Vec::len)
                + headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            if bytes > 0 && bytes + length > BYTES_A_MESSAGE {
                places.extend(self.send_some(topic, std::mem::take(&mut message))?);
                bytes = 0;
            }
            bytes += length + 64;
            let (partition, key, value, headers) = (*partition, key.clone(), value.clone(), headers.clone());
            message.push(ToSend { partition, key, value, headers });
        }
        if !message.is_empty() {
            places.extend(self.send_some(topic, message)?);
        }
        Ok(places)
    }

    fn send_topics(&mut self, topics: &[(String, Vec<Outgoing>)]) -> Result<(), Failure> {
        match &self.way {
            Way::Here(store) => socket::send_topics(store, topics),
            Way::Folder(_) => topics.iter().try_for_each(|(topic, records)| self.send_all(topic, records).map(drop)),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        // Everything was durable when it was answered; what is left to do is to let others have the folder.
        if let Way::Folder(folder) = &mut self.way {
            folder.store = None;
        }
        Ok(())
    }

    fn read(
        &mut self,
        topic: &str,
        from: From,
        until_end: bool,
        idle: Duration,
        each: &mut dyn FnMut(Option<Seen<'_>>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let bounds = self.bounds(topic)?.ok_or_else(|| Failure::Fatal(format!("there is no topic {topic}")))?;
        let mut reading = match from {
            From::Start => (0..).zip(&bounds).map(|(partition, (start, _))| (partition, *start)).collect(),
            From::End => (0..).zip(&bounds).map(|(partition, (_, end))| (partition, *end)).collect(),
            From::At(partition, offset) => vec![(partition, offset)],
            From::Each(from) => {
                let first = |partition, start: Offset| {
                    let told = from.iter().find(|(other, _)| *other == partition);
                    told.map_or(start, |(_, offset)| start.max(*offset))
                };
                (0..).zip(&bounds).map(|(partition, (start, _))| (partition, first(partition, *start))).collect()
            }
        };
        let end_of = |partition: Partition| bounds.get(partition as usize).map_or(0, |(_, end)| *end);
        let mut wait = Duration::ZERO;
        loop {
            if until_end {
                reading.retain(|&(partition, next)| next < end_of(partition));
                if reading.is_empty() {
                    return Ok(());
                }
            }
            let wait_ms = wait.as_millis().try_into().unwrap_or(u32::MAX);
            let request = Request::Read { topic: topic.to_owned(), from: reading.clone(), wait_ms };
            let Reply::Read { records, next } = self.call(request)? else {
                return Err(Failure::Fatal("the instance answered a read with something else".to_owned()));
            };
            reading = next;
            let begun = records.iter().filter(|record| !until_end || record.offset < end_of(record.partition));
            let lent = self.lend();
            let told = tell(topic, begun, each);
            self.take_back(lent);
            if told.is_break() {
                return Ok(());
            }
            wait = if records.is_empty() { self.patience(idle) } else { Duration::ZERO };
        }
    }

    fn partitions(&mut self, topic: &str) -> Result<Option<i32>, Failure> {
        Ok(self.bounds(topic)?.map(|bounds| bounds.len() as i32))
    }
}

/// Hands records out, and then that there are no more for now.
fn tell<'r>(
    topic: &str,
    records: impl Iterator<Item = &'r WasRead>,
    each: &mut dyn FnMut(Option<Seen<'_>>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for record in records {
        each(Some(Seen {
            topic,
            partition: record.partition,
            offset: record.offset,
            appended_at: record.appended_at,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: record,
        }))?;
    }
    each(None)
}

impl Lent {
    fn of(store: Store) -> Option<Lent> {
        let (back, wanted) = mpsc::channel();
        let keep = move || wanted.recv_timeout(LOOK_AGAIN).ok().map(|()| store);
        // Where no thread can be had, it is let go of at once.
        let kept = std::thread::Builder::new().name("folder".into()).spawn(keep).ok()?;
        Some(Lent { back, kept })
    }

    /// The folder, if it is open still.
    fn back(self) -> Option<Store> {
        // Whoever has let go of it hears nothing.
        let _ = self.back.send(());
        self.kept.join().ok().flatten()
    }
}

impl Folder {
    fn call(&mut self, request: Request) -> Result<Reply, Failure> {
        let is_send = matches!(request, Request::Send { .. });
        loop {
            if let Some(store) = &self.store {
                return Ok(answer(store, request, &|| false));
            }
            let Some(stream) = self.connect()? else {
                self.open()?;
                continue;
            };
            let asked = wire::write(stream, &request).and_then(|()| wire::read(stream));
            self.stream = self.stream.take().filter(|_| matches!(asked, Ok(Some(_))));
            match asked {
                Ok(Some(reply)) => return Ok(reply),
                // Nothing of it was sent.
                Err(why) if is_send && why.kind() == std::io::ErrorKind::FileTooLarge => {
                    return Err(Failure::Refused(format!("too much for one commit: {why}")));
                }
                Err(why)
                    if matches!(why.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::FileTooLarge) =>
                {
                    return Err(Failure::Fatal(format!("cannot speak to the running instance: {why}")));
                }
                // Asked of the next instance, or of the folder. What was sent might then be there twice.
                Ok(None) | Err(_) if !is_send => {}
                Ok(None) | Err(_) => {
                    return Err(Failure::Fatal(
                        "the running instance ended before it answered: whether the records were taken is not known, \
                         `tierline tail` shows it"
                            .to_owned(),
                    ));
                }
            }
        }
    }

    fn connect(&mut self) -> Result<Option<&mut UnixStream>, Failure> {
        if self.stream.is_none() && self.store.is_none() {
            let folder = &self.settings.path;
            self.stream = socket::connect(folder).map_err(|why| {
                Failure::Fatal(format!("cannot speak to the instance that runs in {}: {why}", folder.display()))
            })?;
        }
        Ok(self.stream.as_mut())
    }

    /// Opens the folder itself, unless an instance begins meanwhile.
    fn open(&mut self) -> Result<(), Failure> {
        match Store::open(self.settings.clone()) {
            Ok(store) => self.store = Some(store),
            Err(failure) => {
                if self.connect()?.is_none() {
                    return Err(failure);
                }
            }
        }
        Ok(())
    }
}

fn unexpected(reply: &Reply) -> Failure {
    let what = match reply {
        Reply::Sent(_) => "places",
        Reply::Read { .. } => "records",
        Reply::Bounds(_) => "bounds",
        Reply::Failed { .. } => "a failure",
    };
    Failure::Fatal(format!("the instance answered with {what}, which was not asked for"))
}
