//! Where HTTP is answered: with which certificate, and at addresses that don't meet.

use crate::kit::{A_RULE, World};

/// Of nobody, valid for a hundred years.
pub const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIUCfiB9ehaYxto86xsemBgH/96Bv4wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNaG9va3MuZXhhbXBsZTAgFw0yNjExMzAxNzM3MTVaGA8yMTI2
MTEwNjE3MzcxNVowGDEWMBQGA1UEAwwNaG9va3MuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABHF+Kf5jZpah4qpmMBkphYeog5OHVpKLo83jH18Fxitw
XcvSW8xja6+hb+dSCBz2sHzcbiYDA9DxDaS9crlMwQ6jUzBRMB0GA1UdDgQWBBQE
1qWXsfFkKy3EV9asdnXtvcwxwTAfBgNVHSMEGDAWgBQE1qWXsfFkKy3EV9asdnXt
vcwxwTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIAFi3hQ9y/RS
R7oI8ckeyWIEv8i9bhAa5iWkKsO2hnGvAiANINdKwxe8H7wUWFcsR1SNjXh57n+d
2yshx7m6uZY7hA==
-----END CERTIFICATE-----
";

/// That certificate's.
pub const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjrjN6hdIN9w9ZpkH
R7bDF31ROrTZ2VxjcbSu+CFRCqKhRANCAARxfin+Y2aWoeKqZjAZKYWHqIOTh1aS
i6PN4x9fBcYrcF3L0lvMY2uvoW/nUggc9rB83G4mAwPQ8Q2kvXK5TMEO
-----END PRIVATE KEY-----
";

/// No certificate's.
const OTHER_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgON5egACOm6pN+Epn
KAy9/BmbEUYGLrhnE2keAaZDjmKhRANCAAS0upzqj7EIF3mBSfiDbYu9aEn5HzbV
j4nBLFD5Xt1V0+QDEuHnzIq42n3Etucb4Hgv2Zz+F8cTUxpRDdD8Xv/b
-----END PRIVATE KEY-----
";

fn told(observe: &str, intake: &str) -> Option<String> {
    let files =
        [("etc/chain.pem", CERTIFICATE), ("etc/key.pem", KEY), ("etc/other.pem", OTHER_KEY), ("etc/notes", "x")];
    let world = World::default().with_variable("SECRET", "one");
    let world = files.into_iter().fold(world, |world, (path, text)| world.with_file(path, text));
    let source = "sources: { desk: { kind: zendesk, secret: \"${SECRET}\" } }";
    let text = format!("{A_RULE}observe: {observe}\nintake:\n  {source}\n  {intake}\n");
    world.read(&text).err().map(|found| found.render(false))
}

/// `run` once ended by these, after `check` had called the configuration good.
#[test]
fn files_of_tls_are_read_and_what_is_wrong_with_them_is_told_with_its_line() {
    let tls = |certificate: &str, key: &str| told("{}", &format!("tls: {{ certificate: {certificate}, key: {key} }}"));
    assert_eq!(tls("chain.pem", "key.pem"), None);
    let both = tls("gone.pem", "none.pem").expect("neither is there");
    assert!(both.contains("cannot read the file of `intake.tls.certificate`"), "{both}");
    assert!(both.contains("cannot read the file of `intake.tls.key`") && both.contains("tierline.yaml:5:"), "{both}");
    let wrong = [
        ("notes", "key.pem", "no certificate in it"),
        ("key.pem", "key.pem", "no certificate in it"),
        ("chain.pem", "chain.pem", "no private key in it"),
        ("chain.pem", "other.pem", "the certificate and the key cannot be used"),
    ];
    for (certificate, key, why) in wrong {
        let told = tls(certificate, key).expect("it is wrong");
        assert!(told.contains("error[E0020]") && told.contains(why), "{certificate}, {key}: {told}");
        assert!(!told.contains("MIGH"), "a key is shown: {told}");
    }
}

#[test]
fn listeners_that_meet_are_told_with_the_line_of_one_and_the_place_of_the_other() {
    insta::assert_snapshot!(told("{ listen: '0.0.0.0:9000' }", "listen: 'localhost:9000'").expect("they meet"));
    let usual = told("{ listen: '127.0.0.1:9466' }", "body_limit: 2048").expect("they meet");
    assert!(usual.contains("`observe.listen` and `intake.listen` cannot both listen on port 9466"), "{usual}");
    assert!(usual.contains("`intake.listen` is 127.0.0.1:9466 unless it is told"), "{usual}");
    assert_eq!(told("{ listen: '127.0.0.1:0' }", "listen: '127.0.0.1:0'"), None);
    assert_eq!(told("{ listen: '127.0.0.1:9000' }", "listen: '10.0.0.1:9000'"), None);
    // What is no address takes no port from anybody.
    let wrong = told("{ listen: nowhere }", "listen: '127.0.0.1:9464'").expect("one is wrong");
    assert_eq!(wrong.matches("error[").count(), 1, "{wrong}");
}

#[test]
fn without_a_source_nobody_listens_for_webhooks() {
    let text = format!("{A_RULE}observe: {{ listen: '127.0.0.1:9466' }}\nintake: {{ listen: '127.0.0.1:9466' }}\n");
    assert!(World::default().read(&text).is_ok());
}
