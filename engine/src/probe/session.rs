//! A session from its connection to the answer to enquire_link, and what to do when it does not come so far.

use jiff::Timestamp;
use smpp::command_status::CommandStatus;
use smpp::frame::BindKind;

use super::report::{Ms, SessionReport};
use crate::bind::{Ending, Lone, News, NoSession};
use crate::clock::Clock;
use crate::config::Smsc;

/// A session that is bound and has answered.
pub(super) struct Opened {
    pub(super) lone: Lone,
    /// Deliveries of others that came meanwhile, and were given back.
    pub(super) given_back: u32,
}

/// Binds and asks. What is learnt is written into the report, how far it comes.
///
/// # Errors
/// What failed, and what to do, in a sentence.
pub(super) async fn open(
    smsc: &Smsc,
    kind: BindKind,
    clock: Clock,
    report: &mut SessionReport,
) -> Result<Opened, String> {
    let version = smsc.interface_version.octet();
    report.kind = kind.to_string();
    report.version = format!("{:X}.{:X}", version >> 4, version & 0xF);
    let (mut lone, reached) = Lone::connect(smsc, kind, clock).await.map_err(unreachable)?;
    report.address = Some(reached.address);
    report.tls = reached.tls;
    report.certificate_until = reached.certificate_expiry.and_then(time);
    report.connect_ms = Some(Ms(reached.after));
    let begun = clock.now();
    let until = clock.deadline(smsc.bind_timeout);
    match lone.next(until).await {
        Some(News::Bound { system_id, version }) => {
            report.bind_status = Some(CommandStatus::ESME_ROK.to_string());
            report.smsc_system_id = Some(system_id).filter(|name| !name.is_empty());
            report.smsc_version = version;
        }
        Some(News::Refused(status)) => {
            report.bind_status = Some(status.to_string());
            report.bind_ms = Some(Ms(clock.now() - begun));
            lone.close();
            return Err(refused(smsc, kind, status));
        }
        Some(News::Over(ending)) => return Err(unbound(smsc, &ending)),
        Some(News::Alive(_) | News::Answered { .. } | News::Delivery(_)) | None => {
            let limit = smsc.bind_timeout;
            return Err(format!(
                "the bind was not answered within {limit:?}: ask the carrier, or raise bind_timeout"
            ));
        }
    }
    report.bind_ms = Some(Ms(clock.now() - begun));
    enquire(smsc, clock, lone, report).await
}

async fn enquire(smsc: &Smsc, clock: Clock, mut lone: Lone, report: &mut SessionReport) -> Result<Opened, String> {
    let mut given_back = 0;
    lone.enquire();
    let until = clock.deadline(smsc.response_timeout);
    loop {
        match lone.next(until).await {
            Some(News::Alive(after)) => {
                report.enquire_link_ms = Some(Ms(after));
                return Ok(Opened { lone, given_back });
            }
            Some(News::Delivery(parcel)) => {
                lone.acknowledge(parcel.ack, CommandStatus::ESME_RX_T_APPN);
                given_back += 1;
            }
            Some(News::Over(ending)) => {
                return Err(format!("it accepted the bind, and then {ending}: ask the carrier why"));
            }
            Some(News::Bound { .. } | News::Refused(_) | News::Answered { .. }) => {}
            None => {
                let limit = smsc.response_timeout;
                return Err(format!(
                    "enquire_link was not answered within {limit:?}: ask the carrier why"
                ));
            }
        }
    }
}

fn unreachable(fault: NoSession) -> String {
    match fault {
        NoSession::Unreachable(faults) => format!(
            "{faults}: check address and port, and whether the carrier and the firewalls between let this machine's address in"
        ),
        // It says itself what to do.
        NoSession::NoTls(faults) => faults,
        NoSession::Unencodable(fault) => format!("the bind cannot be written: {fault}"),
    }
}

fn unbound(smsc: &Smsc, ending: &Ending) -> String {
    match ending {
        Ending::ClosedUnbound if smsc.link.tls.is_none() => format!(
            "{ending}: most carriers let in only the addresses that they have on their list; perhaps this port wants tls = true"
        ),
        Ending::ClosedUnbound | Ending::Left => {
            format!("{ending}: most carriers let in only the addresses that they have on their list")
        }
        Ending::Other(_) => format!("{ending}: ask the carrier why"),
    }
}

fn refused(smsc: &Smsc, kind: BindKind, status: CommandStatus) -> String {
    let system_id = &smsc.system_id;
    let advice = match status {
        CommandStatus::ESME_RINVPASWD => {
            format!("the password is not that of system_id {system_id:?}: check password or password_file")
        }
        CommandStatus::ESME_RINVSYSID => format!("it does not know system_id {system_id:?}: check it, and the address"),
        CommandStatus::ESME_RALYBND => {
            "all sessions of the account are taken, perhaps by the engine that runs: lower its sessions, or \
                                        ask the carrier for one more"
                .to_owned()
        }
        CommandStatus::ESME_RINVSYSTYP => {
            let system_type = &smsc.system_type;
            format!("it wants another system_type than {system_type:?}: ask the carrier which")
        }
        CommandStatus::ESME_RTHROTTLED => "it is asked too often: wait, and see binds_per_hour".to_owned(),
        CommandStatus::ESME_RBINDFAIL => format!(
            "system_id or password may be wrong, this machine's address not on the carrier's list, or a {kind} or \
             interface_version 0x{:02x} not allowed: ask the carrier which",
            smsc.interface_version.octet()
        ),
        CommandStatus(_) => format!("{}: ask the carrier what it means", status.meaning()),
    };
    format!("the bind was refused with {status}: {advice}")
}

fn time(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
