//! A secret is nowhere to be seen.

use tierline_config::Log;

use crate::kit::{A_RULE, World};

const PASSWORD: &str = "hunter2-and-more";

fn kafka(password: &str) -> String {
    format!(
        "{A_RULE}log:\n  kind: kafka\n  brokers: b:1\n  properties:\n    security.protocol: SASL_SSL\n    sasl.password: {password}\n"
    )
}

#[test]
fn it_comes_from_the_environment_or_a_file_and_debug_shows_stars() {
    let world = World::default().with_variable("PW", PASSWORD).with_file("etc/secret", "hunter2-and-more\n");
    for written in ["${PW}", "\"${PW}\"", "{ file: secret }"] {
        let registry = format!("schema_registry:\n  url: https://r\n  user: me\n  password: {written}\n");
        let (config, _) =
            world.read(&(kafka(written) + &registry)).unwrap_or_else(|found| panic!("{}", found.render(false)));
        let Log::Kafka(kafka) = &config.log else { panic!("it is on Kafka") };
        assert_eq!(kafka.secrets["sasl.password"].expose(), PASSWORD);
        assert_eq!(kafka.all_properties()["sasl.password"], PASSWORD);
        let (user, password) = config.registry.as_ref().and_then(|r| r.credentials.as_ref()).expect("both are given");
        assert_eq!((user.as_str(), password.expose()), ("me", PASSWORD));
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
    }
}

#[test]
fn a_secret_that_is_written_down_is_refused_and_not_shown_with_its_line() {
    for written in [PASSWORD, "'hunter2-and-more'", "${PW:-hunter2-and-more}", "a${PW}hunter2", "[ hunter2 ]"] {
        let world = World::default().with_variable("PW", PASSWORD);
        let text = kafka(written);
        let Err(found) = world.read(&text) else { panic!("{written}") };
        let told = found.render(false);
        assert!(told.contains("error[E0022]: `sasl.password` is written down"), "{told}");
        assert!(!told.contains("hunter2") && !format!("{found:?}").contains("hunter2"), "{told}");
    }
}

#[test]
fn the_token_of_http_is_one_too() {
    let world = World::default().with_variable("TOKEN", PASSWORD).with_variable("SPACED", "hunter2 and more");
    let (config, _) = world.read(&format!("{A_RULE}observe: {{ token: \"${{TOKEN}}\" }}\n")).expect("it is right");
    assert_eq!(config.observe.token.as_ref().map(|token| token.expose()), Some(PASSWORD));
    assert!(!format!("{config:?}").contains("hunter2"));
    for written in [PASSWORD, "\"${SPACED}\"", "[ hunter2 ]"] {
        let told = world.refusal(&format!("{A_RULE}observe: {{ token: {written}, listn: x }}\n"));
        assert!(told.contains("`observe.token`") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn the_secret_of_a_vendor_has_nothing_around_it() {
    for spoilt in ["hunter2\n", " hunter2", "hunter2\t", "hun\u{7}ter2"] {
        let world = World::default().with_variable("SECRET", spoilt);
        let intake = "intake: { listen: '127.0.0.1:0', sources: { desk: { kind: zendesk, secret: \"${SECRET}\" } } }\n";
        let told = world.refusal(&format!("{A_RULE}{intake}"));
        assert!(told.contains("the secret of") && told.contains("around it") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_variable_in_quotes_is_not_taken_for_written_down_because_of_what_follows_the_quote() {
    let world = World::default().with_variable("PW", PASSWORD);
    let block = |password: &str| kafka(password) + "    ssl.key.location: k.pem\n";
    let flow = |password: &str| {
        format!(
            "{A_RULE}log: {{ kind: kafka, brokers: 'b:1', \
             properties: {{ security.protocol: SASL_SSL, sasl.password: {password} }} }}\n"
        )
    };
    let forms = [
        ("\"", "   # a \"comment\" that isn't it"),
        ("'", "   # a 'comment' that isn't it"),
        ("\"", "  "),
        ("'", " "),
        ("\"", "\t"),
    ];
    let in_block = forms.map(|(quote, after)| (block as fn(&str) -> String, quote, after));
    let in_flow = [(flow as fn(&str) -> String, "\"", ""), (flow, "'", ""), (flow, "\"", "  "), (flow, "'", "\n   ")];
    for (text, quote, after) in in_block.into_iter().chain(in_flow) {
        let written = |inside: &str| text(&format!("{quote}{inside}{quote}{after}"));
        let variable = written("${PW}");
        let (config, _) = world.read(&variable).unwrap_or_else(|found| panic!("{variable}\n{}", found.render(false)));
        let Log::Kafka(kafka) = &config.log else { panic!("it is on Kafka") };
        assert_eq!(kafka.secrets["sasl.password"].expose(), PASSWORD, "{variable}");
        for inside in [PASSWORD, "${PW}hunter2", "${PW:-hunter2}"] {
            let told = world.refusal(&written(inside));
            assert!(told.contains("error[E0022]: `sasl.password` is written down"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
    // A quote within the quotes doesn't end them.
    for written in ["'${PW}''hunter2' ", "\"${PW}\\\"hunter2\" "] {
        let told = world.refusal(&block(written));
        assert!(told.contains("is written down") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn other_mistakes_on_its_line_do_not_show_it_either() {
    for log in [
        "log: { kind: kafka, brokers: nowhere, properties: { acks: 0, sasl.password: hunter2 } }",
        "log: { kind: kafkaa, properties: { sasl.password: hunter2 } }",
        "log: { kind: kafka, brokers: 'b:1', properties: { sasl.pasword: hunter2 } }",
        "log: { kind: kafka, brokers: 'b:1', properties: { sasl.password: hunter2, sasl.password: hunter2 } }",
        "logs: { password: hunter2 }",
        "schema_registry: { password: hunter2, url: 'ftp://r' }",
        "schema_registry: { url: 'https://me:hunter2@r' }",
        "schema_registry: { url: 'https://r', user: me, passwort: hunter2 }",
    ] {
        let told = World::default().refusal(&format!("{A_RULE}{log}\n"));
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_missing_one_is_told_by_its_variable_or_file() {
    let told = World::default().refusal(&kafka("${PW}"));
    assert!(told.contains("the environment has no variable `PW`"), "{told}");
    assert_eq!(told.matches("error[").count(), 1, "{told}");
    let told = World::default().refusal(&kafka("{ file: gone }"));
    assert!(told.contains("cannot read the file of `sasl.password`"), "{told}");
    let world = World::default().with_variable("PW", "").with_file("etc/secret", "\n");
    for written in ["${PW}", "{ file: secret }", "''", "~"] {
        let told = world.refusal(&kafka(written));
        assert_eq!(told.matches("error[").count(), 1, "{told}");
    }
}
