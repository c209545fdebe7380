use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Served;
use super::fields::Fields;
use super::problem::Problem;
use crate::model::Setup;
use crate::reader::BUILT_IN;
use crate::smscs::VirtualSmsc;

pub(super) async fn built_in() -> Json<Value> {
    let about = |name| Setup::named(name).map(|setup| setup.about).unwrap_or_default();
    let all = BUILT_IN.iter();
    let all =
        all.map(|scenario| json!({ "name": scenario.name, "about": about(scenario.name), "toml": scenario.text }));
    Json(Value::Array(all.collect()))
}

pub(super) async fn show(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let smscs = fields.smscs(&served);
    fields.done()?;
    // The first one's at the top, where the only one's is expected.
    let all: Vec<Value> = smscs.iter().map(view).collect();
    let mut answer = all.first().cloned().unwrap_or_default();
    answer["smscs"] = Value::Array(all);
    Ok(Json(answer))
}

fn view(smsc: &VirtualSmsc) -> Value {
    let scenario = smsc.handle.scenario();
    json!({
        "smsc": smsc.name,
        "smpp": smsc.smpp_addr.to_string(),
        "tls": smsc.tls_addr.map(|address| address.to_string()),
        "name": scenario.name,
        "about": scenario.about,
        "seed": scenario.seed,
        "time_scale": scenario.time_scale,
    })
}

pub(super) async fn phases(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let smscs = fields.smscs(&served);
    fields.done()?;
    let view = |smsc: &VirtualSmsc| {
        let scenario = smsc.handle.scenario();
        let names: Vec<_> = scenario.phases.iter().map(|phase| &phase.name).collect();
        json!({ "smsc": smsc.name, "phase": smsc.handle.phase(), "phases": names })
    };
    Ok(Json(smscs.iter().map(view).collect()))
}

pub(super) async fn go_to_phase(State(served): State<Served>, mut fields: Fields) -> Result<Json<Value>, Problem> {
    let name = fields.text("name");
    let smscs = fields.smscs(&served);
    fields.done()?;
    let refused = match name {
        Some(_) => StatusCode::NOT_FOUND,
        None => StatusCode::BAD_REQUEST,
    };
    // No phase can be called nothing: who names none is told which there are.
    let name = name.unwrap_or_default();
    for smsc in smscs {
        let unknown = |error| Problem::field(refused, "name", &name, error);
        smsc.handle.go_to_phase(&name).map_err(unknown)?;
    }
    Ok(Json(json!({ "phase": name })))
}

pub(super) async fn switch(
    State(served): State<Served>,
    mut fields: Fields,
    body: String,
) -> Result<Json<Value>, Problem> {
    let name = fields.text("name");
    if name.is_none() && body.trim().is_empty() {
        fields.wrong("body", "", "a scenario in TOML, or ?name= of one that is built in");
    }
    let smscs = fields.smscs(&served);
    fields.done()?;
    let setup = match &name {
        Some(name) => Setup::named(name),
        None => Setup::parse(&body, "scenario.toml"),
    };
    let setup = setup.map_err(|faults| Problem::faults(&faults))?;
    let name = setup.name.clone();
    obey(setup, smscs)?;
    Ok(Json(json!({ "scenario": name })))
}

/// One scenario for all of the SMSCs, or each its own by its name. Ports and certificates stay as they are.
fn obey(setup: Setup, smscs: &[VirtualSmsc]) -> Result<(), Problem> {
    let full = |error| Problem::new(StatusCode::CONFLICT, error);
    if let [only] = setup.smscs.as_slice() {
        for smsc in smscs {
            smsc.handle.switch(only.scenario.clone()).map_err(full)?;
        }
        return Ok(());
    }
    for new in &setup.smscs {
        if !smscs.iter().any(|smsc| smsc.name == new.name) {
            let allowed = "the scenario describes an SMSC that does not run";
            return Err(Problem::field(StatusCode::CONFLICT, "smsc", &new.name, allowed));
        }
    }
    for new in setup.smscs {
        for smsc in smscs.iter().filter(|smsc| smsc.name == new.name) {
            smsc.handle.switch(new.scenario.clone()).map_err(full)?;
        }
    }
    Ok(())
}
