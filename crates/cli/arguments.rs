//! The command line: from this one declaration come the parser, `--help` and the shells' completions.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, Parser, Subcommand};

use crate::accounts::Accounts;
use crate::calibrate::Calibrate;
use crate::check::Check;
use crate::completions::Completions;
use crate::data_map::DataMap;
use crate::dead_letters::DeadLetters;
use crate::demo::Demo;
use crate::ended::{Ended, Untried};
use crate::explain::Explain;
use crate::gateway::Gateway;
use crate::import::Import;
use crate::intake::Intake;
use crate::run::Run;
use crate::score::ScoreMessages;
use crate::send::Send;
use crate::signals;
use crate::sla::Sla;
use crate::tail::Tail;
use crate::test::Test;
use crate::topics::Topics;
use crate::why::Why;

/// Support escalations from a ticket stream: the right tier, at the right second, once, with the reason.
#[derive(Debug, Parser)]
#[command(
    name = "tierline",
    version,
    propagate_version = false,
    max_term_width = 110,
    after_help = "Examples:
  tierline demo                              see it work; needs nothing
  tierline check                             is tierline.yaml right?
  tierline test                              does it do what its scenarios say?
  tierline --config eu.yaml run              the pipeline
  tierline tail escalations --from-start     what it has raised

Exit codes: 0 all well; 1 the answer is no; 2 it could not be tried."
)]
pub struct Arguments {
    #[command(flatten)]
    pub shared: Shared,

    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Shared {
    /// The configuration [default: tierline.yaml if there is one, else the built-in example]
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Shared {
    /// A text with every command that it advises acting on this configuration, not on the default one: whoever pastes
    /// `tierline topics create` means the topics that were spoken of.
    pub fn advise(&self, text: &str) -> String {
        let Some(path) = &self.config else { return text.to_owned() };
        let path = path.display().to_string();
        let bare = |char: char| char.is_alphanumeric() || "/._-+:@%".contains(char);
        let path = match !path.is_empty() && path.chars().all(bare) {
            true => path,
            false => format!("'{}'", path.replace('\'', r"'\''")),
        };
        let commands = ["topics", "dead-letters", "tail", "run", "intake", "import", "accounts"];
        commands.iter().fold(text.to_owned(), |text, command| {
            text.replace(&format!("tierline {command}"), &format!("tierline --config {path} {command}"))
        })
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the pipeline until SIGTERM or Ctrl-C, which end it cleanly
    Run(Run),
    /// Run the pipeline on made-up traffic with a fast clock; needs nothing
    Demo(Demo),
    /// Check the configuration: all mistakes at once, each with its line and what was meant
    Check(Check),
    /// Print each rule as one sentence, and where the fields that it reads come from
    Explain(Explain),
    /// Tell why a ticket is or isn't escalated, and what would change that
    Why(Why),
    /// Measure what the rules ask: where each field lives, how often it is there, which values occur
    DataMap(DataMap),
    /// Try scenario files on a virtual clock, and show what happened instead
    Test(Test),
    /// Create the topics, or compare them with how they should be
    Topics(Topics),
    /// Send JSON lines to a topic: checked against its schema, keyed and partitioned rightly
    Send(Send),
    /// Print the records of a topic, decoded; committed ones only
    Tail(Tail),
    /// List, show and replay the records that could not be taken
    DeadLetters(DeadLetters),
    /// Take webhooks alone, beside a pipeline that runs elsewhere
    Gateway(Gateway),
    /// Try what a payload becomes; read kept payloads again
    Intake(Intake),
    /// Show who is who, why, and correct it
    Accounts(Accounts),
    /// Import an export of a help desk, or a CSV file with a mapping
    Import(Import),
    /// Answer questions of business time: when a target is due, how much has elapsed
    Sla(Sla),
    /// Score messages: sentiment, escalation risk, and the words that decided
    Score(ScoreMessages),
    /// Make the scorer a company's own by its labelled messages, and tell how far to believe it
    Calibrate(Calibrate),
    /// Print a completion script for a shell
    Completions(Completions),
}

impl Arguments {
    /// Those of the process; where they are wrong it ends, having said why.
    pub fn read() -> Arguments {
        Arguments::try_parse().unwrap_or_else(|error| with_config_named(error).exit())
    }

    /// Does what was asked.
    pub fn run(self) -> Ended {
        let Arguments { shared, command } = self;
        if !matches!(command, Command::Run(_) | Command::Demo(_) | Command::Gateway(_)) {
            signals::end_the_first_process()?;
        }
        let ended = match command {
            Command::Run(run) => run.run(&shared),
            Command::Demo(demo) => demo.run(&shared),
            Command::Check(check) => check.run(&shared),
            Command::Explain(explain) => explain.run(&shared),
            Command::Why(why) => why.run(&shared),
            Command::DataMap(data_map) => data_map.run(&shared),
            Command::Test(test) => test.run(&shared),
            Command::Topics(topics) => topics.run(&shared),
            Command::Send(send) => send.run(&shared),
            Command::Tail(tail) => tail.run(&shared),
            Command::DeadLetters(dead_letters) => dead_letters.run(&shared),
            Command::Gateway(gateway) => gateway.run(&shared),
            Command::Intake(intake) => intake.run(&shared),
            Command::Accounts(accounts) => accounts.run(&shared),
            Command::Import(import) => import.run(&shared),
            Command::Sla(sla) => sla.run(&shared),
            Command::Score(score) => score.run(),
            Command::Calibrate(calibrate) => calibrate.run(),
            Command::Completions(completions) => completions.run(),
        };
        ended.map_err(|untried| match untried {
            Untried::Because(why) => Untried::Because(shared.advise(&why)),
            Untried::NobodyReads => Untried::NobodyReads,
        })
    }
}

/// A configuration that stands where nothing is expected is told how it is named.
fn with_config_named(mut error: Error) -> Error {
    let written = match error.kind() {
        ErrorKind::UnknownArgument => error.get(ContextKind::InvalidArg),
        ErrorKind::InvalidSubcommand => error.get(ContextKind::InvalidSubcommand),
        _ => None,
    };
    if let Some(ContextValue::String(written)) = written
        && (written.ends_with(".yaml") || written.ends_with(".yml"))
    {
        let tip = format!("the configuration is named with '--config {written}'");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn advice_names_the_configuration_that_it_is_about() {
        let advise = |config: Option<&str>| {
            let shared = Shared { config: config.map(PathBuf::from) };
            shared.advise("delete it, then `tierline topics create`")
        };
        assert_eq!(advise(None), "delete it, then `tierline topics create`");
        assert_eq!(advise(Some("eu.yaml")), "delete it, then `tierline --config eu.yaml topics create`");
        assert_eq!(advise(Some("e u's")), r"delete it, then `tierline --config 'e u'\''s' topics create`");
    }

    #[test]
    fn every_command_shows_examples() {
        fn look(command: &clap::Command, path: &str) {
            for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
                let path = format!("{path} {}", inner.get_name());
                let help = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&format!("{path} ")) || help.contains(&format!("{path}\n")), "{path}: {help}");
                look(inner, &path);
            }
        }
        look(&Arguments::command(), "tierline");
    }
}
