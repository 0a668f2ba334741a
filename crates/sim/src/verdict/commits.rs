//! What is judged at each commit and at each restore.

use tierline_engine::moved_from;
use tierline_invariants::state::State;
use tierline_invariants::{Invariant, Violation};
use tierline_model::{Decoder, RecordType};
use tierline_stream::clock::{At, Clock, ClockMode};
use tierline_stream::dead_letter;
use tierline_stream::detect::DetectStage;
use tierline_stream::log::{InputId, Offset, Partition};
use tierline_stream::stage::{Applied, Stage, Stages};
use tierline_stream::task_record::{self, TaskRecord};
use tierline_stream::topics::output;

use super::Verdict;
use super::shadow::{Moved, Written, copy, none_between, state_of};
use super::traced::{Trace, Traces};
use crate::cluster::{Cluster, Entry, Role, TxnId};
use crate::plan::START;

impl Verdict {
    /// A transaction of the detect stage was committed. What it told, for people.
    ///
    /// # Errors
    /// It is not what must have been committed.
    pub fn committed(
        &mut self,
        cluster: &Cluster,
        txn: TxnId,
        positions: &[(Partition, Offset)],
        traces: &Traces,
    ) -> Result<Vec<String>, Violation> {
        let moves = cluster.output(Role::Detect, output::ACCOUNT_MOVES);
        let writes = cluster.txn(txn).map_or(&[][..], |txn| &txn.writes);
        // What is written into another's partition is no sign that its task was there.
        let own = writes.iter().filter(|(topic, ..)| *topic != moves);
        let mut touched: Vec<Partition> = own.map(|&(_, partition, _)| partition).collect();
        touched.extend(positions.iter().map(|&(partition, _)| partition));
        touched.sort_unstable();
        touched.dedup();
        let (mut told, mut moved) = (Vec::new(), Vec::new());
        for partition in touched {
            let entries: Vec<_> = writes
                .iter()
                .filter(|&&(topic, other, _)| other == partition && topic != moves)
                .filter_map(|&(topic, _, offset)| {
                    Some((cluster.as_output(Role::Detect, topic)?, cluster.part(topic, partition).at(offset)?))
                })
                .collect();
            let trace = traces.take(partition);
            moved.extend(self.task_committed(cluster, partition, &entries, &trace, positions, &mut told)?);
            traces.restored_to(partition, Some(self.version(partition)));
        }
        let mut got = Vec::new();
        for &(_, partition, offset) in writes.iter().filter(|(topic, ..)| *topic == moves) {
            self.inputs.sent(cluster.name(moves), partition, offset, true);
            let entry = cluster.part(moves, partition).at(offset);
            got.extend(entry.map(|entry| (partition, entry.key.clone(), entry.value.clone())));
        }
        // It is an input too.
        self.moves_are_the_same(InputId(moves.0 as u16), got, moved)?;
        Ok(told)
    }

    /// What a transaction sends to other tasks is what the shadows sent. Of two accounts' there is no order, be they where
    /// it comes from or where it goes; and a state may be written in more than one way, so what it means is what counts.
    fn moves_are_the_same(
        &mut self,
        input: InputId,
        mut got: Vec<Moved>,
        mut wanted: Vec<Moved>,
    ) -> Result<(), Violation> {
        let from = |moved: &Moved| moved_from(moved.2.as_deref().unwrap_or_default()).unwrap_or_default().to_owned();
        for all in [&mut got, &mut wanted] {
            all.sort_by_cached_key(|moved| (moved.0, moved.1.clone(), from(moved)));
        }
        let wrong = |what: String| Err(Violation::new(Invariant::SameOutcome, what));
        if got.len() != wanted.len() {
            return wrong(format!("{} records went to other accounts, {} uninterrupted", got.len(), wanted.len()));
        }
        for (got, wanted) in got.iter().zip(&wanted) {
            if (got.0, &got.1) != (wanted.0, &wanted.1) {
                return wrong(format!("moved: committed {got:?}, but uninterrupted {wanted:?}"));
            }
            if got.2 != wanted.2 {
                self.where_nothing_was(input, got)?.compare(&self.where_nothing_was(input, wanted)?)?;
            }
        }
        Ok(())
    }

    /// What a record makes of another task that knows nothing.
    fn where_nothing_was(&mut self, input: InputId, moved: &Moved) -> Result<State, Violation> {
        let (partition, key, value) = moved;
        let mut stage = self.stages(0).stage(*partition, self.plan.partitions);
        let mut clock = Clock::new(&ClockMode::Wall, At::START);
        let wrong = |what: String| Violation::new(Invariant::SameOutcome, what);
        stage.restored(&clock, None).map_err(wrong)?;
        let entry = Entry::new(START, key.clone(), value.clone());
        match stage.apply(&mut clock, &entry.as_record(input, *partition), false, &mut self.metrics) {
            Applied::Ok => Ok(state_of(stage)),
            other => Err(wrong(format!("what came from another account is not taken: {other:?}"))),
        }
    }

    fn task_committed(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
        entries: &[(tierline_stream::log::OutputId, &Entry)],
        trace: &Trace,
        positions: &[(Partition, Offset)],
        told: &mut Vec<String>,
    ) -> Result<Vec<Moved>, Violation> {
        let Verdict { shadows, plan, setup, metrics, .. } = self;
        let shadow = &mut shadows[partition as usize];
        if trace.base != Some(shadow.version) {
            let (base, version) = (trace.base, shadow.version);
            let what = format!("partition {partition}: what follows version {base:?} was committed after {version}");
            return Err(Violation::new(Invariant::ExactlyOnce, what));
        }
        let stages = |rules: usize| crate::world::detect(plan, &setup.rules[rules]);
        let consequences = shadow.play(&trace.calls, cluster, metrics, plan.grace, stages)?;
        shadow.version += 1;
        let is_letter = |output| output == output::DEAD_LETTERS;
        let got: Vec<Written> = entries
            .iter()
            .filter(|(output, _)| *output != output::CHANGELOG && !is_letter(*output))
            .map(|(output, entry)| (*output, entry.key.clone(), entry.value.clone()))
            .collect();
        same(partition, got, consequences.written)?;
        let letters: Vec<_> =
            entries.iter().filter(|(output, _)| is_letter(*output)).map(|(_, it)| place(it)).collect();
        let name = |input: InputId| self.input_names[usize::from(input.0)].clone();
        let expected: Vec<_> =
            consequences.letters.iter().map(|&(input, offset)| (name(input), partition, offset)).collect();
        if letters != expected {
            let what = format!("dead letters of {letters:?} were committed, and should be of {expected:?}");
            return Err(Violation::new(Invariant::ExactlyOnce, what));
        }
        self.letters.extend(letters);
        let mut said = consequences.escalations;
        for (_, entry) in entries.iter().filter(|(output, _)| *output == output::ESCALATIONS) {
            // What was committed is what the shadow wrote, which has been read.
            let place = said.iter().position(|(value, _)| Some(value) == entry.value.as_ref());
            let place = place.ok_or_else(|| Violation::new(Invariant::SameOutcome, "an escalation nobody wrote"))?;
            let (_, record) = said.swap_remove(place);
            told.push(format!(
                "{} {} {} {} at {}, clock {}",
                record["kind"],
                record["ticket_id"],
                record["sequence"],
                record["rule"],
                record["became_true_at"],
                record["detected_at"]
            ));
            self.escalations.push(record);
        }
        let stands = entries.iter().rev().find(|(_, entry)| entry.key.as_deref() == Some(task_record::KEY));
        let stands = stands.and_then(|(_, entry)| TaskRecord::decode(entry.value.as_deref()?).ok());
        match stands {
            Some(record) => self.stands(cluster, partition, &record, positions).map(|()| consequences.moved),
            None => {
                let what = format!("partition {partition} was committed without its task record");
                Err(Violation::new(Invariant::StateKept, what))
            }
        }
    }

    /// The task record says where the task stands.
    fn stands(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
        record: &TaskRecord,
        positions: &[(Partition, Offset)],
    ) -> Result<(), Violation> {
        let shadow = &mut self.shadows[partition as usize];
        let asked = self.asked.get(&(partition, record.clock.now));
        for (place, name) in self.input_names.iter().enumerate() {
            let input = InputId(place as u16);
            let Some(position) = record.position(name) else {
                let what = format!("the task record of {partition} says nothing of {name}");
                return Err(Violation::new(Invariant::StateKept, what));
            };
            self.positions.hear(name, partition, position)?;
            let taken = shadow.positions[place];
            if position < taken {
                let what = format!("{name} is to be read from {position} again; {taken} was next");
                return Err(Violation::new(Invariant::ExactlyOnce, what));
            }
            none_between(cluster, input, partition, taken, position)?;
            shadow.positions[place] = position;
            if !record.clock.by_record && asked.is_none_or(|ends| position < ends[place]) {
                let what = format!(
                    "the clock of {partition} stands at {}, and {name} was read to {position}; when that was asked for \
                     it ended at {:?}",
                    record.clock.now,
                    asked.map(|ends| ends[place]),
                );
                return Err(Violation::new(Invariant::NoFalseBreach, what));
            }
        }
        if let Some(&(_, fence)) = positions.iter().find(|&&(other, _)| other == partition)
            && record.position(&self.input_names[0]) != Some(fence)
        {
            let what = format!("the group was told {fence} for {partition}, the task record says otherwise");
            return Err(Violation::new(Invariant::PositionsGrow, what));
        }
        self.positions.clock(partition, record.clock.now)?;
        let Some(life) = &mut shadow.life else { return Ok(()) };
        if record.clock.now < life.clock.now() {
            let what =
                format!("the task record of {partition} has {:?}, the clock showed {:?}", record.clock, life.clock);
            return Err(Violation::new(Invariant::PositionsGrow, what));
        }
        life.clock = tierline_stream::clock::Clock::new(&tierline_stream::clock::ClockMode::Wall, record.clock);
        if record.memory != life.stage.memory() {
            return Err(Violation::new(
                Invariant::StateKept,
                format!("partition {partition} remembers something else"),
            ));
        }
        Ok(())
    }

    /// A process has brought a task back from what is committed, as of `base` transactions: is it as it was?
    ///
    /// # Errors
    /// It isn't.
    pub fn restored(
        &self,
        partition: Partition,
        base: u64,
        rules: usize,
        stage: &DetectStage,
        clock: &Clock,
        memory: Option<&[u8]>,
    ) -> Result<(), Violation> {
        let shadow = &self.shadows[partition as usize];
        let wrong = |what: String| Err(Violation::new(Invariant::StateKept, format!("partition {partition}: {what}")));
        let Some(life) = shadow.life.as_ref().filter(|_| shadow.version == base) else { return Ok(()) };
        let Some(memory) = memory else { return wrong("it begins anew, though it has been".to_owned()) };
        if memory != life.stage.memory() || clock.reached() != life.clock.reached() {
            let (had, has) = (life.clock.reached(), clock.reached());
            return wrong(format!("another memory, or the clock had reached {had} and has now {has}"));
        }
        let stages = || self.stages(rules).stage(partition, self.plan.partitions);
        let (mut expected, mut again) = (stages(), stages());
        let brought_back = life.copy_into(&mut expected).and_then(|()| copy(stage, &mut again, clock));
        brought_back.map_err(|what| Violation::new(Invariant::StateKept, what))?;
        // Timers follow from state and rules, changed or not: bringing it back once more finds the same.
        let (has, needs) = (stage.next_deadline(), again.next_deadline());
        state_of(again).compare(&state_of(expected))?;
        match needs.is_some_and(|needs| has.is_none_or(|has| has > needs)) {
            true => wrong(format!("its timer is {has:?} and should be {needs:?}")),
            false => Ok(()),
        }
    }
}

/// A transaction's outputs are those that the shadow wrote, in the same order under each key. Between accounts there is
/// no order: the clock lets go of several at once.
fn same(partition: Partition, mut got: Vec<Written>, mut wanted: Vec<Written>) -> Result<(), Violation> {
    for all in [&mut got, &mut wanted] {
        all.sort_by(|x, y| (x.0.0, &x.1).cmp(&(y.0.0, &y.1)));
    }
    for place in 0..got.len().max(wanted.len()) {
        let (got, wanted) = (got.get(place), wanted.get(place));
        if got != wanted {
            let (got, wanted) = (show(got), show(wanted));
            let what = format!("partition {partition}, write {place}: committed\n{got}\nbut uninterrupted\n{wanted}");
            return Err(Violation::new(Invariant::SameOutcome, what));
        }
    }
    Ok(())
}

fn show(written: Option<&Written>) -> String {
    let Some((output, key, value)) = written else { return "nothing".to_owned() };
    let kind = match *output {
        output::ESCALATIONS => RecordType::Escalations,
        output::SLA_EVENTS => RecordType::SlaEvents,
        _ => RecordType::EscalationQueue,
    };
    let value = value.as_deref().map(|value| Decoder::new().to_json(kind, value));
    match value {
        Some(Ok(record)) => format!("{output:?}: {record}"),
        _ => format!("{output:?}: {key:?}, {value:?}"),
    }
}

/// The record that a dead letter is of, as its headers say.
fn place(letter: &Entry) -> (String, i32, i64) {
    let header = |name: &str| {
        let value = letter.headers.iter().find(|(other, _)| other == name);
        value.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let number = |name: &str| header(name).parse().unwrap_or(-1);
    (header(dead_letter::TOPIC), number(dead_letter::PARTITION) as i32, number(dead_letter::OFFSET))
}
