use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

const HTML: &str = include_str!("../../page/page.html");
const SCRIPT: &str = include_str!("../../page/page.js");
const STYLE: &str = include_str!("../../page/page.css");
const ICON: &str = include_str!("../../page/icon.svg");

/// Everything comes from here, nothing is inline, and nobody may put the page into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const INDEX: &str =
    "smpp-sim: an SMSC for tests, not a carrier. In a browser, this address is a page; /openapi.json has all.

GET  /ledger            every submit, one JSON object a line (?account= ?recipient= ?from= ?limit=)
GET  /ledger/totals     counters
GET  /ledger/rates      per account, the most submits in any one-second window
GET  /wait              ?accepted=N&receipts_acked=M&timeout=30s: totals, once they are reached; 408 if not
GET  /messages          whole messages with their segments (?recipient= ?contains= ?order=newest ?limit= ?cursor= ...)
GET  /sessions          who is bound
GET  /inbound           inbound messages and their acknowledgements
GET  /scenario          what is obeyed
GET  /scenarios         what is built in
GET  /phase             the phase that the scenario is in; POST /phase?name= goes to one
GET  /capture           what is recorded for Wireshark; /capture/file is the file
GET  /metrics           Prometheus
POST /scenario          another scenario: TOML in the body, or ?name=silent
POST /inbound           {\"from\":\"33612345678\",\"to\":\"36034\",\"text\":\"STOP\",\"account\":\"campanile\"}
POST /sessions/close    drop TCP connections (?session=)
POST /sessions/unbind   unbind sessions politely (?session=)
POST /capture/start     record every PDU; /capture/stop ends it
POST /reset             empty the ledger

?smsc=NAME selects one of several SMSCs.
";

/// The page for browsers, a list for everybody else.
pub(super) async fn index(headers: HeaderMap) -> Response {
    let wanted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if wanted.is_some_and(|wanted| wanted.contains("text/html")) {
        file("text/html; charset=utf-8", HTML)
    } else {
        file("text/plain; charset=utf-8", INDEX)
    }
}

pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", SCRIPT)
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn icon() -> Response {
    file("image/svg+xml", ICON)
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // A newer program must not meet the older one's script.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept"),
    ];
    (headers, text).into_response()
}
