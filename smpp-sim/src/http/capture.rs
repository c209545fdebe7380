use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_util::io::ReaderStream;

use super::Served;
use super::fields::Fields;
use super::problem::Problem;
use crate::capture::{CaptureView, Recorded};

/// What the IANA calls pcapng.
const PCAPNG: &str = "application/x-pcapng";

pub(super) async fn show(State(served): State<Served>, fields: Fields) -> Result<Json<CaptureView>, Problem> {
    fields.done()?;
    Ok(Json(served.process.capture.view()))
}

/// In memory: whoever may ask for a capture may not write files.
pub(super) async fn start(State(served): State<Served>, fields: Fields) -> Result<Json<CaptureView>, Problem> {
    fields.done()?;
    if served.process.capture.view().running {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "a capture is running: stop it first",
        ));
    }
    served.process.capture.start_memory().map_err(failed)?;
    Ok(Json(served.process.capture.view()))
}

pub(super) async fn stop(State(served): State<Served>, fields: Fields) -> Result<Json<CaptureView>, Problem> {
    fields.done()?;
    served.process.capture.stop().map_err(failed)?;
    Ok(Json(served.process.capture.view()))
}

pub(super) async fn download(State(served): State<Served>, fields: Fields) -> Result<Response, Problem> {
    fields.done()?;
    let recorded = served.process.capture.recorded().map_err(failed)?;
    let body = match recorded {
        None => {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "nothing was captured: POST /capture/start",
            ));
        }
        Some(Recorded::Memory(octets)) => Body::from(octets),
        Some(Recorded::File(path)) => {
            let file = tokio::fs::File::open(path).await.map_err(failed)?;
            Body::from_stream(ReaderStream::new(file))
        }
    };
    let headers = [
        (header::CONTENT_TYPE, PCAPNG),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"smpp-sim.pcapng\""),
    ];
    Ok((headers, body).into_response())
}

fn failed(error: std::io::Error) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error)
}
