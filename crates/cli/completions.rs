//! `tierline completions`: a script that completes commands and options in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::ended::{Answer, Ended};

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline completions bash > /etc/bash_completion.d/tierline
  tierline completions fish > ~/.config/fish/completions/tierline.fish
")]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Ended {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "tierline", &mut script);
        std::io::Write::write_all(&mut std::io::stdout(), &script)?;
        Ok(Answer::Yes)
    }
}
