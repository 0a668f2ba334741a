//! Who may ask: anybody on this machine, whoever has the token, or nobody.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq;

/// What must be shown to ask. Its `Debug` is stars.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// From the secret itself.
    pub fn new(secret: impl Into<String>) -> Token {
        Token(secret.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Who may ask.
#[derive(Clone, Debug)]
pub enum Access {
    /// Nobody: other machines can reach it, and there is no token.
    Off,
    /// Whoever is on this machine.
    Here,
    /// Whoever has the token.
    Token(Token),
}

impl Access {
    /// Who may ask at this address.
    pub fn at(address: SocketAddr, token: Option<Token>) -> Access {
        match token {
            Some(token) => Access::Token(token),
            None if address.ip().is_loopback() => Access::Here,
            None => Access::Off,
        }
    }

    /// What keeps a request from being answered, with the next step.
    pub(super) fn refuses(&self, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        match self {
            Access::Off => Some((
                StatusCode::FORBIDDEN,
                "why is not answered here: set observe.token, or let observe.listen be 127.0.0.1",
            )),
            // A web page may find out this address under a name of its own, but then it asks by that name.
            Access::Here if !is_asked_by_address(headers) => {
                Some((StatusCode::FORBIDDEN, "ask by 127.0.0.1 or localhost, or set observe.token"))
            }
            // What a proxy on this machine hands on was asked by anybody.
            Access::Here if FORWARDED.iter().any(|name| headers.contains_key(*name)) => {
                Some((StatusCode::FORBIDDEN, "this came through a proxy, and so may anybody: set observe.token"))
            }
            Access::Here => None,
            Access::Token(Token(secret)) => {
                let shown = bearer(headers).unwrap_or_default();
                let is_right: bool = shown.as_bytes().ct_eq(secret.as_bytes()).into();
                (!is_right).then_some((StatusCode::UNAUTHORIZED, "send `Authorization: Bearer …` with observe.token"))
            }
        }
    }
}

/// By these a proxy says for whom it asks.
const FORWARDED: [&str; 2] = ["forwarded", "x-forwarded-for"];

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, shown) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| shown.trim())
}

fn is_asked_by_address(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(told: &[(header::HeaderName, &str)]) -> HeaderMap {
        told.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    fn status(access: &Access, told: &[(header::HeaderName, &str)]) -> Option<u16> {
        access.refuses(&headers(told)).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn it_is_off_unless_on_loopback_or_with_a_token() {
        let (open, here) = (SocketAddr::from(([0, 0, 0, 0], 1)), SocketAddr::from(([127, 0, 0, 1], 1)));
        assert_eq!(status(&Access::at(open, None), &[]), Some(403));
        assert_eq!(status(&Access::at(here, None), &[]), None);
        for address in [open, here] {
            assert_eq!(status(&Access::at(address, Some(Token::new("t"))), &[]), Some(401));
        }
    }

    #[test]
    fn only_the_token_itself_opens() {
        let access = Access::Token(Token::new("hunter2"));
        for wrong in ["Bearer hunter", "Bearer hunter22", "hunter2", "Basic hunter2", "Bearer ", ""] {
            assert_eq!(status(&access, &[(header::AUTHORIZATION, wrong)]), Some(401), "{wrong}");
        }
        assert_eq!(status(&access, &[(header::AUTHORIZATION, "bearer hunter2")]), None);
        assert_eq!(format!("{access:?}"), "Token(***)");
    }

    #[test]
    fn a_name_that_somebody_gave_to_this_machine_is_not_answered_without_a_token() {
        for well in ["127.0.0.1:9464", "localhost:9464", "[::1]:9464", "LOCALHOST", "127.0.0.1"] {
            assert_eq!(status(&Access::Here, &[(header::HOST, well)]), None, "{well}");
        }
        assert_eq!(status(&Access::Here, &[(header::HOST, "evil.example:9464")]), Some(403));
    }

    #[test]
    fn what_a_proxy_hands_on_is_not_answered_without_a_token() {
        for name in FORWARDED.map(header::HeaderName::from_static) {
            let told = [(header::HOST, "127.0.0.1:9464"), (name.clone(), "192.0.2.1")];
            assert_eq!(status(&Access::Here, &told), Some(403));
            let shown = [(header::AUTHORIZATION, "Bearer t"), (name, "192.0.2.1")];
            assert_eq!(status(&Access::Token(Token::new("t")), &shown), None);
        }
    }
}
