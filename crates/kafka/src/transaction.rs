//! A lane's transactions: two producers in turn, one commit after the other.
//!
//! A producer's next transaction waits for the broker to write the last one's markers; with a second one to go on with,
//! nobody waits. It stays exactly once: the next transaction begins when the last commit has returned, and the fence is
//! the group's generation, which every transaction carries with the positions of all tasks that it touches.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use tierline_stream::log::{Committed, Failure, Offset, Partition, Trouble, Write};

use crate::errors::{Heard, denied};
use crate::heir::signed;
use crate::producer::{Limits, Transactional, Undelivered, is_too_large, nap, start};
use crate::settings::{Settings, Which};

#[cfg(test)]
mod tests;

/// How long an abort waits for what is under way. To abort before the first acknowledgement can be fatal.
const DRAIN_BEFORE_ABORT: Duration = Duration::from_secs(15);

/// How long one call of the client may take. Asked again it goes on, or begins anew.
const STEP: Duration = Duration::from_secs(3);

/// How long the group's coordinator may take to be told positions. The client remembers who that is, also when it has
/// learned that this broker is none of the cluster any more: then the call waits, whatever its own limit, until that very
/// broker is back.
const TOLD: Duration = Duration::from_secs(5);

/// The same of one that it remembers, where a connection to a broker has broken since: it may be that one's.
const TOLD_IN_DOUBT: Duration = Duration::from_secs(1);

/// Within this time records are acknowledged when all is well.
const PROMPT: Duration = Duration::from_millis(300);

/// The lane's two producers and the transaction that may be open.
pub(crate) struct Transactions {
    settings: Settings,
    driver: String,
    outputs: Vec<String>,
    limits: Limits,
    producers: [Arc<Transactional>; 2],
    /// Whether each has told positions, and so remembers who coordinates the group.
    remembers: [bool; 2],
    /// The producer whose turn it is.
    turn: Which,
    open: bool,
    /// What has been got over since it was last asked.
    troubles: Vec<Trouble>,
}

impl Transactions {
    /// Initialises both producers, so that nothing older under their ids can still be committed. Before any position
    /// or changelog is read.
    pub(crate) fn start(
        settings: &Settings,
        driver: &str,
        outputs: Vec<String>,
        limits: Limits,
    ) -> Result<Transactions, Failure> {
        let producers = [start(settings, Which::A, &limits)?.into(), start(settings, Which::B, &limits)?.into()];
        let driver = driver.to_owned();
        let (settings, turn, remembers) = (settings.clone(), Which::A, [false; 2]);
        let (open, troubles) = (false, Vec::new());
        Ok(Transactions { settings, driver, outputs, limits, producers, remembers, turn, open, troubles })
    }

    /// What it has had to get over.
    pub(crate) fn troubles(&mut self) -> impl Iterator<Item = Trouble> {
        self.troubles.drain(..)
    }

    /// Adds a record. Waits while the producer's queue is full: back-pressure.
    pub(crate) fn write(&mut self, write: Write<'_>) -> Result<(), Failure> {
        let index = usize::from(write.output.0);
        let Some(topic) = self.outputs.get(index) else {
            return Err(Failure::Fatal(format!("there is no output {index}; this is a bug")));
        };
        let bytes = size(&write);
        if !self.limits.fits(index, bytes) {
            return Err(too_large(topic, write.partition, bytes));
        }
        self.open()?;
        let producer = self.producer();
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.outputs[index]).partition(write.partition);
        record.key = write.key;
        record.payload = write.value;
        if !write.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(write.headers.len());
            record.headers = Some(
                write
                    .headers
                    .iter()
                    .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(*value) })),
            );
        }
        loop {
            let Err((error, unsent)) = producer.send(record) else { return Ok(()) };
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => {
                    nap(producer);
                    record = unsent;
                }
                Some(code) if is_too_large(code) => {
                    return Err(too_large(&self.outputs[index], write.partition, bytes));
                }
                _ => return Err(self.cannot_write(&error, &self.outputs[index])),
            }
        }
    }

    /// Commits everything written since the last commit with these positions, or none of it. `owner` is who we are to
    /// the group, asked after everything has been written; `None`: not the owner any more.
    pub(crate) fn commit(
        &mut self,
        positions: &[(Partition, Offset)],
        owner: impl Fn() -> Option<ConsumerGroupMetadata>,
    ) -> Result<Committed, Failure> {
        if positions.is_empty() {
            // An empty list of offsets is not sent, so nothing would be fenced.
            return if self.open {
                Err(Failure::Fatal("a transaction without a position cannot be fenced; this is a bug".into()))
            } else {
                Ok(Committed::Yes)
            };
        }
        self.open()?;
        // Only to find out whether the group's coordinator is there: while brokers are waited for that have to acknowledge,
        // new producers can be made. It is no fence: who is given a task meanwhile sees no record that is not in its
        // changelog yet.
        let probes = !self.drain(PROMPT) && self.is_in_doubt() && !self.heard().lost_its_coordinator();
        if probes {
            self.troubles.push(Trouble::CoordinatorProbed);
            if let Some(undone) = self.tell(positions, &owner)? {
                return Ok(undone);
            }
        }
        if let Some(undone) = self.deliver()? {
            return Ok(undone);
        }
        // The fence: the group's generation is checked when all that it guards is in the log.
        if let Some(undone) = self.tell(positions, &owner)? {
            return Ok(undone);
        }
        match self.persist(|producer| producer.commit_transaction(STEP))? {
            Outcome::Done => {
                self.open = false;
                self.turn = other(self.turn);
                Ok(Committed::Yes)
            }
            Outcome::Abort(why) => self.give_up(&why),
            Outcome::TimedOut(why) => self.renew_and_abort(&why),
        }
    }

    /// Forgets the open transaction.
    pub(crate) fn abort(&mut self) -> Result<(), Failure> {
        if !self.open {
            return Ok(());
        }
        // Undelivered reports stall an abort until it times out.
        let drained = self.drain(DRAIN_BEFORE_ABORT);
        self.producer().context().take_failed();
        if !drained {
            return self.renew("its records were not acknowledged in time");
        }
        match self.persist(|producer| producer.abort_transaction(STEP))? {
            Outcome::Done => {
                self.open = false;
                Ok(())
            }
            Outcome::Abort(why) | Outcome::TimedOut(why) => self.renew(&why),
        }
    }

    /// Waits until everything that was written is acknowledged; what becomes of the transaction where it is not.
    fn deliver(&mut self) -> Result<Option<Committed>, Failure> {
        if !self.drain(self.patience()) {
            return self.renew_and_abort("its records were not acknowledged in time").map(Some);
        }
        let undelivered = self.producer().context().take_failed();
        undelivered.map(|undelivered| self.not_delivered(&undelivered)).transpose()
    }

    /// Adds positions to the transaction; what becomes of it where that cannot be.
    fn tell(
        &mut self,
        positions: &[(Partition, Offset)],
        owner: &impl Fn() -> Option<ConsumerGroupMetadata>,
    ) -> Result<Option<Committed>, Failure> {
        let Some(owner) = owner() else {
            // Its coordinator may be, too; and the client would go on asking that one.
            self.renew_both("the group's assignment is lost")?;
            return Ok(Some(Committed::Aborted));
        };
        let offsets = signed(&self.settings, &self.driver, positions)?;
        let in_doubt = self.is_in_doubt();
        match self.send(offsets, owner, if in_doubt { TOLD_IN_DOUBT } else { TOLD })? {
            Some(Outcome::Done) => {
                self.heard().all_is_well();
                self.remembers[self.turn as usize] = true;
                return Ok(None);
            }
            Some(Outcome::Abort(why) | Outcome::TimedOut(why)) if !in_doubt => return self.give_up(&why).map(Some),
            // A client in doubt would go on asking whoever it remembers; a new one asks who it is.
            Some(Outcome::Abort(why) | Outcome::TimedOut(why)) => self.renew_both(&why)?,
            None => self.renew_both("the group's coordinator does not answer")?,
        }
        Ok(Some(Committed::Aborted))
    }

    /// Whether whom the producer in turn remembers as the group's coordinator may be gone.
    fn is_in_doubt(&self) -> bool {
        // A client that has nothing under way hears of its connections only now.
        self.producer().poll(Duration::ZERO);
        self.remembers[self.turn as usize] && self.heard().lost_a_broker()
    }

    /// What a record that was not written means for its transaction, which cannot be committed any more.
    fn not_delivered(&mut self, record: &Undelivered) -> Result<Committed, Failure> {
        if is_too_large(record.code) {
            return Err(too_large(&record.topic, record.partition, record.bytes));
        }
        // Where the transaction failed as a whole, its records were swept along and say nothing of why.
        let told = self.why_failed();
        if let Some(denied) = self.denied(told.as_ref().map_or(record.code, RDKafkaError::code)) {
            return Err(denied);
        }
        let why = told.map_or_else(|| record.code.to_string(), |told| told.to_string());
        self.give_up(&format!("a record for {} was not written: {why}", record.topic))
    }

    fn producer(&self) -> &Transactional {
        &self.producers[self.turn as usize]
    }

    fn heard(&self) -> &Heard {
        self.producer().context().heard()
    }

    fn open(&mut self) -> Result<(), Failure> {
        if self.open {
            return Ok(());
        }
        self.producer().context().take_failed();
        self.producer().begin_transaction().map_err(|error| self.cannot_go_on(&error))?;
        self.open = true;
        Ok(())
    }

    /// Waits until everything is acknowledged or refused; `false`: not within `patience`.
    fn drain(&self, patience: Duration) -> bool {
        let (producer, began) = (self.producer(), Instant::now());
        while producer.in_flight_count() > 0 {
            nap(producer);
            if began.elapsed() > patience {
                return false;
            }
        }
        true
    }

    /// Longer than the client itself tries to deliver.
    fn patience(&self) -> Duration {
        let millis = Settings::transaction_timeout(&self.settings.transactional_producer(self.turn));
        Duration::from_millis(millis) + Duration::from_secs(5)
    }

    /// Sends positions; `None`: the call has not come back, and may not for long. Then the producer is left to it, and
    /// must be made anew, which fences whatever becomes of the call.
    fn send(
        &self,
        offsets: TopicPartitionList,
        owner: ConsumerGroupMetadata,
        patience: Duration,
    ) -> Result<Option<Outcome>, Failure> {
        let producer = Arc::clone(&self.producers[self.turn as usize]);
        let (to, told) = mpsc::sync_channel(1);
        let telling = thread::Builder::new().name("offsets".into()).spawn(move || {
            // Nobody may be waiting any more.
            let _ = to.send(producer.send_offsets_to_transaction(&offsets, &owner, STEP));
        });
        telling.map_err(|error| Failure::Fatal(format!("cannot start a thread: {error}")))?;
        match told.recv_timeout(patience) {
            Err(_) => Ok(None),
            Ok(Ok(())) => Ok(Some(Outcome::Done)),
            // What could be tried again is tried with the next transaction: this is rare.
            Ok(Err(error)) => Ok(Some(self.judged(&error)?.unwrap_or_else(|| Outcome::Abort(error.to_string())))),
        }
    }

    /// Does a step of a transaction until it is done, must be aborted, or time is over. The order of the questions to
    /// an error matters: abortable, retriable, else fatal.
    fn persist(&self, step: impl Fn(&Transactional) -> KafkaResult<()>) -> Result<Outcome, Failure> {
        let began = Instant::now();
        loop {
            let Err(error) = step(self.producer()) else { return Ok(Outcome::Done) };
            self.producer().poll(Duration::ZERO);
            if let Some(outcome) = self.judged(&error)? {
                return Ok(outcome);
            }
            if began.elapsed() > self.patience() {
                return Ok(Outcome::TimedOut(error.to_string()));
            }
            self.producer().poll(Duration::from_millis(10));
        }
    }

    /// What an error means for the transaction; none: the step may be tried again.
    fn judged(&self, error: &KafkaError) -> Result<Option<Outcome>, Failure> {
        match error {
            KafkaError::Transaction(told) if told.txn_requires_abort() => match self.denied(told.code()) {
                Some(denied) => Err(denied),
                None => Ok(Some(Outcome::Abort(told.to_string()))),
            },
            KafkaError::Transaction(told)
                if told.is_retriable() || told.code() == RDKafkaErrorCode::OperationTimedOut =>
            {
                Ok(None)
            }
            // The cluster has given the transaction up meanwhile: none of it was committed, nor will be.
            KafkaError::Transaction(told) if told.code() == RDKafkaErrorCode::InvalidTransactionalState => {
                Ok(Some(Outcome::TimedOut(told.to_string())))
            }
            KafkaError::Flush(_) => Ok(None),
            _ => Err(self.cannot_go_on(error)),
        }
    }

    fn give_up(&mut self, why: &str) -> Result<Committed, Failure> {
        tracing::warn!(why, "transaction aborted");
        self.abort()?;
        Ok(Committed::Aborted)
    }

    fn renew_and_abort(&mut self, why: &str) -> Result<Committed, Failure> {
        self.renew(why)?;
        Ok(Committed::Aborted)
    }

    /// A producer whose commit or abort timed out may still be about to do it: only a new one, whose initialisation
    /// bumps the epoch, settles what became of the transaction. The lane restores, so it need not know.
    ///
    /// Waits for the brokers however long they are away: a restart would wait for no less.
    fn renew(&mut self, why: &str) -> Result<(), Failure> {
        tracing::warn!(why, "what became of a transaction isn't known; making its producer anew");
        self.troubles.push(Trouble::TransactionUnsettled);
        let fresh = Arc::new(start(&self.patient(), self.turn, &self.limits)?);
        self.producers[self.turn as usize] = fresh;
        (self.remembers[self.turn as usize], self.open) = (false, false);
        Ok(())
    }

    /// The same with both at once: what the one remembers in vain, the other does as well.
    fn renew_both(&mut self, why: &str) -> Result<(), Failure> {
        tracing::warn!(why, "what became of a transaction isn't known; making both producers anew");
        self.troubles.push(Trouble::CoordinatorLost);
        let (patient, limits) = (self.patient(), &self.limits);
        let (a, b) = thread::scope(|scope| {
            let b = scope.spawn(|| start(&patient, Which::B, limits));
            let a = start(&patient, Which::A, limits);
            (a, b.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.producers = [a?.into(), b?.into()];
        (self.remembers, self.open) = ([false; 2], false);
        Ok(())
    }

    /// Settings under which brokers are waited for however long they are away.
    fn patient(&self) -> Settings {
        Settings { patience: Duration::MAX, ..self.settings.clone() }
    }

    fn cannot_write(&self, error: &KafkaError, topic: &str) -> Failure {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        if let Some(denied) = denied(code, &self.settings, topic, "WRITE") {
            return denied;
        }
        match code {
            // The producer has stopped for good.
            RDKafkaErrorCode::Fatal | RDKafkaErrorCode::Fenced => self.cannot_go_on(error),
            // The transaction has failed already, and says so to each further record.
            RDKafkaErrorCode::State => match self.why_failed() {
                Some(told) => self.denied(told.code()).unwrap_or_else(|| Failure::Abort(told.to_string())),
                None => Failure::Abort(format!("a record for {topic} was not taken: {error}")),
            },
            _ => Failure::Fatal(format!("cannot write to topic `{topic}`: {error}")),
        }
    }

    /// Why the open transaction must be aborted, if it must. librdkafka tells it to any call that a failed transaction
    /// does not allow; beginning one while one is open is never allowed, and so changes nothing.
    fn why_failed(&self) -> Option<RDKafkaError> {
        match self.producer().begin_transaction() {
            Err(KafkaError::Transaction(told)) if told.txn_requires_abort() => Some(told),
            _ => None,
        }
    }

    /// The right that is missing, where that is why.
    fn denied(&self, code: RDKafkaErrorCode) -> Option<Failure> {
        let on = match code {
            RDKafkaErrorCode::TransactionalIdAuthorizationFailed => self.settings.transactional_id(self.turn),
            _ => self.outputs.join("`, `"),
        };
        denied(code, &self.settings, &on, "WRITE")
    }

    fn cannot_go_on(&self, error: &KafkaError) -> Failure {
        let id = self.settings.transactional_id(self.turn);
        let fatal = self.producer().client().fatal_error();
        let told = fatal.as_ref().map(|&(code, _)| code).or_else(|| error.rdkafka_error_code());
        let code = told.unwrap_or(RDKafkaErrorCode::Unknown);
        let why = fatal.map_or_else(|| error.to_string(), |(_, why)| why);
        let fenced = matches!(
            code,
            RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch
        );
        if fenced {
            return Failure::Fenced(format!(
                "another process has taken transactional id `{id}`, or a transaction stood open for longer than \
                 transaction.timeout.ms ({why}); give each process an instance name of its own"
            ));
        }
        self.denied(code).unwrap_or_else(|| {
            let heard = self.heard().last();
            Failure::Fatal(format!("transactional id `{id}` cannot go on: {why}; last heard: {heard}"))
        })
    }
}

enum Outcome {
    Done,
    Abort(String),
    TimedOut(String),
}

fn other(turn: Which) -> Which {
    match turn {
        Which::A => Which::B,
        Which::B => Which::A,
    }
}

fn size(write: &Write<'_>) -> usize {
    let headers: usize = write.headers.iter().map(|(name, value)| name.len() + value.len() + 10).sum();
    write.key.map_or(0, <[u8]>::len) + write.value.map_or(0, <[u8]>::len) + headers
}

fn too_large(topic: &str, partition: Partition, bytes: usize) -> Failure {
    Failure::Refused(format!(
        "a record of {bytes} bytes for {topic}-{partition} is larger than the topic's max.message.bytes"
    ))
}
