//! Which addresses alerts may go to, asked where they are connected to.
//!
//! **Problem.** A channel's URL, or whoever answers for its name, could lead the server to what only it can reach: its own ports, neighbours in its
//! network, the metadata service of its cloud. **Method.** A name is resolved once, by us; addresses that are not allowed are taken out; and the
//! connection goes to what is left. Between the look and the connection nothing is resolved again, so a name that changes its mind
//! (DNS rebinding) has no moment to do it in. An address written into the URL never comes to a resolver and is looked at before. Redirects aren't
//! followed, and proxies of the environment aren't used, since they would connect unseen.
//!
//! **What is refused** is what IANA's registries of special-purpose addresses (RFC 6890) don't call globally reachable, IPv4 within IPv6 included.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Not globally reachable, or nobody's.
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    const NETWORKS: [&str; 28] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::254/128",
    ];
    NETWORKS.iter().filter_map(|text| text.parse().ok()).collect()
});

/// Where clouds tell a machine its secrets: not even for those who allow private addresses.
static LINK_LOCAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    const NETWORKS: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"];
    NETWORKS.iter().filter_map(|text| text.parse().ok()).collect()
});

/// Says where alerts may go.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Addresses of this network too, but for link-local ones.
    pub allow_private: bool,
    /// These, whatever they are.
    pub allow: Vec<IpNet>,
    /// For `http://`: nothing else than what the two above allow.
    pub is_plain: bool,
}

/// An address that alerts may not go to.
#[derive(Debug)]
pub struct Refused {
    detail: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for Refused {}

/// The IPv4 address within an IPv6 one: mapped, NAT64, 6to4.
fn within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(of(high, low))
        }
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

impl Guard {
    /// Whether an address may be connected to.
    pub fn permits(&self, ip: IpAddr) -> bool {
        let ip = match ip {
            IpAddr::V6(v6) => within(v6).map_or(ip, IpAddr::V4),
            IpAddr::V4(_) => ip,
        };
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&ip));
        if is_in(&self.allow) {
            return true;
        }
        if is_in(&SPECIAL) { self.allow_private && !is_in(&LINK_LOCAL) } else { !self.is_plain }
    }

    fn refused(&self, host: &str) -> Refused {
        let which = if self.is_plain {
            "http:// goes to addresses of this network only, those that alerts.allow_private or alerts.allow lets in"
        } else {
            "it is an address of this machine or network; alerts.allow_private or alerts.allow would let it in"
        };
        Refused { detail: format!("{host} is refused: {which}") }
    }

    /// Looks at an address that is written into a URL; a name is looked at when it is resolved.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) if !self.permits(ip) => Err(self.refused(host)),
            _ => Ok(()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            if found.is_empty() {
                return Err("the name has no address".into());
            }
            let fine: Vec<SocketAddr> =
                found.into_iter().filter(|address| guard.permits(address.ip())).collect();
            if fine.is_empty() {
                return Err(guard.refused(host).into());
            }
            Ok(Box::new(fine.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(guard: &Guard, ip: &str) -> bool {
        guard.permits(ip.parse().unwrap())
    }

    const INSIDE: [&str; 17] = [
        "127.0.0.1",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "0.0.0.0",
        "198.18.0.1",
        "::1",
        "::",
        "fc00::1",
        "fd12::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "::127.0.0.1",
    ];
    const LINK: [&str; 4] =
        ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254"];
    const OUTSIDE: [&str; 6] =
        ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "11.0.0.1"];

    #[test]
    fn nothing_of_this_machine_or_network() {
        assert_eq!((SPECIAL.len(), LINK_LOCAL.len()), (28, 3));
        let guard = Guard::default();
        for ip in INSIDE.iter().chain(&LINK) {
            assert!(!permits(&guard, ip), "{ip}");
        }
        for ip in OUTSIDE {
            assert!(permits(&guard, ip), "{ip}");
        }
    }

    #[test]
    fn what_is_allowed_is_let_in_and_link_local_only_by_name() {
        let private = Guard { allow_private: true, ..Guard::default() };
        for ip in INSIDE.iter().chain(&OUTSIDE) {
            assert!(permits(&private, ip), "{ip}");
        }
        for ip in LINK {
            assert!(!permits(&private, ip), "{ip}");
        }
        let listed = Guard { allow: vec!["10.1.0.0/16".parse().unwrap()], ..Guard::default() };
        assert!(permits(&listed, "10.1.2.3") && permits(&listed, "::ffff:10.1.2.3"));
        assert!(!permits(&listed, "10.2.0.1") && permits(&listed, "8.8.8.8"));
        let plain = Guard { is_plain: true, ..listed };
        assert!(permits(&plain, "10.1.2.3") && !permits(&plain, "8.8.8.8"));
    }

    #[test]
    fn addresses_in_urls_are_seen_however_they_are_written() {
        let guard = Guard::default();
        for text in [
            "https://127.0.0.1/x",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]:8443/",
            "https://[::ffff:127.0.0.1]/",
        ] {
            assert!(guard.check(&Url::parse(text).unwrap()).is_err(), "{text}");
        }
        assert!(guard.check(&Url::parse("https://hooks.example/").unwrap()).is_ok());
    }
}
