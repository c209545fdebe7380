//! What a tenant does over the API with its own key: campaigns, single messages, its credits.

mod campaigns;
mod create;
mod credits;
mod edit;
mod export;
mod margin;
mod messages;
mod report;
mod statements;
mod statistics;
mod view;
mod watch;

pub(super) use campaigns::CampaignsAsk;
pub(super) use credits::CreditsAsk;
pub(super) use messages::MessagesAsk;
pub(super) use statistics::StatisticsOf;
