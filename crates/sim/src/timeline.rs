//! What happened, line by line, for whoever replays a seed.

use tierline_model::Millis;

use crate::plan::START;

/// See the module. Nothing is kept where nobody reads it.
#[derive(Default)]
pub struct Timeline {
    is_told: bool,
    lines: Vec<(Millis, String)>,
}

impl Timeline {
    /// An empty one; `is_told`: somebody reads it.
    pub fn new(is_told: bool) -> Timeline {
        Timeline { is_told, lines: Vec::new() }
    }

    /// Something happened.
    pub fn tell(&mut self, at: Millis, what: impl FnOnce() -> String) {
        if self.is_told {
            self.lines.push((at, what()));
        }
    }

    /// The lines, each with its seconds since the start.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.lines.iter().map(|(at, what)| {
            let since = at - START;
            format!("{:>4}.{:03}  {what}", since.div_euclid(1_000), since.rem_euclid(1_000))
        })
    }
}
