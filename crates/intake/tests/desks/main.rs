//! What the help desks' payloads become, and whose deliveries are taken. The samples are made up, by the vendors'
//! documentation.

mod freshdesk;
mod garbage;
mod intercom;
mod kit;
mod pylon;
mod samples;
mod zendesk;
