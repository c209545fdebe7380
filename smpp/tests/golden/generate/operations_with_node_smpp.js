// operations.jsonl on standard input → one line a case with the octets that node-smpp writes for it.
const { PDU } = require('smpp');

const address = ([dest_addr_ton, dest_addr_npi, destination_addr]) => ({ dest_addr_ton, dest_addr_npi, destination_addr });

function options({ sequence, fields }) {
	const given = { sequence_number: sequence };
	for (const [name, value] of Object.entries(fields)) {
		if (name === 'source') {
			[given.source_addr_ton, given.source_addr_npi, given.source_addr] = value;
		} else if (name === 'destination') {
			Object.assign(given, address(value));
		} else if (name === 'destinations') {
			given.dest_address = value.map((one) => (Array.isArray(one) ? address(one) : { dl_name: one }));
		} else if (name === 'unsuccess') {
			given.unsuccess_sme = value.map((one) => ({ ...address(one), error_status_code: one[3] }));
		} else if (name === 'short_message') {
			given[name] = Buffer.from(value, 'hex');
		} else {
			given[name] = value;
		}
	}
	return given;
}

for (const line of require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
	const one = JSON.parse(line);
	const hex = new PDU(one.command, options(one)).toBuffer().toString('hex');
	console.log(JSON.stringify({ case: one.case, hex }));
}
