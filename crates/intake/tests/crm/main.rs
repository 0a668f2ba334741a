//! Sources of accounts and bills, on samples made up by their vendors' documentation.

mod hubspot;
mod kit;
mod salesforce;
