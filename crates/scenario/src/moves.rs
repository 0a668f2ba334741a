//! What goes from one account to another, where one engine has them all: it comes at once.

use tierline_engine::{Arrival, Engine, Input, Output, Rejected};
use tierline_model::Millis;

/// Hands over all that an engine wants written, in order; what goes to another account is taken there at this instant.
pub(crate) fn settled(engine: &mut Engine, clock: Millis, mut each: impl FnMut(Output)) -> Result<(), Rejected> {
    loop {
        let outputs: Vec<Output> = engine.outputs().collect();
        if outputs.is_empty() {
            return Ok(());
        }
        for output in outputs {
            if let Output::Move { to, value } = &output {
                let input = Input::Moved { account_id: to, value };
                engine.apply(clock, Arrival { appended_at: Some(clock), input })?;
            }
            each(output);
        }
    }
}
