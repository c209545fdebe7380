"""smpp34 as a server: see README.md for its environment and what it prints.

Ids are decimal; each message gets its receipt, in text and TLV form, a tenth of a second after its answer.
"""

import asyncio
import json
import os
import socket
import time

import segments
import smpp34

RECEIPT_DELAY_S = 0.1
SHORT, LONG, SHORT_CODE = (os.environ[name] for name in ("INBOUND_SHORT", "INBOUND_LONG", "SHORT_CODE"))


def say(**event):
    print(json.dumps(event), flush=True)


def chosen_port():
    """The port asked for; for 0 a free one, since the library does not say which one it took."""
    if int(os.environ["PORT"]):
        return int(os.environ["PORT"])
    with socket.socket() as probe:
        probe.bind((os.environ["HOST"], 0))
        return probe.getsockname()[1]


async def send_receipt(esme, source, destination, message_id):
    await asyncio.sleep(RECEIPT_DELAY_S)
    date = time.strftime("%y%m%d%H%M")
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:{date} done date:{date} stat:DELIVRD err:000 text:"
    tlvs = [
        smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
        smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\x02"),
    ]
    await esme.deliver_sm(
        source_addr=destination, destination_addr=source, esm_class=0x04, short_message=text.encode(), tlvs=tlvs
    )
    say(event="receipt_acked", id=message_id)


async def send_inbound(esme, person):
    """What the person who had the first message writes back: one segment, then several."""
    await esme.deliver_sm(source_addr=person, destination_addr=SHORT_CODE, short_message=SHORT.encode("ascii"))
    for octets in segments.split(LONG, 7):
        await esme.deliver_sm(
            source_addr=person, destination_addr=SHORT_CODE, esm_class=segments.UDHI, data_coding=segments.UCS2, short_message=octets
        )


def say_submit(event, message_id):
    reference, count, part, rest = segments.parse(event.esm_class, event.short_message)
    text = segments.decode(event.data_coding, rest)
    say(event="submit", to=event.destination_addr, id=message_id, text=text, reference=reference, segments=count, part=part)


async def main():
    port = chosen_port()
    server = smpp34.Server(host=os.environ["HOST"], port=port, system_id="smpp34")
    await server.start()
    print("LISTENING", port, flush=True)
    sessions, running, last_id = {}, set(), 1_000_000_000
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
        elif isinstance(event, smpp34.Unbound):
            sessions.pop(event.session_id, None)
        elif isinstance(event, smpp34.SubmitSmEvent):
            last_id += 1
            say_submit(event, str(last_id))
            event.accept(message_id=str(last_id))
            esme = sessions.get(event.session_id)
            if not esme:
                continue
            work = [send_receipt(esme, event.source_addr, event.destination_addr, str(last_id))] if event.registered_delivery & 1 else []
            if last_id == 1_000_000_001:
                work.append(send_inbound(esme, event.destination_addr))
            for task in map(asyncio.create_task, work):
                running.add(task)
                task.add_done_callback(running.discard)


asyncio.run(main())
