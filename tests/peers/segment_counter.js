// What texts take on the network, by a calculator of another project: a JSON string a line in, encoding, units and segments out.
"use strict";

const readline = require("readline");
const { SegmentedMessage } = require("sms-segments-calculator");

const NAMES = { "GSM-7": "gsm7", "UCS-2": "ucs2" };

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const message = new SegmentedMessage(JSON.parse(line));
  const units = message.encodedChars.reduce((sum, character) => sum + character.codeUnits.length, 0);
  console.log(JSON.stringify([NAMES[message.encodingName], units, message.segmentsCount]));
});
