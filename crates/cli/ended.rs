//! How a command ends: 0 all well, 1 the answer is no, 2 it could not be tried.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All well.
    Yes,
    /// It was tried, and the answer is no: a check failed, a line was bad. It has been said why.
    No,
}

/// Why a command could not be tried.
#[derive(Debug)]
pub enum Untried {
    /// For people, with the next step.
    Because(String),
    /// Whoever read our output has gone (`… | head`): not a failure.
    NobodyReads,
}

/// The result of a command.
pub type Ended = Result<Answer, Untried>;

impl Untried {
    /// For people: lower-case, specific, with the next step.
    pub fn because(why: impl Display) -> Untried {
        Untried::Because(why.to_string())
    }
}

impl From<io::Error> for Untried {
    fn from(error: io::Error) -> Untried {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Untried::NobodyReads,
            _ => Untried::because(error),
        }
    }
}

impl From<tierline_stream::log::Failure> for Untried {
    fn from(failure: tierline_stream::log::Failure) -> Untried {
        Untried::because(failure)
    }
}

/// Says why it failed, on standard error, and gives the exit code.
pub fn report(ended: Ended) -> ExitCode {
    match ended {
        Ok(Answer::Yes) | Err(Untried::NobodyReads) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(Untried::Because(why)) => {
            // Nothing is left to do if standard error is gone too.
            let _ = writeln!(io::stderr(), "tierline: {why}");
            ExitCode::from(2)
        }
    }
}
