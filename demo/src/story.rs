//! The story: a clinic with two practices tells the patients of one that it moves.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use lab::{Api, Campaign, Row, Tenant, Totals, now};
use serde_json::{Value, json};

use crate::clinic::{Clinic, count, text};
use crate::patients::{self, MEANT, MOVES};
use crate::report::{self, say, step};
use crate::stand::{RATE, Stand};

/// The clinic's text, as clinics write them. What it says of STOP is added by the engine, to the number of its configuration.
const TEXT: &str = "Bonjour [Prenom] [Nom], votre ostéopathe de Lyon déménage : dès le 2 mars, 12 rue des Lilas, 69003 Lyon. \
                    Vos rendez-vous sont maintenus.";

/// For what never takes long: an import, a launch.
const SOON: Duration = Duration::from_secs(30);

/// From the launch to the last receipt and the last credit.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many people are shown of a list.
const SHOWN: usize = 3;

/// The parts that the scenes are played with.
struct Scene<'a> {
    stand: &'a Stand,
    api: &'a Api,
    tenant: Tenant,
    clinic: Clinic,
}

/// Tells it on standard output while it happens.
pub(crate) fn tell(stand: &Stand) -> Result<()> {
    println!("Campanile: an osteopath with two practices tells the patients of one that it moves.");
    println!("Only the carrier is simulated. Half a minute.");
    let begun = now();
    let api = stand.engine.api();
    let tenant = enrol(api)?;
    let clinic = Clinic::new(api.public(), &tenant);
    let scene = Scene {
        stand,
        api,
        tenant,
        clinic,
    };
    let today = scene.import()?;
    let filter = scene.filter(today)?;
    let campaign = scene.write(&filter)?;
    let needed = scene.estimate(&campaign)?;
    scene.hours()?;
    scene.launch(&campaign, needed)?;
    scene.follow(&campaign)?;
    scene.unknown(&campaign)?;
    advise(begun.elapsed());
    Ok(())
}

/// A clinic whose prices and clauses are those of the French profession: 480 characters are three credits, STOP is in every text.
fn enrol(api: &Api) -> Result<Tenant> {
    let clinic = json!({
        "name": "Cabinet d'ostéopathie des Lilas",
        "brand": "Cabinet des Lilas",
        "senders": ["OSTEO"],
        "tariff": "flat160",
        "stop_clause": "always",
    });
    Ok(api.operator().post("/v1/tenants", &clinic)?.json()?)
}

impl Scene<'_> {
    /// The file comes in; what day it is, by the clock of Paris.
    fn import(&self) -> Result<Date> {
        step(1, "The file of patients, as a French spreadsheet saves it");
        let clock = text(&self.clinic.hours("transactional")?, "local_time")?;
        let today: Date = clock.get(..10).context("a time begins with its day")?.parse()?;
        let id = self.clinic.import(&patients::file(today))?;
        let done = self.stand.engine.process().wait_for("import the file", SOON, || {
            let import = self.clinic.import_so_far(&id)?;
            Ok((import["state"] != "running").then_some(import))
        })?;
        let (encoding, delimiter) = (text(&done["file"], "encoding")?, text(&done["file"], "delimiter")?);
        say(
            "format",
            format!(
                "{encoding}, « {delimiter} » between columns, {} rows",
                count(&done, "/rows/read")?
            ),
        );
        let columns = done["columns"].as_array().context("an import names its columns")?;
        let columns: Result<Vec<_>> = columns
            .iter()
            .map(|column| Ok(format!("{} → {}", text(column, "name")?, text(column, "field")?)))
            .collect();
        say("columns", columns?.join(", "));
        for (bucket, what) in [
            ("created", "patients; 610000000 has become +33610000000"),
            ("not_mobile", "with a landline: kept, and not written to"),
            ("duplicate_in_file", "there twice"),
            ("invalid", "numbers that the spreadsheet has spoilt:"),
        ] {
            say(
                bucket,
                format!("{:>5} {what}", count(&done, &format!("/rows/{bucket}"))?),
            );
        }
        let rejected = self.clinic.rejected_rows(&id)?;
        // The last two columns of a row that was not taken: its line, and why.
        if let Some(row) = rejected.lines().find(|row| row.contains("E+10")) {
            let mut cells = row.rsplit(';');
            let (why, line) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            say("", format!("ligne {line} : {why}"));
        }
        Ok(today)
    }

    /// Whom it concerns, as a search; the campaign takes the same filter.
    fn filter(&self, today: Date) -> Result<Value> {
        step(2, "Whom it concerns: patients of that practice who came within a year");
        let since = today.saturating_sub(jiff::Span::new().years(1));
        let filter = json!({ "all": [{ "field": "practice", "is": MOVES }, { "field": "last_visit", "from": since.to_string() }] });
        say("filter", &filter);
        let found = self.clinic.search(&filter, 1)?;
        say("patients", count(&found, "/total")?);
        Ok(filter)
    }

    /// The text, and the campaign's id.
    fn write(&self, filter: &Value) -> Result<String> {
        step(3, "The text");
        say("texte", format!("« {TEXT} »"));
        self.clinic.create(&json!({
            "name": "Déménagement du cabinet",
            "sender": "OSTEO",
            "purpose": "transactional",
            "text": TEXT,
            "audience": { "filter": filter },
        }))
    }

    /// What it will cost: the credits that a launch holds.
    fn estimate(&self, campaign: &str) -> Result<u64> {
        step(4, "The estimate");
        let estimate = self.clinic.estimate(campaign)?;
        let needed = count(&estimate, "/max/credits")?;
        say(
            "destinataires",
            format!(
                "{}, without {} who have no mobile",
                count(&estimate, "/max/recipients")?,
                count(&estimate, "/excluded/not_mobile")?
            ),
        );
        say("en 1 SMS", count(&estimate, "/by_segments/1")?);
        say(
            "en 2 SMS",
            format!("{}, for the length of their names", count(&estimate, "/by_segments/2")?),
        );
        say("crédits", needed);
        let samples = estimate["samples"].as_array().and_then(|samples| samples.last());
        let longest = text(samples.context("an estimate has samples")?, "text")?;
        say("le plus long", format!("« {longest} »"));
        Ok(needed)
    }

    /// What the law says at this hour.
    fn hours(&self) -> Result<()> {
        step(5, "The hours: what `campanile rules check` says now");
        for (label, purpose) in [("publicité", "marketing"), ("information", "transactional")] {
            say(label, text(&self.clinic.hours(purpose)?, "detail")?);
        }
        println!("    A move is information: it goes now.");
        Ok(())
    }

    /// One credit short, nothing goes; with that credit, everything does.
    fn launch(&self, campaign: &str, needed: u64) -> Result<()> {
        step(6, "The launch: everything or nothing");
        self.grant(needed - 1, "facture 2041")?;
        let state = self.launch_once(campaign)?;
        say(
            &format!("solde {}", needed - 1),
            format!("{state}: one credit is missing, nothing is sent"),
        );
        self.grant(1, "facture 2042")?;
        let state = self.launch_once(campaign)?;
        say(
            &format!("solde {needed}"),
            format!("{state}: a balance that is equal is enough"),
        );
        Ok(())
    }

    fn grant(&self, amount: u64, reference: &str) -> Result<()> {
        let path = format!("/v1/tenants/{}/credits", self.tenant.id);
        let grant = json!({ "amount": amount, "reference": reference });
        self.api.operator().post(&path, &grant)?.success()?;
        Ok(())
    }

    /// Launches it, and says what has become of it when its audience is found out.
    fn launch_once(&self, campaign: &str) -> Result<String> {
        self.api.launch(&self.tenant, campaign)?;
        let found_out = self.stand.engine.process().wait_for("find out the audience", SOON, || {
            let state = self.api.campaign(&self.tenant, campaign)?.state;
            Ok((state != "resolving" && state != "launching").then_some(state))
        });
        Ok(found_out?)
    }

    /// The campaign to its end, and its report.
    fn follow(&self, campaign: &str) -> Result<()> {
        step(7, "The result: what the carrier said of each message");
        let launched = now();
        let done = self.watch(campaign)?;
        let seconds = launched.elapsed().as_secs_f64();
        print!("{}", report::table(&self.api.report(&self.tenant, campaign, "fr")?));
        let credits = self.api.credits(&self.tenant)?;
        let recredited = done.credits.recredited;
        println!(
            "    crédits: {} granted, {} spent, {} left; {recredited} was given back",
            credits.granted, credits.spent, credits.available
        );
        println!("    in {seconds:.0} s: this carrier allows {RATE} SMS a second, and its receipts take up to 2 s");
        Ok(())
    }

    /// Shows how far the campaign is, until nothing more is to come.
    fn watch(&self, campaign: &str) -> Result<Campaign> {
        let bar = ProgressBar::new(MEANT.into());
        let style = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let simulator = self.stand.simulator.http();
        let done = self
            .stand
            .engine
            .process()
            .wait_for("send the campaign", PATIENCE, || {
                let totals = Totals::of(simulator)?;
                // Read after what the simulator says: what it has acknowledged is on its way in here.
                let view = self.api.campaign(&self.tenant, campaign)?;
                bar.set_position(view.with_status());
                bar.set_message(format!("{} receipts", totals.receipts_acked));
                let all =
                    view.state == "completed" && view.with_status() == u64::from(MEANT) && totals.receipts_open() == 0;
                // The books follow the messages.
                let told =
                    all && view.credits.held == 0 && view.status("transmitted") == silent(&Row::outlines(simulator)?);
                Ok(told.then_some(view))
            })?;
        bar.finish_and_clear();
        Ok(done)
    }

    /// Who did not get it since the number is nobody's any more.
    fn unknown(&self, campaign: &str) -> Result<()> {
        step(8, "Numéros inconnus: whom to ask for a new number");
        let people = self.clinic.people_with(campaign, "unknown_number")?;
        for (name, number) in people.iter().take(SHOWN) {
            say(number, name);
        }
        println!("    … and {} more", people.len().saturating_sub(SHOWN));
        Ok(())
    }
}

/// How many people have a message that no receipt comes for.
fn silent(ledger: &[Row]) -> u64 {
    let silent = ledger.iter().filter(|row| row.is_accepted() && row.receipts_due == 0);
    silent.map(|row| &row.recipient).collect::<BTreeSet<_>>().len() as u64
}

/// What to try next.
fn advise(took: Duration) {
    println!("\nAll of it in {:.0} s. Next:", took.as_secs_f64());
    for (command, what) in [
        (
            "make demo ARGS=--keep",
            "the same, left running: API in the browser, metrics, the simulator's ledger",
        ),
        (
            "campanile serve",
            "an engine of your own; README.md has its configuration",
        ),
        ("make test", "everything that is promised, against real programs"),
        ("make bench", "how fast it is here"),
    ] {
        println!("    {command:<24} {what}");
    }
}
