//! What a run came to: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::faults::{Over, Struck};
use crate::plan::Plan;
use crate::verdict::Verdict;

/// A run's result.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was to be done.
    pub plan: Plan,
    /// What was done, in order.
    pub struck: Vec<Struck>,
    /// Whether what was promised held.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Whether every invariant held.
    pub fn holds(&self) -> bool {
        self.verdict.broken.is_empty()
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["output stopped over", "times", "min", "median", "max", "target", ""]);
        for column in 1..=5 {
            table.column_mut(column).into_iter().for_each(|column| {
                column.set_cell_alignment(CellAlignment::Right);
            });
        }
        for (over, stopped) in self.stops() {
            let target = over.target(&self.plan);
            // The lower of the middle two.
            let (least, median, most) = (stopped[0], stopped[(stopped.len() - 1) / 2], stopped[stopped.len() - 1]);
            let missed = target.is_some_and(|target| most > target);
            table.add_row([
                over.name(),
                stopped.len().to_string(),
                seconds(least),
                seconds(median),
                seconds(most),
                target.map_or_else(String::new, |target| format!("≤ {}", seconds(target))),
                if missed { "missed".to_owned() } else { String::new() },
            ]);
        }
        let mut text = format!("{table}\n");
        for struck in &self.struck {
            for ended in &struck.ended {
                text += &format!(
                    "\n{} ended by itself ({}) when {}: {}",
                    ended.instance, ended.how, struck.whom, ended.said
                );
            }
        }
        let Verdict { inputs, repeats, outputs, letters, kinds, broken } = &self.verdict;
        text += &format!(
            "\n{inputs} records in ({repeats} of them twice), {outputs} out ({}), {letters} dead letters, \
             {} faults, {} s, seed {}\n",
            kinds.join(", "),
            self.struck.len(),
            self.took.as_secs(),
            self.plan.seed
        );
        match broken.is_empty() {
            true => text += "every invariant holds",
            false => text += &format!("BROKEN:\n{}", broken.join("\n")),
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let millis = |stopped: &Duration| stopped.as_millis() as u64;
        let stops: Vec<Value> = self
            .stops()
            .into_iter()
            .map(|(over, stopped)| {
                let target = over.target(&self.plan);
                json!({ "over": over.name(), "stopped_ms": stopped.iter().map(millis).collect::<Vec<_>>(),
                        "target_ms": target.as_ref().map(millis) })
            })
            .collect();
        let faults: Vec<Value> = self
            .struck
            .iter()
            .map(|struck| {
                let ended = struck.ended.iter();
                let ended = ended.map(|it| json!({ "instance": it.instance, "how": it.how, "said": it.said }));
                let stops = struck
                    .stops
                    .iter()
                    .map(|stop| json!({ "over": stop.over.name(), "stopped_ms": millis(&stop.stopped) }));
                json!({ "round": struck.round, "whom": struck.whom, "stops": stops.collect::<Vec<_>>(),
                        "ended_by_themselves": ended.collect::<Vec<_>>() })
            })
            .collect();
        let Verdict { inputs, repeats, outputs, letters, kinds, broken } = &self.verdict;
        json!({ "seed": self.plan.seed, "holds": self.holds(), "broken": broken, "stops": stops, "faults": faults,
                "inputs": inputs, "repeats": repeats, "outputs": outputs, "dead_letters": letters, "kinds": kinds,
                "seconds": self.took.as_secs() })
    }

    /// How long the output stopped, by what over, sorted.
    fn stops(&self) -> BTreeMap<Over, Vec<Duration>> {
        let mut stops: BTreeMap<Over, Vec<Duration>> = BTreeMap::new();
        for stop in self.struck.iter().flat_map(|struck| &struck.stops) {
            stops.entry(stop.over).or_default().push(stop.stopped);
        }
        stops.values_mut().for_each(|stopped| stopped.sort_unstable());
        stops
    }
}

fn seconds(length: Duration) -> String {
    format!("{:.1} s", length.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Stop;
    use crate::plan::Fault;

    #[test]
    fn a_missed_target_and_a_broken_promise_are_shown() {
        let stop = |millis| Stop { over: Over::Fault(Fault::StopInstance), stopped: Duration::from_millis(millis) };
        let struck = |millis| Struck { round: 1, whom: "it".into(), stops: vec![stop(millis)], ended: Vec::new() };
        let mut report = Report {
            plan: Plan::whole(7),
            struck: vec![struck(300), struck(2_100), struck(700)],
            verdict: Verdict::default(),
            took: Duration::from_secs(60),
        };
        let table = report.table();
        let row = table.lines().find(|line| line.contains("stop-instance")).unwrap_or_default();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells.join(" "), "stop-instance 3 0.3 s 0.7 s 2.1 s ≤ 2.0 s missed");
        assert!(report.holds() && table.ends_with("every invariant holds"), "{table}");
        report.verdict.broken.push("Order: it is not".into());
        assert!(!report.holds() && report.table().ends_with("BROKEN:\nOrder: it is not"));
        assert_eq!(report.json()["stops"][0]["stopped_ms"], json!([300, 700, 2_100]));
    }
}
