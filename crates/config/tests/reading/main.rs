//! The configuration as people write it: what is read, what is refused, and in which words.

mod bounds;
mod environment;
mod example;
mod includes;
mod intake;
mod kit;
mod listening;
mod mistakes;
mod scorer;
mod secrets;
mod values;
