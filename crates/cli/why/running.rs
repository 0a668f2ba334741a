//! The instances that run, asked over HTTP: the one that is named, and whoever it says owns the ticket.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde_json::Value;
use tierline_config::{Config, Observe};
use tierline_stream::why::Told;
use ureq::Agent;

use super::{Answered, Why};
use crate::ended::Untried;
use crate::print::{instant, plain};

/// Longer than an instance waits for its lanes (6 s), and asks the cluster two questions (5 s each at most).
const PATIENCE: Duration = Duration::from_secs(20);

/// How often an instance that is restoring, or too busy, is asked; and how long it is left alone in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// What an instance said.
enum Said {
    Told(Box<Told>),
    /// It looked wherever the ticket could be.
    NoTicket,
    /// The ticket went from the account that was named to this one.
    Gone(String),
    /// Others may have it: these.
    Others(Vec<String>),
    /// It is there, and does not tell, for this reason.
    Nothing(String),
    /// Nobody is there.
    Silent(String),
}

/// Asks until somebody tells. It is nowhere if whoever owns all partitions where it could be knows of no such ticket.
///
/// # Errors
/// Not everybody could be asked who had to be, and what else can be.
pub fn ask(config: &Config, why: &Why) -> Result<Answered, Untried> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        // A token goes to those that were named, and to nobody between.
        .max_redirects(0)
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into();
    let token = config.observe.token.as_ref().map(|token| format!("Bearer {}", token.expose()));
    let is_named = !why.instance.is_empty();
    let named = if is_named { why.instance.iter().map(|url| address(url)).collect() } else { own(&config.observe) };
    let mut waiting: VecDeque<String> = named.into();
    let (mut asked, mut failed) = (BTreeSet::new(), Vec::new());
    let (mut is_anybody_there, mut is_nowhere) = (false, false);
    while let Some(instance) = waiting.pop_front() {
        if !asked.insert(instance.clone()) {
            continue;
        }
        let said = ask_one(&agent, token.as_deref(), &instance, why);
        if !is_named && !is_anybody_there && !matches!(said, Said::Silent(_)) {
            // Several addresses of one's own are one instance: the first that answers will do.
            (is_anybody_there, _) = (true, waiting.drain(..).count());
            failed.clear();
        }
        match said {
            Said::Told(told) => return Ok(Answered::Told(told, format!("the instance at {instance}"))),
            Said::Gone(account) => return Ok(Answered::Gone(account)),
            Said::NoTicket => is_nowhere = true,
            Said::Others(others) => waiting.extend(others),
            Said::Nothing(reason) | Said::Silent(reason) => failed.push(format!("{instance}: {reason}")),
        }
    }
    if failed.is_empty() && is_nowhere {
        return Ok(Answered::Nowhere);
    }
    if asked.is_empty() {
        failed.push("observe.listen leaves the port open: name the instance with --instance URL".to_owned());
    } else if failed.is_empty() {
        // Each sees a share of the work, and none can tell that the others have looked everywhere else.
        let asked = Vec::from_iter(asked).join(", ");
        failed.push(format!("{asked}: each says that another owns it; name its --account, and the owner can be told"));
    }
    let failures: String = failed.iter().map(|failure| format!("\n  {}", plain(failure))).collect();
    Err(Untried::because(format!(
        "no running instance told it:{failures}\nstart `tierline run`, or ask without one: --log (what the configured \
         log holds), --folder FOLDER (an embedded log), --events FILE"
    )))
}

/// Where the configuration says that its instance answers.
fn own(observe: &Observe) -> Vec<String> {
    let mut listen = observe.listen;
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let listen = (listen.port() != 0).then(|| format!("http://{listen}"));
    listen.into_iter().chain(observe.advertise.clone()).collect()
}

/// As it is written for others: with its scheme, without a slash at the end.
fn address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}

fn ask_one(agent: &Agent, token: Option<&str>, instance: &str, why: &Why) -> Said {
    let url = format!("{instance}/v1/why/{}", escaped(&why.ticket));
    let mut said = Said::Silent("it was not asked".to_owned());
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        let mut request = agent.get(&url);
        let at = why.at.map(instant);
        for (name, value) in [("account", &why.account), ("rule", &why.rule), ("at", &at)] {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        let answer = request.call().and_then(|mut answer| Ok((answer.status(), answer.body_mut().read_to_string()?)));
        let (status, body) = match answer {
            Ok((status, body)) => (status.as_u16(), body),
            Err(error) => return Said::Silent(error.to_string()),
        };
        said = read(status, &body);
        if status != 503 {
            break;
        }
    }
    said
}

fn read(status: u16, body: &str) -> Said {
    if status == 200 {
        return match Told::read(body) {
            Ok(told) => Said::Told(Box::new(told)),
            Err(_) => Said::Nothing("its answer cannot be read: it is of another version, or no instance".to_owned()),
        };
    }
    let Ok(told) = serde_json::from_str::<Value>(body) else {
        return Said::Nothing(format!("it answered {status}, and not as an instance does"));
    };
    let reason = told["error"].as_str().unwrap_or("it gave no reason").to_owned();
    match status {
        404 => told["account"].as_str().map_or(Said::NoTicket, |account| Said::Gone(account.to_owned())),
        421 => {
            let others = told["instances"].as_array().into_iter().flatten().filter_map(Value::as_str);
            Said::Others(others.map(address).collect())
        }
        _ => Said::Nothing(reason),
    }
}

/// An id as it may stand in a path.
fn escaped(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_~:".contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_any_letters_stays_one_segment_of_the_path() {
        assert_eq!(escaped("zendesk:35436"), "zendesk:35436");
        assert_eq!(escaped("a b/../ü?#%"), "a%20b%2F%2E%2E%2F%C3%BC%3F%23%25");
    }

    #[test]
    fn the_configured_instance_is_asked_where_this_machine_reaches_it() {
        let observe = |listen: &str, advertise: Option<&str>| Observe {
            listen: listen.parse().expect("an address"),
            advertise: advertise.map(str::to_owned),
            ..Observe::default()
        };
        assert_eq!(own(&observe("127.0.0.1:9464", None)), ["http://127.0.0.1:9464"]);
        let both = own(&observe("0.0.0.0:9464", Some("http://pod-1:9464")));
        assert_eq!(both, ["http://127.0.0.1:9464", "http://pod-1:9464"]);
        assert_eq!(own(&observe("[::]:1", None)), ["http://[::1]:1"]);
        assert!(own(&observe("127.0.0.1:0", None)).is_empty());
        assert_eq!(address("pod-1:9464/"), "http://pod-1:9464");
    }
}
