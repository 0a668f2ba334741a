//! Every sample, and what it becomes: records, what is remembered, what nobody read.

use serde_json::Value;

use crate::kit::{Desk, sample};

macro_rules! samples {
    ($kind:ident, $options:literal: $($name:ident)*) => {
        #[test]
        fn $kind() {
            $(
                let mut desk = Desk::new(stringify!($kind), $options);
                let payload = sample(include_str!(concat!("samples/", stringify!($kind), "/", stringify!($name), ".json")));
                insta::assert_snapshot!(concat!(stringify!($kind), "_", stringify!($name)), desk.told(&payload));
            )*
        }
    };
}

samples! {
    zendesk, "{ statuses: { Waiting for engineering: on_hold }, fields: { '360001': category }, site: 'https://acme.zendesk.com/' }":
    created comment_of_agent comment_of_customer custom_field_changed merged organization_custom_field_changed
    bridged_comment template_updated export
}

samples! {
    freshdesk, "{ statuses: { '12': on_hold }, fields: { cf_area: product_area }, site: 'https://acme.freshdesk.com' }":
    template_created template_agent_replied unchanged ticket_with_stats ticket_with_conversations conversations rating company
}

samples! {
    intercom, "{}":
    user_created admin_replied admin_snoozed fin_hands_over rating_added deleted export contact_of_two_companies
    fin_status_updated
}

samples! {
    pylon, "{ fields: { region: custom.area } }":
    template_customer_replied issue issue_with_messages account
}

/// The templates of a page, their placeholders filled in: what its name says, else a number.
fn templates(page: &str) -> Vec<Value> {
    let blocks = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let filled = blocks.map(|block| {
        let mut parts = block.split("{{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap();
            filled.push_str(match name {
                name if name.contains("_at") => "2026-03-02T09:00:00Z",
                name if name.contains("is_public") => "true",
                _ => "7",
            });
            filled.push_str(rest);
        }
        sample(&filled)
    });
    filled.collect()
}

#[test]
fn the_template_of_each_page_is_read_to_the_last_member() {
    let pages = [
        ("zendesk", include_str!("../../../../docs/intake/zendesk.md"), 1),
        ("freshdesk", include_str!("../../../../docs/intake/freshdesk.md"), 1),
        ("pylon", include_str!("../../../../docs/intake/pylon.md"), 2),
    ];
    for (kind, page, count) in pages {
        let templates = templates(page);
        assert_eq!(templates.len(), count, "{kind}");
        for template in templates {
            // A creation brings its first message as the description, a message what was said.
            let with = |event: &str| {
                let mut other = template.clone();
                if !other["event"].as_str().unwrap().starts_with("account") {
                    other["event"] = event.into();
                }
                other
            };
            let unread = |template: &Value| {
                let told = Desk::new(kind, "").told(template);
                assert!(told.contains("tickets {") || told.contains("account-changes {"), "{kind}: {told}");
                let line = told.lines().find_map(|line| line.strip_prefix("nobody read "));
                line.map(|line| line.split(", ").map(str::to_owned).collect()).unwrap_or_default()
            };
            let all: Vec<Vec<String>> =
                [template.clone(), with("created"), with("updated")].iter().map(unread).collect();
            let never: Vec<_> = all[0].iter().filter(|one| all.iter().all(|unread| unread.contains(one))).collect();
            assert_eq!(never, Vec::<&String>::new(), "{kind}");
        }
    }
}
