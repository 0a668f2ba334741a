//! `tierline topics`: the topics as they should be.

use clap::Subcommand;

use crate::arguments::Shared;
use crate::ended::Ended;
use crate::print::Output;

/// The arguments of `topics`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline topics create --partitions 12 --replication 3
  tierline topics check")]
pub struct Topics {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, Subcommand)]
pub enum What {
    /// Make those that are missing; what exists stays as it is
    #[command(after_help = "Examples:
  tierline topics create
  tierline topics create --partitions 12 --replication 3")]
    Create {
        /// How many partitions each gets: as many as tasks can run side by side
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
        partitions: i32,
        /// How many brokers keep each [default: the cluster's]
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        replication: Option<i32>,
    },
    /// Say what differs from how they should be; exit code 1 if it matters
    #[command(after_help = "Examples:
  tierline topics check
  tierline topics check --output json")]
    Check {
        /// Columns, or JSON
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}
