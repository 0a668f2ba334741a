//! Who plays in the demo: the customers, what troubles them, the agents. All made up.

/// A customer, as the CRM and the billing system know them.
#[derive(Clone, Copy, Debug)]
pub struct Customer {
    pub id: &'static str,
    pub name: &'static str,
    /// Who writes their tickets.
    pub person: &'static str,
    pub plan: &'static str,
    /// Whole dollars a year.
    pub arr: i64,
    /// 0–100.
    pub health: i64,
    pub past_due: bool,
    pub owner: &'static str,
    pub region: &'static str,
    pub renewal_in_days: i64,
}

#[rustfmt::skip]
pub const CUSTOMERS: &[Customer] = &[
    customer("northwind", "Northwind Air", "Jo", "enterprise", 184_000, 71, false, "emea", 40),
    customer("lumen", "Lumen Optics", "Priya", "growth", 36_000, 88, false, "amer", 200),
    customer("harbour", "Harbour Foods", "Tomas", "growth", 48_000, 38, false, "emea", 25),
    customer("quarry", "Quarry & Sons", "Mina", "starter", 9_600, 55, true, "apac", 90),
    customer("meridian", "Meridian Bank", "Ines", "enterprise", 320_000, 64, false, "emea", 120),
    customer("tandem", "Tandem Cycles", "Lars", "growth", 27_000, 80, false, "emea", 310),
    customer("foxglove", "Foxglove Health", "Aiko", "enterprise", 210_000, 83, false, "apac", 260),
    customer("brightside", "Brightside Media", "Sol", "starter", 7_200, 62, false, "amer", 15),
    customer("orchard", "Orchard Labs", "Wes", "growth", 54_000, 46, false, "amer", 70),
    customer("kestrel", "Kestrel Freight", "Dana", "enterprise", 150_000, 77, false, "amer", 180),
    customer("paperlane", "Paperlane", "Uma", "starter", 4_800, 91, false, "apac", 330),
    customer("solstice", "Solstice Energy", "Rui", "growth", 61_000, 59, true, "emea", 55),
];

#[allow(clippy::too_many_arguments, reason = "a row of the table above")]
const fn customer(
    id: &'static str,
    name: &'static str,
    person: &'static str,
    plan: &'static str,
    arr: i64,
    health: i64,
    past_due: bool,
    region: &'static str,
    renewal_in_days: i64,
) -> Customer {
    Customer { id, name, person, plan, arr, health, past_due, owner: "robin", region, renewal_in_days }
}

/// What a ticket is about.
#[derive(Clone, Copy, Debug)]
pub struct Issue {
    pub subject: &'static str,
    pub category: &'static str,
    pub area: &'static str,
    pub text: &'static str,
}

#[rustfmt::skip]
pub const ISSUES: &[Issue] = &[
    Issue { subject: "Invoice charged twice", category: "billing", area: "invoices", text: "We were charged twice for last month. Please refund one of the two." },
    Issue { subject: "Wrong VAT number on our invoices", category: "billing", area: "invoices", text: "Our finance team cannot book these. Could you reissue them?" },
    Issue { subject: "Card declined although it is valid", category: "billing", area: "payments", text: "Your checkout refuses our card. Our bank sees no attempt." },
    Issue { subject: "Seats don't match the contract", category: "billing", area: "plans", text: "We pay for 80 seats and see 60." },
    Issue { subject: "Export has been failing since this morning", category: "bug", area: "exports", text: "Every export ends with an error after a minute. We need it for tonight's report." },
    Issue { subject: "Dashboard shows yesterday's numbers", category: "bug", area: "reports", text: "The numbers do not move since midnight." },
    Issue { subject: "API answers 500 on every write", category: "outage", area: "api", text: "All our writes fail since 20 minutes. Production is down for us." },
    Issue { subject: "Cannot log in with SSO", category: "access", area: "login", text: "Half of our team is locked out." },
    Issue { subject: "Webhook deliveries arrive out of order", category: "bug", area: "webhooks", text: "Is that expected? We rely on the order." },
    Issue { subject: "How do I add a second workspace?", category: "question", area: "setup", text: "I can't find it in the settings." },
    Issue { subject: "Import stuck at 99 %", category: "bug", area: "imports", text: "It has been like that for two hours." },
    Issue { subject: "Please change our billing contact", category: "billing", area: "plans", text: "Our new contact is in finance." },
    Issue { subject: "Mobile app loses drafts", category: "bug", area: "mobile", text: "Whatever I type is gone once I switch apps." },
    Issue { subject: "Permission denied for a new admin", category: "access", area: "roles", text: "She is an admin but cannot open the settings." },
];

pub const AGENTS: &[&str] = &["Sam", "Kim", "Noor", "Alex"];

pub const FOLLOW_UPS: &[&str] = &[
    "Any news on this?",
    "We are still waiting.",
    "This is getting urgent for us. Is anybody there?",
    "Could somebody please have a look?",
];
