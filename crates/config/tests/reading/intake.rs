//! `intake:`: systems, their secrets, where their webhooks are taken.

use std::time::Duration;

use tierline_intake::identity::Identifier;

use crate::kit::{A_RULE, World};
use crate::listening::{CERTIFICATE, KEY};

fn world() -> World {
    World::default().with_variable("OLD", "one").with_variable("NEW", "two")
}

const RECORDS: &str = "records: [ { to: accounts, set: { account_id: /id } } ]";

#[test]
fn a_source_has_one_secret_or_two_and_a_table_of_accounts() {
    let text = format!(
        "{A_RULE}intake:
  listen: localhost:8080
  body_limit: 65536
  timeout: 3s
  trusted_headers: {{ scheme: X-Forwarded-Proto, host: X-Forwarded-Host }}
  tls: {{ certificate: tls/chain.pem, key: /etc/key.pem }}
  sources:
    desk: {{ kind: mapping, secrets: [ \"${{OLD}}\", \"${{NEW}}\" ], accounts: {{ 17: acme }}, {RECORDS} }}
"
    );
    let world = world().with_file("etc/tls/chain.pem", CERTIFICATE).with_file("/etc/key.pem", KEY);
    let (config, _) = world.read(&text).unwrap_or_else(|found| panic!("{found}"));
    let intake = config.intake;
    assert_eq!(intake.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((intake.body_limit, intake.timeout), (65_536, Duration::from_secs(3)));
    assert_eq!(intake.trusted.scheme.as_deref(), Some("x-forwarded-proto"));
    assert!(intake.tls.is_some(), "both files are where they are looked for");
    let basics = intake.sources["desk"].basics();
    assert_eq!(basics.accounts.0.get("17").map(String::as_str), Some("acme"));
    assert_eq!(format!("{:?}", basics.secrets), "2 × ***");
}

#[test]
fn domains_of_free_mail_are_added_to_the_well_known_ones() {
    let of = |domains: &str| format!("{A_RULE}identity:\n  free_mail: {domains}\n");
    let (config, _) = world().read(&of("[Provider.example]")).unwrap_or_else(|found| panic!("{found}"));
    let has = |domain| config.identity.free_mail.has(&Identifier::domain(domain).expect("it is one"));
    assert!(has("provider.example") && has("gmail.com") && !has("acme.example"));
    assert!(world().refusal(&of("[provider]")).contains("`provider` is no domain"));
    let elsewhere = world().refusal(&format!("{A_RULE}intake:\n  free_mail: [provider.example]\n"));
    assert!(elsewhere.contains("it is `identity.free_mail` now"), "{elsewhere}");
}

#[test]
fn accounts_say_who_they_are_at_each_system() {
    let of = |own: &str, members: &str| {
        format!(
            "{A_RULE}intake:\n  sources:\n    desk: {{ kind: mapping, secret: \"${{OLD}}\", accounts: {own}, {RECORDS} }}\n\
             identity:\n  accounts: {{ acme: {members}, globex: \"desk:18\" }}\n"
        )
    };
    let (config, _) =
        world().read(&of("{ 20: initech }", "[\"desk:17\", \"desk:19\"]")).unwrap_or_else(|found| panic!("{found}"));
    let accounts = &config.intake.sources["desk"].basics().accounts.0;
    let told: Vec<_> = accounts.iter().map(|(id, account)| (id.as_str(), account.as_str())).collect();
    assert_eq!(told, [("17", "acme"), ("18", "globex"), ("19", "acme"), ("20", "initech")]);

    let refusal = |own: &str, members: &str| world().refusal(&of(own, members));
    assert!(refusal("{}", "[\"desk:18\"]").contains("`desk:18` cannot be both `acme` and `globex`"));
    assert!(refusal("{ 17: other }", "[\"desk:17\"]").contains("`accounts` of the source says `other`"));
    let unknown = refusal("{}", "[\"desc:17\"]");
    assert!(unknown.contains("`desc`") && unknown.contains("desk"), "{unknown}");
    assert!(refusal("{}", "[acme.example]").contains("`acme.example` is nobody"));
}

#[test]
fn mistakes_are_told_together_and_a_secret_is_never_shown() {
    let text = "\
intake:
  listen: everywhere
  body_limit: 10
  timeout: 10ms
  trusted_headers: { host: 'x host' }
  sources:
    Desk: { kind: mapping }
    desk: { kind: maping, secret: hunter2 }
    other: { kind: mapping, records: [ { to: accounts, set: { account_id: /id } } ] }
    third: { kind: mapping, secrets: [ '${OLD}', '${NEW}', '${OLD}' ], records: [] }
  topics: { raw: nobody }
";
    let told = world().refusal(text);
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_source_with_an_api_is_asked_for_what_its_webhooks_miss() {
    let text = format!(
        "{A_RULE}intake:
  sources:
    desk: {{ kind: zendesk, secret: \"${{OLD}}\", site: https://acme.zendesk.com/ }}
    other: {{ kind: zendesk, secret: \"${{OLD}}\" }}
  reconcile:
    desk: {{ user: jo@acme.example, token: \"${{NEW}}\" }}
    other: {{ url: http://localhost:8080/, token: \"${{NEW}}\", every: 45s, look_back: 7d, requests_per_minute: 20 }}
"
    );
    let (config, warnings) = world().read(&text).unwrap_or_else(|found| panic!("{found}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    let asked = &config.intake.reconcile["desk"];
    assert_eq!((asked.url.as_str(), asked.user.as_deref()), ("https://acme.zendesk.com", Some("jo@acme.example")));
    assert_eq!((asked.every, asked.look_back), (Duration::from_secs(30), Duration::from_secs(86_400)));
    assert_eq!(asked.token.expose(), "two");
    let asked = &config.intake.reconcile["other"];
    assert_eq!((asked.url.as_str(), asked.requests_per_minute), ("http://localhost:8080", 20));
    assert_eq!((asked.every, asked.look_back), (Duration::from_secs(45), Duration::from_secs(7 * 86_400)));
}

#[test]
fn what_is_wrong_with_asking_is_told_together() {
    let text = format!(
        "intake:
  sources:
    desk: {{ kind: zendesk, secret: '${{OLD}}' }}
    far: {{ kind: zendesk, secret: '${{OLD}}', site: https://far.zendesk.com }}
    odd: {{ kind: mapping, secret: '${{OLD}}', {RECORDS} }}
    bad: {{ kind: zendsk, secret: '${{OLD}}' }}
  reconcile:
    bad: {{ token: '${{NEW}}' }}
    desk: {{ token: hunter2 }}
    far: {{ url: https://jo:hunter2@far.example, every: 2d, look_back: 60d }}
    odd: {{ token: '${{NEW}}' }}
    dsk: {{ token: '${{NEW}}' }}
"
    );
    let told = world().refusal(&text);
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn heartbeats_that_come_too_late_and_tokens_that_all_can_read_are_doubtful() {
    let text = format!(
        "{A_RULE}intake:
  sources:
    desk: {{ kind: zendesk, secret: \"${{OLD}}\" }}
  reconcile:
    desk: {{ url: http://acme.example, token: \"${{NEW}}\", every: 2m }}
"
    );
    let (_, warnings) = world().read(&text).unwrap_or_else(|found| panic!("{found}"));
    let told: Vec<_> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "the token goes there unencrypted",
            "timers on its tickets wait for each round: its heartbeats come later than `time.stale_after`"
        ]
    );
}
