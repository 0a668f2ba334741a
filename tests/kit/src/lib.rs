//! What the tests stand on: a real Apache Kafka broker, a small schema registry, the program as a process, and waits
//! on conditions.
//!
//! Nothing here knows Tierline's own code: these are the neighbours that it meets in production, brought close enough
//! for a test. A test that needs the engine or an oracle takes them from their crates.
//!
//! - [`Broker::shared`]: one broker for all test processes of a run, each test in topics of its own ([`unique`]).
//! - [`Broker::own`]: a broker for one test, with TLS and SCRAM, or with settings that others should not meet.
//! - [`Cluster`]: three brokers that a test may kill and start again, one by one.
//! - [`Program`] and [`Process`]: the built program with its configuration in a folder of its own, and signals to it.
//! - [`Registry`]: speaks the Confluent API, computes compatibility, can be taken down and brought back.
//! - [`Vendor`]: the API of a system that is asked for what has changed.
//! - [`eventually`]: waits for a condition, and says what was waited for when it does not come.
//!
//! Nothing outlives the tests, however they end: `guard.sh` says how.

mod acls;
mod broker;
mod certificates;
mod cluster;
mod guard;
mod java;
mod kafka_jars;
mod names;
mod process;
mod records;
mod registry;
mod vendor;
mod wait;

pub use acls::{Grant, Resource, Right};
pub use broker::{Broker, Listener, Settings};
pub use certificates::Certificates;
pub use cluster::{Cluster, ClusterSettings};
pub use names::{free_port, lasting_port, unique};
pub use process::{Answer, Process, Program, free_address};
pub use records::Raw;
pub use registry::Registry;
pub use vendor::Vendor;
pub use wait::{eventually, within};
