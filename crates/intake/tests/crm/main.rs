//! Sources of accounts and bills, on samples made up by their vendors' documentation.

mod garbage;
mod hubspot;
mod kit;
mod salesforce;
mod signatures;
mod stripe;
