//! Commands beside a running instance, before one and after one.

mod kit;

use std::io::{Read, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use kit::*;
use tierline_embedded::{Embedded, EmbeddedClient};
use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::Source;

fn outside(folder: &Path) -> EmbeddedClient {
    EmbeddedClient::open_or_make(settings(folder, &Hand::default())).unwrap()
}

fn socket(folder: &Path) -> UnixStream {
    UnixStream::connect(folder.join("tierline.sock")).unwrap()
}

/// Everything that a client can do, and what it was told.
fn script(client: &mut impl Client) -> Vec<String> {
    let mut told = Vec::new();
    told.push(format!("{:?}", client.send("tickets", None, Some(b"acme"), Some(b"one"), &[("h", b"1"), ("", b"")])));
    let outgoing = |n: usize| Outgoing {
        partition: (n == 0).then_some(1),
        key: Some(format!("k{n}").into_bytes()),
        value: (n != 1).then(|| vec![b'x'; 700_000]),
        headers: vec![("n".into(), vec![n as u8])],
    };
    told.push(format!("{:?}", client.send_all("accounts", &(0..5).map(outgoing).collect::<Vec<_>>())));
    client.flush().unwrap();
    told.push(format!("{:?}", client.send("accounts", None, None, Some(b"no key"), &[])));
    told.push(format!("{:?}", client.send("tickets", Some(9), None, None, &[])));
    told.push(format!("{:?}", client.send("nonsense", None, None, None, &[])));
    told.push(format!("{:?} {:?}", client.partitions("tickets"), client.partitions("nonsense")));
    told.push(format!("{:?}", all(client, "tickets")));
    for from in [From::Start, From::End, From::At(1, 1), From::At(0, 99), From::At(7, 0)] {
        let mut seen = Vec::new();
        let mut each = |record: Option<Seen<'_>>| {
            if let Some(record) = record {
                let mut headers = Vec::new();
                record.headers.each(&mut |name, value| headers.push(format!("{name}={value:?}")));
                let length = record.value.map(<[u8]>::len);
                seen.push(format!("{} {} {:?} {length:?} {headers:?}", record.partition, record.offset, record.key));
            }
            ControlFlow::Continue(())
        };
        let ended = client.read("accounts", from.clone(), true, Duration::ZERO, &mut each);
        told.push(format!("{from:?}: {ended:?} {seen:?}"));
    }
    told
}

#[test]
fn a_client_is_told_the_same_in_the_process_through_the_socket_and_alone() {
    let (here, there, alone) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_process = script(&mut open(here.path()).client());
    let log = open(there.path());
    let _server = log.serve().unwrap();
    assert_eq!(script(&mut outside(there.path())), in_process);
    assert_eq!(script(&mut outside(alone.path())), in_process);
    assert_eq!(in_process.len(), 12);
    assert!(in_process[0].starts_with("Ok("), "{}", in_process[0]);
    assert_eq!(all(&mut log.client(), "accounts").len(), 5, "what came by the socket is in the log");
}

#[test]
fn a_lane_reads_what_came_through_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let _server = log.serve().unwrap();
    let mut lane = lane(&log);
    let mut client = outside(folder.path());
    let sent = std::thread::spawn(move || client.send("tickets", Some(1), None, Some(b"created"), &[]).unwrap());
    assert_eq!(poll(&mut lane, Source::Driver), [(1, 0, "created".into())]);
    sent.join().unwrap();
}

/// Tails a topic on a thread; the records' values arrive here, and so do the looks at nothing.
fn tail(mut client: EmbeddedClient) -> mpsc::Receiver<Option<String>> {
    let (to, seen) = mpsc::channel();
    std::thread::spawn(move || {
        let mut each = |record: Option<Seen<'_>>| {
            let value = record.map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap());
            if to.send(value).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        client.read("tickets", From::End, false, Duration::from_millis(5), &mut each).unwrap();
    });
    seen
}

fn next(seen: &mpsc::Receiver<Option<String>>) -> String {
    loop {
        if let Some(value) = seen.recv_timeout(LONG).unwrap() {
            return value;
        }
    }
}

#[test]
fn a_tail_follows_a_writer_and_outlives_the_instance() {
    let folder = tempfile::tempdir().unwrap();
    let seen = tail(outside(folder.path()));
    assert_eq!(seen.recv_timeout(LONG).unwrap(), None, "it begins without an instance");
    for instance in 0..2 {
        let log = open(folder.path());
        let server = log.serve().unwrap();
        let mut writer = log.client();
        for n in 0..3 {
            let value = format!("{instance}/{n}");
            writer.send("tickets", Some(n % 2), None, Some(value.as_bytes()), &[]).unwrap();
            assert_eq!(next(&seen), value);
        }
        drop(server);
    }
}

/// A `tail` of a backlog into a pager once kept the folder for as long as nobody turned the page.
#[test]
fn a_reader_that_waits_for_its_own_reader_keeps_nobody_from_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = outside(folder.path());
    for (partition, value) in [(0, "first"), (0, "second"), (1, "third")] {
        client.send("tickets", Some(partition), None, Some(value.as_bytes()), &[]).unwrap();
    }
    let (page, turned) = mpsc::channel();
    let (seen, shown) = mpsc::channel();
    std::thread::scope(move |threads| {
        threads.spawn(move || {
            let mut each = |record: Option<Seen<'_>>| {
                if let Some(record) = record {
                    seen.send(String::from_utf8(record.value.unwrap().to_vec()).unwrap()).unwrap();
                    turned.recv().unwrap();
                }
                ControlFlow::Continue(())
            };
            client.read("tickets", From::Start, true, Duration::ZERO, &mut each).unwrap();
        });
        assert_eq!(shown.recv_timeout(LONG).unwrap(), "first");
        // It stands amid what it has read. An instance begins, others write.
        let log = open(folder.path());
        let _server = log.serve().unwrap();
        log.client().send("tickets", Some(0), None, Some(b"later"), &[]).unwrap();
        (0..3).for_each(|_| page.send(()).unwrap());
        assert_eq!(shown.iter().collect::<Vec<_>>(), ["second", "third"], "to the end that there was");
    });
}

/// A reader once took the end of what had just been written for the end of what it had read.
#[test]
fn readers_miss_nothing_while_others_write() {
    const RECORDS: i64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let mut offsets = Vec::new();
                let mut each = |record: Option<Seen<'_>>| {
                    offsets.extend(record.map(|record| record.offset));
                    let all = offsets.last() == Some(&(RECORDS - 1));
                    if all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                log.client().read("tickets", From::Start, false, LONG, &mut each).unwrap();
                assert_eq!(offsets, (0..RECORDS).collect::<Vec<_>>());
            });
        }
        let mut writer = log.client();
        for _ in 0..RECORDS {
            writer.send("tickets", Some(0), None, Some(b"x"), &[]).unwrap();
        }
    });
}

/// The end of an instance once waited for ever for a connection to itself.
#[test]
fn an_instance_ends_although_somebody_removed_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).serve().unwrap();
    std::fs::remove_file(folder.path().join("tierline.sock")).unwrap();
    let (to, ended) = mpsc::channel();
    std::thread::spawn(move || {
        drop(server);
        to.send(()).unwrap();
    });
    ended.recv_timeout(LONG).expect("it ends");
}

#[test]
fn the_folder_is_free_when_the_server_is_gone_even_with_a_client_that_hangs_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let server = log.serve().unwrap();
    let mut idle = socket(folder.path());
    drop((server, log));
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "hung up");
    assert!(!folder.path().join("tierline.sock").exists());
    drop(open(folder.path()));
}

#[test]
fn a_dead_instances_socket_is_replaced_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("tierline.sock")).unwrap());
    assert_eq!(outside(folder.path()).partitions("tickets").unwrap(), Some(PARTITIONS), "nobody is there");
    let log = open(folder.path());
    let _server = log.serve().unwrap();
    let mode = folder.path().join("tierline.sock").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    outside(folder.path()).send("tickets", None, None, Some(b"x"), &[]).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_may_lie_deeper_than_a_sockets_address_is_long() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("deep".repeat(20)).join("er".repeat(60));
    let log = open(&folder);
    let _server = log.serve().unwrap();
    outside(&folder).send("tickets", None, None, Some(b"x"), &[]).unwrap();
    assert_eq!(all(&mut log.client(), "tickets").len(), 1);
}

#[test]
fn broken_off_and_oversized_frames_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let log: Embedded = open(folder.path());
    let _server = log.serve().unwrap();
    let mut partial = socket(folder.path());
    partial.write_all(&[200, 0, 0, 0, 1, 0, 7]).unwrap();
    drop(partial);

    for (nonsense, said) in [(&[255; 4][..], "at most"), (&[2, 0, 0, 0, 9, 9], "another version")] {
        let mut stream = socket(folder.path());
        stream.write_all(nonsense).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        assert!(String::from_utf8_lossy(&reply).contains(said), "{:?}", String::from_utf8_lossy(&reply));
    }
    outside(folder.path()).send("tickets", None, None, Some(b"x"), &[]).unwrap();
}
