//! What `deploy/` says about the program is true: every metric that a dashboard or an alert names exists, every
//! expression is accepted by promtool, the alerts fire when they should, and every file that is mounted is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const DASHBOARD: &str = "deploy/grafana/dashboards/tierline.json";
const RULES: &str = "deploy/prometheus/tierline.rules.yml";

#[test]
fn dashboards_and_alerts_name_only_metrics_that_exist() {
    for file in [DASHBOARD, RULES, "deploy/prometheus/tierline.rules.test.yml"] {
        let named = metrics_in(&read(file));
        assert!(!named.is_empty(), "{file} names no metric at all");
        for name in named {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let known = tierline_observe::NAMES.contains(&family.unwrap_or(&name))
                || tierline_observe::NAMES.contains(&name.as_str());
            assert!(known, "{file} names {name}, which the program does not have");
        }
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_loads() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("it is JSON");
    assert!(dashboard["uid"].is_string() && dashboard["title"].is_string() && dashboard["schemaVersion"].is_u64());
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().expect("every panel has a title");
        assert!(ids.insert(panel["id"].as_u64().expect("every panel has an id")), "{title}: its id comes twice");
        let place = &panel["gridPos"];
        let (x, width) = (place["x"].as_u64().expect("a place"), place["w"].as_u64().expect("a width"));
        assert!(x + width <= 24, "{title}: it reaches beyond the grid");
        if panel["type"] != "row" {
            assert!(
                panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()),
                "{title}: it shows nothing"
            );
            assert!(
                panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
                "{title}: say what it shows"
            );
        }
    }
}

#[test]
fn no_panel_lies_on_another() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("it is JSON");
    let mut taken = BTreeSet::new();
    for panel in panels(&dashboard) {
        let side = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        for cell in (0..side("h")).flat_map(|dy| (0..side("w")).map(move |dx| (dx, dy))) {
            assert!(taken.insert((side("x") + cell.0, side("y") + cell.1)), "{} lies on another", panel["title"]);
        }
    }
}

/// Prometheus' own parser reads every expression of the dashboard, put into a recording rule.
#[test]
fn promtool_accepts_every_expression_of_the_dashboard() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("it is JSON");
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    let mut count = 0;
    for target in panels(&dashboard).iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten()) {
        let expression = target["expr"].as_str().expect("a target has an expression").replace("$__rate_interval", "5m");
        assert!(!expression.contains('$'), "{expression}: a variable that the test does not know");
        rules += &format!("  - record: dashboard:expression:{count}\n    expr: {}\n", Value::from(expression));
        count += 1;
    }
    assert!(count > 10, "only {count} expressions");
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("dashboard.rules.yml");
    fs::write(&file, rules).expect("our own folder");
    promtool(&["check", "rules"], &file);
}

#[test]
fn promtool_accepts_the_configuration_and_the_alerts() {
    promtool(&["check", "config"], &path("deploy/prometheus/prometheus.yml"));
    promtool(&["check", "rules", "--lint-fatal"], &path(RULES));
}

#[test]
fn the_alerts_fire_when_they_should() {
    promtool(&["test", "rules"], &path("deploy/prometheus/tierline.rules.test.yml"));
    let (rules, tests) = (read(RULES), read("deploy/prometheus/tierline.rules.test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(alert), "no test of {alert}");
    }
}

#[test]
fn what_compose_mounts_is_there() {
    let compose = read("deploy/compose.yaml");
    let mounted: Vec<&str> = compose.split(['"', ' ', '\n']).filter_map(|word| word.strip_prefix("./")).collect();
    assert!(mounted.len() >= 4, "found only {mounted:?}");
    for file in mounted {
        let file = file.split(':').next().unwrap_or_default();
        assert!(path("deploy").join(file).exists(), "compose.yaml mounts ./{file}, which is not there");
    }
}

/// Panels, those within rows included.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let top = dashboard["panels"].as_array().expect("a dashboard has panels");
    top.iter().flat_map(|panel| [panel].into_iter().chain(panel["panels"].as_array().into_iter().flatten())).collect()
}

fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("tierline_"))
        .map(str::to_owned)
        .collect()
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool")
        .args(arguments)
        .arg(file)
        .output()
        .expect("promtool runs (Debian: apt-get install -y --no-install-recommends prometheus)");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
