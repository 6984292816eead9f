//! Which machines may be told something.
//!
//! Who may write a Subscription decides where Ward connects to. An address that only Ward's own
//! machine reaches, or that hands out a cloud's credentials, is refused unless the operator says
//! otherwise. The address is looked at after names are resolved, and it is the one connected to.
//!
//! - Source: OWASP Server-Side Request Forgery Prevention.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// Machines that may be told although they are this one, or next to it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Addresses {
    ips: BTreeSet<IpAddr>,
    names: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected addresses or names of machines with commas between them")]
pub struct AddressesError;

impl FromStr for Addresses {
    type Err = AddressesError;

    fn from_str(text: &str) -> Result<Addresses, AddressesError> {
        let mut all = Addresses::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            match part.parse() {
                Ok(ip) => all.ips.insert(ip),
                Err(_) if part.bytes().all(is_name) => all.names.insert(part.to_lowercase()),
                Err(_) => return Err(AddressesError),
            };
        }
        Ok(all)
    }
}

impl Addresses {
    /// The first address that may be connected to.
    pub(crate) fn choose(
        &self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Option<SocketAddr> {
        let is_named = self.names.contains(&host.to_lowercase());
        found.into_iter().find(|it| is_named || self.allows(it.ip()))
    }

    fn allows(&self, ip: IpAddr) -> bool {
        // An IPv4 address in the clothes of IPv6 is what it is.
        let ip = ip.to_canonical();
        self.ips.contains(&ip)
            || !match ip {
                IpAddr::V4(ip) => is_close_v4(ip),
                IpAddr::V6(ip) => is_close_v6(ip),
            }
    }
}

/// This machine, its link, everybody, or what hands out credentials.
fn is_close_v4(ip: Ipv4Addr) -> bool {
    ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.octets().first() == Some(&0)
        // Metadata of a cloud outside the link.
        || ip == Ipv4Addr::new(100, 100, 100, 200)
        || ip == Ipv4Addr::new(192, 0, 0, 192)
}

fn is_close_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments().first().copied().unwrap_or_default();
    // NAT64 and 6to4 carry an IPv4 address inside.
    let inner = match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    };
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || first & 0xffc0 == 0xfe80
        || ip == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        || inner.is_some_and(is_close_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_close_needs_a_word_of_the_operator() {
        let none = Addresses::default();
        for ip in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "169.254.169.254",
            "100.100.100.200",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!none.allows(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["10.1.2.3", "192.168.7.7", "93.184.216.34", "2001:db8::1", "fd12::9"] {
            assert!(none.allows(ip.parse().unwrap()), "{ip}");
        }
        let some: Addresses = "127.0.0.1, receiver.test".parse().unwrap();
        assert!(some.allows("127.0.0.1".parse().unwrap()));
        assert!(!some.allows("127.0.0.2".parse().unwrap()));
        let local: SocketAddr = "127.0.0.2:80".parse().unwrap();
        assert_eq!(some.choose("Receiver.test", [local].into_iter()), Some(local));
        assert_eq!(some.choose("other.test", [local].into_iter()), None);
        assert!("a b".parse::<Addresses>().is_err());
    }
}
