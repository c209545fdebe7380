// Verifies webhooks by the package standardwebhooks: a JSON line each on standard input, {"secret", "headers", "body"}.
// Says `ok` or `refused` for each.
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("ok");
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log("refused");
  }
});
