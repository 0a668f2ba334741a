//! What a system's changed-since API is.

use std::time::Duration;

use super::{Http, Round};

/// How a system is asked for what has changed.
pub trait Api: Send + Sync {
    /// What is true of it before anything is asked.
    fn terms(&self) -> Terms;

    /// What `Authorization` says: mostly the token itself. Some must be asked for it first.
    ///
    /// # Errors
    /// It could not be had.
    fn authorization(&self, key: &Key, _: &mut Http) -> Result<String, Halt> {
        Ok(format!("Bearer {}", key.token))
    }

    /// Headers of every request beside that.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Brings all that has changed since [`Round::since`].
    ///
    /// # Errors
    /// Some of it could not be had: nothing is said of the rest.
    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt>;

    /// Brings whoever and whatever tickets name: agents, teams, fields. Asked now and then.
    ///
    /// # Errors
    /// Some of it could not be had.
    fn names(&self, _: &mut Round<'_>) -> Result<(), Halt> {
        Ok(())
    }
}

/// What is true of an API before anything is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where it is, unless the configuration says otherwise.
    pub url: Option<String>,
    /// So many requests a minute leave enough for everybody else, unless the configuration says otherwise.
    pub requests_per_minute: u32,
    /// What changed so lately may not be told yet, as the vendor documents.
    pub lag: Duration,
    /// From one round to the next, unless the configuration says otherwise.
    pub every: Duration,
    /// Whether it tells of tickets, so that its heartbeats mean something.
    pub has_tickets: bool,
    /// What `user` is for; none: it has no use for one.
    pub user: Option<&'static str>,
}

/// What lets us in.
#[derive(Clone)]
pub struct Key {
    /// Whose it is, where the vendor wants to know.
    pub user: Option<String>,
    /// The secret.
    pub token: String,
}

/// Why a round ends before all of it is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The process ends.
    #[error("it was told to stop")]
    Stopped,
    /// 401 or 403: the token, or what it may see.
    #[error("the API refuses us ({0}): look at `token` and what it may read")]
    Refused(u16),
    /// 404 or 410: that one thing is not there.
    #[error("the API has nothing there ({0}): look at `url`")]
    Missing(u16),
    /// It failed as often as it was tried.
    #[error("the API does not answer: {0}")]
    Away(String),
    /// It answers in a way that it should not.
    #[error("the API answers in a way that it does not document: {0}")]
    Odd(String),
    /// What was found could not be written.
    #[error("the log does not take it: {0}")]
    Log(String),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("user", &self.user).field("token", &"***").finish()
    }
}

impl Halt {
    /// For a metric: a word for the kind of it.
    pub fn word(&self) -> &'static str {
        match self {
            Halt::Stopped => "stopped",
            Halt::Refused(_) => "refused",
            Halt::Missing(_) => "missing",
            Halt::Away(_) => "away",
            Halt::Odd(_) => "odd",
            Halt::Log(_) => "log",
        }
    }
}
