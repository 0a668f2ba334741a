//! `intake.reconcile:`: which sources are asked for what their webhooks missed, where and as whom.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tierline_intake::Source;
use tierline_intake::reconcile::{Key, Place, Settings, Terms};
use tierline_model::Millis;
use tierline_rules::source::{Entry, Keys, Kind, Node, codes, number, text, unknown_word, wrong_kind};

use crate::time::within;
use crate::{Reading, Secret, url};

/// How a source is asked for what has changed.
#[derive(Clone, Debug)]
pub struct Reconcile {
    /// The beginning of the API's addresses, without a slash at its end.
    pub url: String,
    /// Whose token it is, where the vendor wants to know.
    pub user: Option<String>,
    /// What lets us in.
    pub token: Secret,
    /// From one round to the next; a second to a day.
    pub every: Duration,
    /// How far back the first round of all looks; a minute to 30 days.
    pub look_back: Duration,
    /// Requests a minute at most; 1 to 100,000.
    pub requests_per_minute: u32,
}

const SECOND: Millis = 1_000;
const DAY: Millis = 86_400 * SECOND;
/// How long to wait after a first failure; twice as long after each further one.
const PATIENCE: Duration = Duration::from_secs(1);

impl Reconcile {
    /// As the library wants it.
    pub fn settings(&self) -> Settings {
        let place = Place { url: self.url.clone(), requests_per_minute: self.requests_per_minute, patience: PATIENCE };
        let key = Key { user: self.user.clone(), token: self.token.expose().to_owned() };
        Settings { place, key, every: self.every, look_back: self.look_back }
    }
}

/// `reconcile: { zendesk: { user: …, token: … } }`. `written`: the section of the sources, right or wrong.
pub(crate) fn read(
    node: &Node,
    written: Option<&Node>,
    sources: &BTreeMap<String, Arc<dyn Source>>,
    stale_after: Millis,
    reading: &mut Reading<'_>,
) -> BTreeMap<String, Reconcile> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`intake.reconcile` is a map: a source, and how it is asked for what changed", reading.found);
        return BTreeMap::new();
    };
    let mut all = BTreeMap::new();
    for Entry { key, value } in entries {
        let Some(source) = sources.get(&key.text) else {
            // What is wrong with the source itself has been told.
            if written.is_some_and(|written| written.at(&key.text).is_some()) {
                continue;
            }
            let named = Node { kind: value.kind.clone(), span: key.span.clone() };
            let names = sources.keys().map(String::as_str);
            unknown_word(&named, "a source that is asked for what has changed", &key.text, names, reading.found);
            continue;
        };
        let Some(api) = source.api() else {
            let message = format!("there is no API by which `{}` could be asked for what has changed", key.text);
            let help = "what its webhooks miss can only be imported; leave it out here";
            reading.found.mistake(codes::CONTRADICTION, &key.span, message).help(help);
            continue;
        };
        if let Some(one) = one(&key.text, value, &api.terms(), stale_after, reading) {
            all.insert(key.text.clone(), one);
        }
    }
    all
}

fn one(name: &str, node: &Node, terms: &Terms, stale_after: Millis, reading: &mut Reading<'_>) -> Option<Reconcile> {
    let what = format!("`intake.reconcile.{name}`");
    let mut keys = Keys::of(node, &what, reading.found)?;
    let token = keys.required("token", reading.found);
    let token = token.and_then(|node| Secret::read_for_header(node, &format!("the token of {what}"), reading));
    let written = keys.entry("url");
    let url = match written {
        Some(entry) => address(&entry.value, name, reading),
        None if terms.url.is_none() => {
            let message = format!("{what} needs `url`");
            let help = "where the API is: `url: https://acme.example.com`; of a help desk its `site` does as well";
            reading.found.mistake(codes::MISSING_KEY, &node.span, message).help(help);
            None
        }
        None => terms.url.clone(),
    };
    let user = keys.entry("user");
    if let (Some(user), None) = (user, terms.user) {
        let message = format!("{what} has no use for a `user`");
        reading.found.mistake(codes::CONTRADICTION, &user.key.span, message).help("its token says whose it is");
    }
    let user = user.and_then(|user| text(&user.value, "`user`", reading.found)).map(str::to_owned);
    let every = keys.optional("every");
    let length = every
        .and_then(|node| within(node, "`every`", (SECOND, DAY), reading))
        .unwrap_or(terms.every.as_millis() as Millis);
    let lag = terms.lag.as_millis() as Millis;
    if terms.has_tickets && length + lag > stale_after {
        let message = "timers on its tickets wait for each round: its heartbeats come later than `time.stale_after`";
        let help = format!(
            "the API tells nothing of the last {} seconds; ask more often, or raise `time.stale_after`",
            terms.lag.as_secs()
        );
        let span = every.map_or(&node.span, |every| &every.span);
        reading.found.warning(codes::DOUBTFUL, span, message).help(help);
    }
    let look_back = keys.optional("look_back");
    let look_back = look_back.and_then(|node| within(node, "`look_back`", (60 * SECOND, 30 * DAY), reading));
    let most = keys.optional("requests_per_minute");
    let most = most.and_then(|node| number(node, "`requests_per_minute`", (1.0, 100_000.0), reading.found));
    keys.finish(reading.found);
    Some(Reconcile {
        url: url?,
        user,
        token: token?,
        every: Duration::from_millis(length.unsigned_abs()),
        look_back: Duration::from_millis(look_back.unwrap_or(DAY).unsigned_abs()),
        requests_per_minute: most.map_or(terms.requests_per_minute, |most| most as u32),
    })
}

/// Where an API is: paths follow it.
fn address(node: &Node, name: &str, reading: &mut Reading<'_>) -> Option<String> {
    let what = format!("`intake.reconcile.{name}.url`");
    let written = url::http(node, &what, "write `user: …` and `token: ${NAME}` beside `url`", reading)?;
    if written.contains(['?', '#']) {
        let found = reading.found.mistake(codes::WRONG_KIND, &node.span, format!("{what} has a query"));
        found.help("write `https://acme.example.com`: paths follow it");
        return None;
    }
    if url::is_open(&written) {
        let found = reading.found.warning(codes::DOUBTFUL, &node.span, "the token goes there unencrypted");
        found.help("write `url: https://…`");
    }
    Some(written.trim_end_matches('/').to_owned())
}
