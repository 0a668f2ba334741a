//! Addresses of what is asked over HTTP. Read in one place, for whoever writes a password into one must not see it again
//! in a message.

use tierline_rules::source::{Node, codes, text};

use crate::Reading;

/// `http://…` or `https://…` with a host, of ASCII alone, without a user or a password. `what` names it in messages;
/// `instead` says where a secret belongs.
pub(crate) fn http(node: &Node, what: &str, instead: &str, reading: &mut Reading<'_>) -> Option<String> {
    let url = text(node, what, reading.found)?;
    match host(url) {
        Some(host) if host.contains('@') => {
            reading.literals.hide(&node.span);
            reading
                .found
                .mistake(codes::LITERAL_SECRET, &node.span, format!("{what} has a user or a password in it"))
                .label("not shown here")
                .help(instead);
            None
        }
        Some(_) if url.bytes().all(|byte| byte.is_ascii_graphic()) => Some(url.to_owned()),
        _ => {
            let message = format!("{what} begins with `http://` or `https://` and names a host");
            reading.found.mistake(codes::WRONG_KIND, &node.span, message);
            None
        }
    }
}

/// Whether what goes there can be read on its way: it is not encrypted, and leaves this machine.
pub(crate) fn is_open(url: &str) -> bool {
    let local = |host: &str| {
        let port = |rest: &str| rest.is_empty() || rest.starts_with(':');
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host.strip_prefix(name).is_some_and(port))
    };
    url.starts_with("http://") && !host(url).is_some_and(local)
}

/// The host, with a port or a user that may stand there.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_the_machine_unencrypted_is_open() {
        for closed in
            ["https://a.example", "http://localhost", "http://localhost:80/x", "http://[::1]:80", "http://127.0.0.1/"]
        {
            assert!(!is_open(closed), "{closed}");
        }
        for open in ["http://a.example", "http://localhost.example/", "http://127.0.0.1.example"] {
            assert!(is_open(open), "{open}");
        }
    }
}
