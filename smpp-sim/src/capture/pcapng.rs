/// Ethernet (the link types of the pcap registry).
const LINK_TYPE_ETHERNET: u16 = 1;

/// Block types of pcapng (draft-ietf-opsawg-pcapng, 4.1, 4.2 and 4.3).
const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// Tells readers the order of octets.
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;

/// The section and its one interface. Times are in µs, which is the default.
pub(super) fn beginning() -> Vec<u8> {
    let mut section = Vec::new();
    section.extend_from_slice(&BYTE_ORDER_MAGIC.to_le_bytes());
    section.extend_from_slice(&1u16.to_le_bytes());
    section.extend_from_slice(&0u16.to_le_bytes());
    // The section's length is not known beforehand.
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    let mut interface = Vec::new();
    interface.extend_from_slice(&LINK_TYPE_ETHERNET.to_le_bytes());
    interface.extend_from_slice(&0u16.to_le_bytes());
    // No packet is cut.
    interface.extend_from_slice(&0u32.to_le_bytes());
    let mut out = block(SECTION_HEADER, &section);
    out.extend(block(INTERFACE, &interface));
    out
}

/// One frame, seen at that time in µs since 1970.
pub(super) fn packet(at_us: u64, frame: &[u8]) -> Vec<u8> {
    let length = (frame.len() as u32).to_le_bytes();
    let mut packet = Vec::with_capacity(frame.len() + 24);
    packet.extend_from_slice(&0u32.to_le_bytes());
    packet.extend_from_slice(&((at_us >> 32) as u32).to_le_bytes());
    packet.extend_from_slice(&(at_us as u32).to_le_bytes());
    packet.extend_from_slice(&length);
    packet.extend_from_slice(&length);
    packet.extend_from_slice(frame);
    block(ENHANCED_PACKET, &packet)
}

/// A block: type, length, body up to a multiple of four octets, length again.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = (padded as u32 + 12).to_le_bytes();
    let mut out = Vec::with_capacity(padded + 12);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length);
    out.extend_from_slice(body);
    out.resize(8 + padded, 0);
    out.extend_from_slice(&length);
    out
}
