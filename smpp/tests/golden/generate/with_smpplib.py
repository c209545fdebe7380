"""cases.jsonl on standard input → one line a case with the octets that python-smpplib writes for it."""
import json
import sys

from smpplib import smpp


def arguments(fields):
    given = {}
    for name, value in fields.items():
        if name in ("source", "destination"):
            short = "source_addr" if name == "source" else "dest_addr"
            given[short + "_ton"], given[short + "_npi"] = value[0], value[1]
            given[name + "_addr" if name == "destination" else "source_addr"] = value[2]
        elif name == "tlvs":
            for parameter, _, octets in value:
                given[parameter] = parameter_value(parameter, bytes.fromhex(octets))
        elif name == "short_message":
            given[name] = bytes.fromhex(value)
        elif name == "replace_if_present":
            given["replace_if_present_flag"] = value
        else:
            given[name] = value
    return given


def parameter_value(name, octets):
    if name == "receipted_message_id":
        return octets.rstrip(b"\0").decode()
    if name in ("message_payload", "network_error_code"):
        return octets
    return int.from_bytes(octets, "big")


for line in sys.stdin:
    case = json.loads(line)
    pdu = smpp.make_pdu(case["command"], sequence=case["sequence"], **arguments(case["fields"]))
    # The constructor of some commands keeps neither.
    pdu.sequence, pdu.status = case["sequence"], case["status"]
    print(json.dumps({"case": case["case"], "hex": pdu.generate().hex()}))
