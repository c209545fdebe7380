//! The page in a real browser.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use crate::common::{Client, recipients};
use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures::StreamExt;
use serde_json::Value;
use smpp::frame::{BindKind, CommandId};
use smpp_sim::{Options, Running, Scenario};
use tokio::task::JoinSet;

/// What went wrong in the page, kept from its first line on.
const WATCH: &str = "window.faults = [];
    addEventListener('error', (event) => faults.push(String(event.message)));
    addEventListener('unhandledrejection', (event) => faults.push(String(event.reason)));
    addEventListener('securitypolicyviolation', (event) => faults.push(event.blockedURI));
    console.error = (...words) => faults.push(words.join(' '));";

struct Looked {
    browser: Browser,
    page: Page,
    events: JoinSet<()>,
}

impl Looked {
    async fn at(running: &Running, profile: &str) -> Self {
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(profile);
        let config = BrowserConfig::builder().no_sandbox().user_data_dir(profile).build();
        let config = config.expect("Chromium is needed: scripts/install-browser.sh installs it");
        let (browser, mut handler) = Browser::launch(config).await.unwrap();
        let mut events = JoinSet::new();
        events.spawn(async move { while handler.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.unwrap();
        page.evaluate_on_new_document(WATCH).await.unwrap();
        page.goto(format!("http://{}/", running.http_addr)).await.unwrap();
        Self { browser, page, events }
    }

    async fn evaluate(&self, expression: String) -> Value {
        let evaluate = EvaluateParams::builder()
            .expression(expression)
            .await_promise(true)
            .return_by_value(true)
            .build()
            .unwrap();
        let value = self.page.evaluate_expression(evaluate).await.unwrap();
        value.value().cloned().unwrap_or_default()
    }

    /// Waits, in the page, until the condition holds.
    async fn until(&self, condition: &str) {
        let expression = format!(
            "new Promise((done) => {{
                const look = setInterval(() => {{ if ({condition}) end(true); }}, 20);
                const limit = setTimeout(() => end(false), 20000);
                function end(held) {{ clearInterval(look); clearTimeout(limit); done(held); }}
            }})"
        );
        let held = self.evaluate(expression).await;
        let text = self.evaluate("document.body.innerText".to_owned()).await;
        assert_eq!(held, true, "{condition}\n{text}");
    }

    /// Nothing went wrong, and nothing came from elsewhere.
    async fn is_clean(&self, running: &Running) {
        assert_eq!(self.evaluate("faults.join('; ')".to_owned()).await, "");
        let origin = format!("http://{}/", running.http_addr);
        let foreign = format!(
            "performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => !name.startsWith('{origin}')).join(' ')"
        );
        assert_eq!(self.evaluate(foreign).await, "");
    }

    /// Beside the choice, before anything is switched.
    async fn says_what_a_scenario_does(&self) {
        let choose = "const scenario = document.getElementById('scenario'); scenario.value = 'silent'; scenario.dispatchEvent(new Event('change'))";
        self.evaluate(choose.to_owned()).await;
        let about = Scenario::named("silent").unwrap().about;
        assert!(!about.is_empty());
        self.until(&format!(
            "document.getElementById('scenario-about').textContent === {about:?}"
        ))
        .await;
    }

    /// The first message of the chosen number, taken apart; and tiles whose parts make their sum.
    async fn shows_what_was_on_the_wire(&self) {
        self.evaluate("document.querySelector('#bubbles details summary').click()".to_owned())
            .await;
        for part in ["delivered", "ESME_ROK", "0x00", "42 6f 6e 6a 6f 75 72"] {
            let shown = format!("document.querySelector('#bubbles details[open]')?.innerText.includes('{part}')");
            self.until(&shown).await;
        }
        let sums = "[['submits', 'ok', 'refused', 'silent'], ['due', 'acked', 'unwanted', 'coming']].every(([sum, ...parts]) => {
            const of = (key) => Number(document.querySelector(`#tile-${key} dd`).textContent);
            return of(sum) === 3 && of(sum) === parts.map(of).reduce((one, other) => one + other);
        })";
        self.until(sums).await;
    }

    async fn close(mut self) {
        self.browser.close().await.unwrap();
        self.browser.wait().await.unwrap();
        while self.events.join_next().await.is_some() {}
    }
}

#[tokio::test]
async fn people_see_sessions_and_conversations_and_answer_in_them() {
    let scenario = Scenario::named("healthy").unwrap();
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    client.exchange(&recipients(33_612_345_678, 3), 3).await;
    let looked = Looked::at(&running, "chromium-page").await;

    looked
        .until("document.querySelector('#sessions td')?.textContent === 'campanile'")
        .await;
    looked
        .until("document.querySelector('#tile-submits dd')?.textContent === '3'")
        .await;
    looked
        .until("document.querySelectorAll('#numbers button').length === 3")
        .await;
    looked
        .evaluate("document.querySelector('[data-number=\"33612345678\"]').click()".to_owned())
        .await;
    looked
        .until("document.querySelector('#bubbles .received .bubble')?.textContent === 'Bonjour'")
        .await;
    looked
        .until("document.querySelector('#bubbles .received .good')?.textContent.includes('DELIVRD')")
        .await;

    looked.shows_what_was_on_the_wire().await;

    let reply = "document.getElementById('text').value = 'STOP'; document.getElementById('send').click()";
    looked.evaluate(reply.to_owned()).await;
    let inbound = client.receive().await.unwrap();
    assert_eq!(
        (inbound.command, &inbound.text[..]),
        (CommandId::DELIVER_SM, &b"STOP"[..])
    );
    client.queue_acknowledgement(inbound.sequence);
    client.flush().await;
    looked
        .until("document.querySelector('#bubbles .sent .bubble')?.textContent === 'STOP'")
        .await;
    looked.until("document.querySelector('#bubbles .sent .good')").await;

    looked.says_what_a_scenario_does().await;
    let switch =
        "document.getElementById('scenario').value = 'silent'; document.querySelector('#scenario-form button').click()";
    looked.evaluate(switch.to_owned()).await;
    looked
        .until("document.getElementById('sent').textContent.includes('silent')")
        .await;
    assert_eq!(running.handle.scenario().name, "silent");

    looked
        .evaluate("document.getElementById('language').click()".to_owned())
        .await;
    looked
        .until("document.getElementById('numbers-title').textContent === 'Numéros'")
        .await;

    for width in [1280, 390] {
        let metrics = SetDeviceMetricsOverrideParams::new(width, 844, 1.0, false);
        looked.page.execute(metrics).await.unwrap();
        looked
            .until(&format!(
                "innerWidth === {width} && document.documentElement.scrollWidth <= {width}"
            ))
            .await;
    }
    let unnamed = "[...document.querySelectorAll('input, select, textarea, button')]
        .filter((control) => !(control.labels?.length || control.textContent.trim() || control.ariaLabel)).length";
    assert_eq!(looked.evaluate(unnamed.to_owned()).await, 0, "controls without a name");
    looked.is_clean(&running).await;
    looked.close().await;
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn the_page_asks_for_the_token() {
    let mut options = Options::ephemeral();
    options.token = Some("a token of some length".to_owned());
    let running = smpp_sim::start(Scenario::healthy(), options).await.unwrap();
    let looked = Looked::at(&running, "chromium-token").await;
    looked.until("!document.getElementById('token-form').hidden").await;
    let enter = "document.getElementById('token').value = 'a token of some length'; document.querySelector('#token-form button').click()";
    looked.evaluate(enter.to_owned()).await;
    looked.until("document.querySelector('#tile-submits dd')?.textContent === '0' && document.getElementById('token-form').hidden").await;
    looked.close().await;
    running.stop().await;
}

#[tokio::test]
async fn people_go_to_a_phase_and_record_pdus() {
    let scenario = Scenario::named("bad-day").unwrap();
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let looked = Looked::at(&running, "chromium-phase").await;
    looked
        .until("!document.getElementById('phase-form').hidden && document.getElementById('phase').value === 'healthy'")
        .await;
    let unavailable = "document.getElementById('capture-file').ariaDisabled === 'true' && !document.getElementById('capture-file').hasAttribute('href')";
    looked.until(unavailable).await;
    looked
        .evaluate("document.getElementById('capture-start').click()".to_owned())
        .await;
    looked.until("!document.getElementById('capture-running').hidden").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    client.exchange(&recipients(33_612_345_678, 3), 3).await;
    looked
        .until("document.getElementById('capture-file').getAttribute('href') === '/capture/file'")
        .await;
    looked
        .evaluate("document.getElementById('capture-stop').click()".to_owned())
        .await;
    looked.until("document.getElementById('capture-running').hidden").await;
    let go = "document.getElementById('phase').value = 'slow'; document.querySelector('#phase-form button').click()";
    looked.evaluate(go.to_owned()).await;
    looked
        .until("document.getElementById('sent').textContent.includes('slow')")
        .await;
    assert_eq!(running.handle.phase().unwrap().name, "slow");
    looked.is_clean(&running).await;
    looked.close().await;
    drop(client);
    running.stop().await;
}
