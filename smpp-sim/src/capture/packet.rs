use std::net::{IpAddr, SocketAddr};

/// Octets of one made-up segment: with its headers below the 65,535 that an IP packet may have.
const SEGMENT_MAX: usize = 32 << 10;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// Octets of an Ethernet, an IPv4, an IPv6 and a TCP header without options.
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const IPV6: usize = 40;
const TCP: usize = 20;

/// The protocol number of TCP.
const TCP_PROTOCOL: u8 = 6;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    FromClient,
    FromServer,
}

/// One connection with its sequence numbers: both sides begin at 0.
#[derive(Debug)]
pub(super) struct Flow {
    client: SocketAddr,
    server: SocketAddr,
    client_sequence: u32,
    server_sequence: u32,
}

impl Flow {
    pub(super) fn new(client: SocketAddr, server: SocketAddr) -> Self {
        // What came to an IPv6 socket from an IPv4 address is IPv4 on the wire.
        let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        Self {
            client: plain(client),
            server: plain(server),
            client_sequence: 0,
            server_sequence: 0,
        }
    }

    /// Begins anew in another capture, which did not see the connection open.
    pub(super) fn restart(&mut self) {
        (self.client_sequence, self.server_sequence) = (0, 0);
    }

    /// The three frames of an opening.
    pub(super) fn opened(&mut self, frames: &mut Vec<Vec<u8>>) {
        frames.push(self.frame(Direction::FromClient, SYN, &[]));
        self.client_sequence = 1;
        frames.push(self.frame(Direction::FromServer, SYN | ACK, &[]));
        self.server_sequence = 1;
        frames.push(self.frame(Direction::FromClient, ACK, &[]));
    }

    /// Octets, in as many segments as they need.
    pub(super) fn data(&mut self, direction: Direction, octets: &[u8], frames: &mut Vec<Vec<u8>>) {
        for segment in octets.chunks(SEGMENT_MAX) {
            frames.push(self.frame(direction, PSH | ACK, segment));
            let sequence = match direction {
                Direction::FromClient => &mut self.client_sequence,
                Direction::FromServer => &mut self.server_sequence,
            };
            *sequence = sequence.wrapping_add(segment.len() as u32);
        }
    }

    pub(super) fn reset(&mut self, frames: &mut Vec<Vec<u8>>) {
        frames.push(self.frame(Direction::FromServer, RST | ACK, &[]));
    }

    pub(super) fn closed(&mut self, frames: &mut Vec<Vec<u8>>) {
        frames.push(self.frame(Direction::FromServer, FIN | ACK, &[]));
    }

    fn frame(&self, direction: Direction, flags: u8, payload: &[u8]) -> Vec<u8> {
        let (from, to, sequence, acknowledged) = match direction {
            Direction::FromClient => (self.client, self.server, self.client_sequence, self.server_sequence),
            Direction::FromServer => (self.server, self.client, self.server_sequence, self.client_sequence),
        };
        let mut tcp = Vec::with_capacity(TCP + payload.len());
        tcp.extend_from_slice(&from.port().to_be_bytes());
        tcp.extend_from_slice(&to.port().to_be_bytes());
        tcp.extend_from_slice(&sequence.to_be_bytes());
        let acknowledged = if flags & ACK == 0 { 0 } else { acknowledged };
        tcp.extend_from_slice(&acknowledged.to_be_bytes());
        // Five words of header; a window as large as it gets; checksum and urgent pointer.
        tcp.extend_from_slice(&[0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
        tcp.extend_from_slice(payload);
        match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(from.octets(), to.octets(), tcp),
            (from, to) => ipv6(octets(from), octets(to), tcp),
        }
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn ipv4(from: [u8; 4], to: [u8; 4], mut tcp: Vec<u8>) -> Vec<u8> {
    let length = tcp.len() as u16;
    let pseudo = [&from[..], &to[..], &[0, TCP_PROTOCOL], &length.to_be_bytes()].concat();
    put_checksum(&pseudo, &mut tcp);
    let mut frame = ethernet(0x0800, IPV4 + tcp.len());
    let total = (IPV4 as u16 + length).to_be_bytes();
    // Version and header length, service, total length, identification, do not fragment, hops, protocol, checksum.
    let mut header = [0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, TCP_PROTOCOL, 0, 0].to_vec();
    header.extend_from_slice(&from);
    header.extend_from_slice(&to);
    let sum = checksum(&[&header]).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    frame.extend_from_slice(&header);
    frame.extend_from_slice(&tcp);
    frame
}

fn ipv6(from: [u8; 16], to: [u8; 16], mut tcp: Vec<u8>) -> Vec<u8> {
    let length = tcp.len() as u16;
    let pseudo = [
        &from[..],
        &to[..],
        &u32::from(length).to_be_bytes(),
        &[0, 0, 0, TCP_PROTOCOL],
    ]
    .concat();
    put_checksum(&pseudo, &mut tcp);
    let mut frame = ethernet(0x86DD, IPV6 + tcp.len());
    frame.extend_from_slice(&[0x60, 0, 0, 0]);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&[TCP_PROTOCOL, 64]);
    frame.extend_from_slice(&from);
    frame.extend_from_slice(&to);
    frame.extend_from_slice(&tcp);
    frame
}

/// No addresses: nothing of this was ever on an Ethernet.
fn ethernet(kind: u16, room: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET + room);
    frame.resize(ETHERNET - 2, 0);
    frame.extend_from_slice(&kind.to_be_bytes());
    frame
}

fn put_checksum(pseudo: &[u8], tcp: &mut [u8]) {
    let sum = checksum(&[pseudo, tcp]).to_be_bytes();
    tcp[16..18].copy_from_slice(&sum);
}

/// The Internet checksum (RFC 1071) over parts of which all but the last have even lengths.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    !(sum as u16)
}
