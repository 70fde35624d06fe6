//! Which texts are the host of a URL.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the URL standard takes this for a host: <https://url.spec.whatwg.org/#host-parsing>.
pub(super) fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c);
    let labels = host.strip_suffix('.').unwrap_or(host);
    let last = labels.rsplit('.').next().unwrap_or_default();
    // A host that ends in a number is an IPv4 address, or nothing.
    let is_number =
        !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) || ipv4_part(last).is_some();
    !host.is_empty() && host.chars().all(is_allowed) && (!is_number || is_ipv4(labels))
}

/// Whether these are one to four numbers, the last of which fills what the others leave.
fn is_ipv4(text: &str) -> bool {
    let parts: Option<Vec<u64>> = text.split('.').map(ipv4_part).collect();
    let Some((last, others)) = parts.as_deref().and_then(<[u64]>::split_last) else { return false };
    others.len() < 4 && others.iter().all(|part| *part < 256) && *last < 256_u64.pow(4 - others.len() as u32)
}

/// Decimal, octal with a zero in front, or hexadecimal.
fn ipv4_part(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hex {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    match digits {
        "" if hex.is_some() => Some(0),
        _ if digits.starts_with('+') => None,
        _ => u64::from_str_radix(digits, radix).ok(),
    }
}
