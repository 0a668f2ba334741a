//! The task record, and what the stage has put into it.

use tierline_stream::clock::{At, Clock, ClockMode};
use tierline_stream::stage::Stage;
use tierline_stream::task_record::TaskRecord;

use super::{NOON, stage};

/// The bytes as a record, then as what a record that is right remembers.
pub fn run(bytes: &[u8]) {
    if let Ok(record) = TaskRecord::decode(bytes) {
        assert_eq!(TaskRecord::decode(&record.encode()), Ok(record.clone()));
        let _ = record.position("tickets");
        let clock = Clock::new(&ClockMode::Wall, record.clock);
        let _ = stage().restored(&clock, Some(&record.memory));
    }
    let mut noon = Clock::new(&ClockMode::Wall, At::START);
    noon.run_on_to(NOON);
    let _ = stage().restored(&noon, Some(bytes));
}
