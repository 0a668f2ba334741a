//! The queue of deliveries and the one thread that works them off, as many at once as wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tierline_model::Millis;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::directory::Unsettled;
use crate::{Answer, Arrived, Desk};

/// Deliveries in one write to the log.
const BATCH: usize = 1_024;
/// Bytes in one write to the log, about.
const BATCH_BYTES: usize = 8 << 20;
/// Deliveries that may wait.
const MOST_WAITING: usize = 16_384;
/// Bytes that may wait.
const MOST_BYTES: usize = 64 << 20;

/// Is told when nobody works deliveries off any more.
pub type Died = Box<dyn FnOnce() + Send>;

/// What tells the time.
pub type Clock = fn() -> Millis;

/// Where deliveries wait. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    to: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
}

/// Why the queue doesn't take a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many wait.
    Full,
    /// Nobody works them off any more.
    Closed,
}

/// The thread that works them off. Dropping it ends the thread when the queue's last handle is gone.
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    Deliver(Box<Delivered>),
    /// What of these lies elsewhere than who is who says is to move; none named: of all.
    Settle(Option<Unsettled>, oneshot::Sender<bool>),
}

struct Delivered {
    arrived: Arrived,
    answer: oneshot::Sender<Answer>,
    /// Given back when it is answered.
    _room: OwnedSemaphorePermit,
}

impl Queue {
    /// Puts a delivery in line. The answer comes when it is worked off.
    pub(crate) fn put(&self, arrived: Arrived) -> Result<oneshot::Receiver<Answer>, NotTaken> {
        // The limit of a body lies far below the room.
        let bytes = u32::try_from(arrived.body.len().clamp(1, MOST_BYTES)).map_err(|_| NotTaken::Full)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| NotTaken::Full)?;
        let (answer, answered) = oneshot::channel();
        self.add(Job::Deliver(Box::new(Delivered { arrived, answer, _room: room })))?;
        Ok(answered)
    }

    /// Has moved what of these lies elsewhere than who is who says, of all there are if none are named. Waits until that
    /// is tried; whether it is done.
    pub fn settle(&self, of: Option<Unsettled>) -> bool {
        let (answer, answered) = oneshot::channel();
        self.add(Job::Settle(of, answer)).is_ok() && answered.blocking_recv().unwrap_or(false)
    }

    fn add(&self, job: Job) -> Result<(), NotTaken> {
        self.to.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Closed,
        })
    }
}

impl Worker {
    /// Starts the thread. `died` is told when it ends although it is wanted.
    pub(crate) fn start(mut desk: Desk, now: Clock, died: Died) -> io::Result<(Queue, Worker)> {
        let (to, mut from) = mpsc::channel::<Job>(MOST_WAITING);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("intake".into()).spawn(move || {
            let watch = Watch(Some(died));
            let mut next = None;
            while let Some(job) = next.take().or_else(|| from.blocking_recv()) {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let first = match job {
                    Job::Deliver(first) => first,
                    Job::Settle(of, answer) => {
                        // Who gave up waiting asks again.
                        let _ = answer.send(desk.settle(of, now()));
                        continue;
                    }
                };
                let jobs = batch(first, &mut from, &mut next);
                let (arrived, answers): (Vec<_>, Vec<_>) =
                    jobs.into_iter().map(|job| (job.arrived, (job.answer, job._room))).unzip();
                let told = desk.take(&arrived, now());
                for ((answer, _room), told) in answers.into_iter().zip(told) {
                    // Who gave up waiting tries again, and it is then a repeat.
                    let _ = answer.send(told);
                }
            }
            watch.ends_well();
        })?;
        let room = Arc::new(Semaphore::new(MOST_BYTES));
        Ok((Queue { to, room }, Worker { stop, thread: Some(thread) }))
    }
}

/// Tells if its thread panics.
struct Watch(Option<Died>);

impl Watch {
    fn ends_well(mut self) {
        self.0 = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(died) = self.0.take() {
            died();
        }
    }
}

/// The first, and what has come meanwhile; `next` is what ended it, if it was no delivery.
fn batch(first: Box<Delivered>, from: &mut mpsc::Receiver<Job>, next: &mut Option<Job>) -> Vec<Delivered> {
    let mut bytes = first.arrived.body.len();
    let mut jobs = vec![*first];
    while jobs.len() < BATCH
        && bytes < BATCH_BYTES
        && let Ok(job) = from.try_recv()
    {
        match job {
            Job::Deliver(job) => {
                bytes += job.arrived.body.len();
                jobs.push(*job);
            }
            other => {
                *next = Some(other);
                break;
            }
        }
    }
    jobs
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends after what it is at: with the next delivery, which nobody waits for, or when the queue is gone.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_told_of_and_one_that_ends_is_not() {
        let (to, told) = std::sync::mpsc::channel();
        let died = |to: std::sync::mpsc::Sender<()>| -> Died { Box::new(move || to.send(()).expect("it is heard")) };
        Watch(Some(died(to.clone()))).ends_well();
        assert!(told.try_recv().is_err());
        let watch = Watch(Some(died(to)));
        let panics = std::thread::spawn(move || {
            let _watch = watch;
            panic!("as this test wants it");
        });
        assert!(panics.join().is_err());
        assert!(told.try_recv().is_ok());
    }

    #[test]
    fn a_queue_without_its_thread_is_closed_and_not_full() {
        let (to, from) = mpsc::channel(1);
        let queue = Queue { to, room: Arc::new(Semaphore::new(10)) };
        let body = axum::body::Bytes::from_static(b"{}");
        let arrived = || Arrived {
            source: String::new(),
            headers: Vec::new(),
            body: body.clone(),
            received_at: 0,
            position: None,
            asked: None,
        };
        assert!(queue.put(arrived()).is_ok());
        assert_eq!(queue.put(arrived()).err(), Some(NotTaken::Full));
        drop(from);
        assert_eq!(queue.put(arrived()).err(), Some(NotTaken::Closed));
    }

    #[test]
    fn what_comes_in_order_does_not_pass_one_for_which_there_is_no_room() {
        let (to, mut from) = mpsc::channel(8);
        let queue = Queue { to, room: Arc::new(Semaphore::new(10)) };
        let arrived = |length: usize| Arrived {
            source: String::new(),
            headers: Vec::new(),
            body: vec![b' '; length].into(),
            received_at: 0,
            position: None,
            asked: None,
        };
        let desk = std::thread::spawn(move || {
            let mut met = Vec::new();
            while let Some(Job::Deliver(job)) = from.blocking_recv() {
                met.push(job.arrived.body.len());
                job.answer.send(Answer::Ignored).expect("somebody waits");
            }
            met
        });
        let waiting = vec![arrived(6), arrived(7), arrived(2)];
        let done = super::super::insist::insist(&queue, waiting, |_| true);
        assert_eq!(done.map(|done| done.len()), Some(3));
        drop(queue);
        assert_eq!(desk.join().expect("it ends"), [6, 7, 2]);
    }
}
