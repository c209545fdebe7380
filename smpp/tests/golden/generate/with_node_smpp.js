// cases.jsonl on standard input → one line a case with the octets that node-smpp writes for it.
const { PDU } = require('smpp');

function parameterValue(name, octets) {
	if (name === 'receipted_message_id') return octets.toString('latin1').replace(/\0+$/, '');
	if (name === 'message_payload' || name === 'network_error_code') return octets;
	return octets.readUIntBE(0, octets.length);
}

function options({ sequence, status, fields }) {
	const given = { sequence_number: sequence, command_status: status };
	for (const [name, value] of Object.entries(fields)) {
		if (name === 'source' || name === 'destination') {
			const short = name === 'source' ? 'source_addr' : 'dest_addr';
			given[short + '_ton'] = value[0];
			given[short + '_npi'] = value[1];
			given[name === 'source' ? 'source_addr' : 'destination_addr'] = value[2];
		} else if (name === 'tlvs') {
			for (const [parameter, , hex] of value) given[parameter] = parameterValue(parameter, Buffer.from(hex, 'hex'));
		} else if (name === 'short_message') {
			given[name] = Buffer.from(value, 'hex');
		} else {
			given[name === 'replace_if_present' ? 'replace_if_present_flag' : name] = value;
		}
	}
	return given;
}

for (const line of require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
	const one = JSON.parse(line);
	const hex = new PDU(one.command, options(one)).toBuffer().toString('hex');
	console.log(JSON.stringify({ case: one.case, hex }));
}
