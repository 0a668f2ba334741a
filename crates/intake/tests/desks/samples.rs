//! Every sample, and what it becomes: records, what is remembered, what nobody read.

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
