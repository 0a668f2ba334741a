//! `tierline why`: why a ticket is escalated or isn't, and what would change that.
//!
//! [`running`] asks the instances that run, [`crate::past`] what a log holds or a file says, [`tell`] is how people read
//! the answer.

mod running;
mod tell;

use std::path::PathBuf;

use tierline_config::{Config, Log};
use tierline_engine::Engine;
use tierline_model::Millis;
use tierline_stream::why::Told;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::open;
use crate::past;
use crate::print::{self, Output};

/// The arguments of `why`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline why zendesk:35436
  tierline why zendesk:35436 --rule enterprise-billing-silence --output json
  tierline why zendesk:35436 --account acme --instance http://tierline-2.example:9464
  tierline why zendesk:35436 --at 2026-03-02T11:00:00Z
  tierline why zendesk:35436 --log             nothing has to run
  tierline why T1 --events events.jsonl        lines such as {\"tickets\": {…}}, or what `tail --output json` prints

It asks the running instances (observe.listen, with observe.token), and whom they name as the ticket's owner. With
--log or --folder it reads the state that the pipeline has written instead. An instant that has passed (--at) is lived
through again from what the topics still hold; one to come is foreseen. Standard error says who answered.

Exit codes: 0 it has been told; 1 there is no such ticket; 2 it could not be asked.")]
pub struct Why {
    /// The ticket's id
    ticket: String,

    /// Its account, where several have a ticket of that id; also finds the owner at once
    #[arg(long)]
    account: Option<String>,

    /// This rule alone
    #[arg(long)]
    rule: Option<String>,

    /// As of this instant [default: now; with --events: the last event of the file]
    #[arg(long, value_parser = print::read_instant)]
    at: Option<Millis>,

    /// Ask the instance at this address; repeated, one after the other [default: observe.listen, observe.advertise]
    #[arg(long, value_name = "URL", conflicts_with_all = ["log", "folder", "events"])]
    instance: Vec<String>,

    /// Read what the configuration's log holds, in its folder or on Kafka; nothing has to run
    #[arg(long, conflicts_with_all = ["folder", "events"])]
    log: bool,

    /// The same of the embedded log in this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "events")]
    folder: Option<PathBuf>,

    /// A file of events instead of the log; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// For people, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Why {
    /// Prints it; no is the answer when there is no such ticket. One that has moved is looked for where it went.
    pub fn run(mut self, shared: &Shared) -> Ended {
        let mut config = open::config(shared)?;
        if let Some(folder) = &self.folder {
            let partitions = match &config.log {
                Log::Embedded { partitions, .. } => *partitions,
                Log::Kafka(_) => PARTITIONS,
            };
            config.log = Log::Embedded { path: folder.clone(), partitions };
        }
        let mut moves = 0..MOST_MOVES;
        let (told, who) = loop {
            let answered = match self.asks_instances() {
                true => running::ask(&config, &self)?,
                false => self.read(&config)?,
            };
            match answered {
                Answered::Told(told, who) => break (told, who),
                Answered::Gone(account) if moves.next().is_some() => {
                    print::note(format_args!("the ticket went to account {}", print::plain(&account)));
                    self.account = Some(account);
                }
                Answered::Gone(_) | Answered::Nowhere => {
                    print::note(format_args!("tierline: there is no ticket {} here", self.ticket));
                    return Ok(Answer::No);
                }
            }
        };
        match self.output {
            Output::Json => print::line(told.json())?,
            Output::Table => tell::tell(&told)?,
        }
        print::note(format_args!("told by {}", print::plain(&who)));
        Ok(Answer::Yes)
    }

    /// What has passed is asked of the log: an instance does not look back.
    fn asks_instances(&self) -> bool {
        let elsewhere = self.log || self.folder.is_some() || self.events.is_some();
        let has_passed = self.at.is_some_and(|at| at <= chrono::Utc::now().timestamp_millis());
        !elsewhere && (!has_passed || !self.instance.is_empty())
    }

    fn read(&self, config: &Config) -> Result<Answered, Untried> {
        if let Some(rule) = &self.rule
            && !config.rules.rules.iter().any(|known| known.id == *rule)
        {
            return Err(Untried::because(format!("there is no rule {rule}; `tierline explain` shows all")));
        }
        let (engines, who) = past::engines(config, self.events.as_deref(), self.at)?;
        let account = self.account.as_deref();
        let tell = |(engine, now): &(Engine, Millis)| match self.at {
            Some(at) if at > *now => engine.foresee(account, &self.ticket, at).map_err(Untried::because),
            _ => Ok(engine.why(account, &self.ticket, *now)),
        };
        let why = engines.iter().find_map(|engine| tell(engine).transpose()).transpose()?;
        if let Some(why) = why {
            let told = Told::new(&why, &config.rules, &config.topics, self.rule.as_deref());
            return Ok(Answered::Told(Box::new(told), who));
        }
        let went_to = |(engine, _): &(Engine, Millis)| engine.went_to(account?, &self.ticket).map(str::to_owned);
        Ok(engines.iter().find_map(went_to).map_or(Answered::Nowhere, Answered::Gone))
    }
}

/// What was answered.
enum Answered {
    /// Why, and who says so.
    Told(Box<Told>, String),
    /// The ticket went to this account.
    Gone(String),
    /// There is no such ticket.
    Nowhere,
}

/// A ticket that went farther than that, one account at a time, is not followed.
const MOST_MOVES: u8 = 16;

/// How many partitions a folder has that nobody has said anything of.
const PARTITIONS: i32 = 4;
