//! By what a help desk knows its organisations and people beside their ids.

use crate::identity::Identifier;
use crate::{Basics, Json, Reading};

/// A field that holds domains: a list, one, or nothing; untold says nothing.
pub fn tell_domains(basics: &Basics, organisation: &str, field: &'static str, told: Json<'_>, reading: &mut Reading) {
    if told.is_told() {
        let domains = each(told).into_iter().map(|one| Identifier::domain(one.text()?));
        basics.identify(organisation, field, domains.collect::<Vec<_>>(), reading);
    }
}

/// A field that holds ids of other systems: a list, one, or nothing; untold says nothing.
pub fn tell_external(basics: &Basics, organisation: &str, field: &'static str, told: Json<'_>, reading: &mut Reading) {
    if told.is_told() {
        let ids = each(told).into_iter().map(|one| Identifier::external(&one.id()?));
        basics.identify(organisation, field, ids.collect::<Vec<_>>(), reading);
    }
}

fn each<'a>(told: Json<'a>) -> Vec<Json<'a>> {
    if told.is_list() { told.items().collect() } else { vec![told] }
}

/// The domain of somebody's address; untold is what it was before.
pub fn domain_of(email: Json<'_>, before: Option<String>) -> Option<String> {
    match email.text() {
        Some(email) => Identifier::of_mail(email).map(|domain| domain.value().to_owned()),
        None => before,
    }
}
