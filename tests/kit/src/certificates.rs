//! A certificate authority and a server's certificate for one test, made with openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// PEM files in a folder: `ca.pem` for clients, `server.pem` (key, certificate, authority) for a broker.
#[derive(Clone, Debug)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Those of this folder, made or not.
    pub fn in_folder(folder: &Path) -> Certificates {
        Certificates { folder: folder.to_path_buf() }
    }

    /// Makes them for `localhost` and 127.0.0.1, valid for a day.
    ///
    /// # Panics
    /// When there is no openssl program, or with what it says.
    pub fn make(&self) {
        let folder = &self.folder;
        fs::create_dir_all(folder).expect("a folder of our own can be made");
        fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1").expect("our own folder");
        let key = ["-newkey", "rsa:2048", "-nodes", "-days", "1"];
        let run = |args: &[&str]| openssl(folder, args);
        run(&[&["req", "-x509", "-subj", "/CN=test-authority", "-keyout", "ca.key", "-out", "ca.pem"][..], &key]
            .concat());
        run(&[
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "key.pem",
            "-out",
            "request",
        ]);
        run(&[
            "x509",
            "-req",
            "-in",
            "request",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "1",
            "-extfile",
            "names",
            "-out",
            "certificate.pem",
        ]);
        let parts = ["key.pem", "certificate.pem", "ca.pem"].map(|name| read(&folder.join(name)));
        fs::write(self.server(), parts.concat()).expect("our own folder");
    }

    /// What a client trusts: `ssl.ca.location`.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// What a broker shows: `ssl.keystore.location` of type PEM.
    pub fn server(&self) -> PathBuf {
        self.folder.join("server.pem")
    }
}

fn openssl(folder: &Path, args: &[&str]) {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the tests with TLS need the program openssl (Debian: apt-get install -y openssl)");
    assert!(output.status.success(), "openssl {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
