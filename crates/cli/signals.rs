//! Ctrl-C and SIGTERM: the first asks for a clean end, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ended::Untried;

/// Hears both signals, from the moment it is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// Which of them it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Interrupt,
    Terminate,
}

impl Signals {
    /// Begins to listen. Within a tokio runtime only.
    pub fn listen() -> Result<Signals, Untried> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one, and says which it was.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.interrupt.recv() => Heard::Interrupt,
            _ = self.terminate.recv() => Heard::Terminate,
        }
    }
}

impl Heard {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Heard::Interrupt => "Ctrl-C",
            Heard::Terminate => "SIGTERM",
        }
    }

    /// The exit code that shells have for a process which it ended: 128 and its number.
    fn code(self) -> i32 {
        match self {
            Heard::Interrupt => 130,
            Heard::Terminate => 143,
        }
    }
}

/// For commands that have nothing to end in order. By itself the system ends them by either signal, unless they are a
/// container's first process: there it does nothing, so that they do it themselves.
pub fn end_the_first_process() -> Result<(), Untried> {
    if std::process::id() != 1 {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || std::process::exit(runtime.block_on(signals.next()).code()))?;
    Ok(())
}
