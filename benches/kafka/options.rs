//! What is to be measured, as the command line says it; and a child's part of it.

use std::env;

use tierline_stream::topics::Names;

use crate::Outcome;

/// What is to be measured.
pub struct Options {
    /// Ticket events in the backlog.
    pub events: u64,
    /// How often it is worked off by both.
    pub pairs: usize,
    /// How many accounts the events are of.
    pub accounts: usize,
    /// Of every topic.
    pub partitions: i32,
    /// Events a second while latency is taken.
    pub rate: u64,
    /// How long that goes on.
    pub seconds: u64,
}

impl Options {
    /// Those that are named, else what the figures of `docs/NUMBERS.md` were taken with.
    pub fn of_the_command_line() -> Outcome<Options> {
        let mut options =
            Options { events: 1_000_000, pairs: 3, accounts: 20_000, partitions: 4, rate: 20_000, seconds: 10 };
        let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` wants a number"))?;
            match name.as_str() {
                "--events" => options.events = value.parse()?,
                "--pairs" => options.pairs = value.parse::<usize>()?.max(1),
                "--accounts" => options.accounts = value.parse()?,
                "--partitions" => options.partitions = value.parse()?,
                "--rate" => options.rate = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                other => return Err(format!("`{other}` is none of the options: see benches/kafka/options.rs").into()),
            }
        }
        Ok(options)
    }
}

/// Who works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// rdkafka and nothing else.
    Copy,
    /// One lane.
    Tierline,
}

/// What a child is to do.
pub struct Job {
    pub role: Role,
    pub brokers: String,
    /// The prefix of the input topics, without its dot.
    pub inputs: String,
    /// The group, and the prefix of the output topics, without its dot.
    pub own: String,
    /// Where the copy goes.
    pub copied_to: String,
    /// Ends behind so many events; 0: when its standard input ends.
    pub events: u64,
}

/// The first argument of a child.
const CHILD: &str = "--child";

impl Job {
    /// The job of this process, if it is a child.
    pub fn of_this_process() -> Outcome<Option<Job>> {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let [child, role, brokers, inputs, own, copied_to, events] = arguments.as_slice() else { return Ok(None) };
        if child != CHILD {
            return Ok(None);
        }
        Ok(Some(Job {
            role: if role == "copy" { Role::Copy } else { Role::Tierline },
            brokers: brokers.clone(),
            inputs: inputs.clone(),
            own: own.clone(),
            copied_to: copied_to.clone(),
            events: events.parse()?,
        }))
    }

    /// What [`of_this_process`](Self::of_this_process) reads.
    pub fn to_arguments(&self) -> [String; 7] {
        let role = if self.role == Role::Copy { "copy" } else { "tierline" };
        [
            CHILD.into(),
            role.into(),
            self.brokers.clone(),
            self.inputs.clone(),
            self.own.clone(),
            self.copied_to.clone(),
            self.events.to_string(),
        ]
    }

    /// The topics: everybody's inputs, its own outputs.
    pub fn names(&self) -> Names {
        let inputs = Names::with_prefix(&format!("{}.", self.inputs));
        let own = Names::with_prefix(&format!("{}.", self.own));
        Names {
            escalations: own.escalations,
            escalations_shadow: own.escalations_shadow,
            escalation_queue: own.escalation_queue,
            sla_events: own.sla_events,
            detect_state: own.detect_state,
            dead_letters: own.dead_letters,
            ..inputs
        }
    }
}
