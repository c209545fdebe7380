//! Every SMSC that the engine is bound to, and how the set of them becomes another while it runs.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::database::Base;
use super::stages::Stage;
use crate::bind::{Binds, Events, Kept, Seats};
use crate::campaign::{Campaigns, Gates, RouteTable, Routes, SANDBOX};
use crate::config;
use crate::dispatch::{Bells, Dispatcher, Leases, Outlet, Settings};
use crate::domain::SmscId;
use crate::inbound::Struck;
use crate::outcome::BrokenTable;
use crate::pressure::Pressure;
use crate::reload::Changes;
use crate::settle::Sides;
use crate::store::{Store, StoreError};
use crate::traffic::Traffic;

/// An SMSC with the number that keys and records have in place of its name.
pub(super) type Numbered = (SmscId, Arc<config::Smsc>);

/// Numbers SMSCs: new names get new numbers, which stay theirs.
pub(super) async fn number(store: &Store, smscs: &[Arc<config::Smsc>]) -> Result<Vec<Numbered>, StoreError> {
    let mut numbered = Vec::with_capacity(smscs.len());
    for smsc in smscs {
        // One that becomes a sandbox, or is none any more, is another: what waits for the one never goes to the other.
        let number = match smsc.sandbox {
            true => store.smsc_id(&format!("{SANDBOX}{}", smsc.name)).await?,
            false => store.smsc_id(&smsc.name).await?,
        };
        numbered.push((number, smsc.clone()));
    }
    Ok(numbered)
}

/// What the fleet works with.
pub(super) struct FleetDeps {
    pub(super) base: Base,
    pub(super) routes: RouteTable,
    pub(super) traffic: Traffic,
    pub(super) binds: Binds,
    pub(super) bells: Bells,
    pub(super) sides: Sides,
    pub(super) gates: Gates,
    pub(super) leases: Arc<Leases>,
    pub(super) campaigns: Campaigns,
    pub(super) pressure: Pressure,
    pub(super) struck: Struck,
    pub(super) feed: mpsc::Sender<Events>,
    /// Sessions that other engines may have.
    pub(super) seats: Seats,
    /// Where dispatchers run.
    pub(super) stage: Stage,
}

/// The SMSCs of now. As long as it is there, more may be bound.
pub(super) struct Fleet {
    deps: FleetDeps,
    ships: Vec<Ship>,
}

/// One of them.
struct Ship {
    outlet: Arc<Outlet>,
    kept: Kept,
    /// Ends its dispatchers; a receiver has none.
    dispatched: Option<CancellationToken>,
}

/// SMSCs whose sessions end, each with what takes its place.
#[must_use]
pub(super) struct Leaving(Vec<(Kept, Option<Numbered>)>);

impl Fleet {
    /// Nobody is bound yet.
    pub(super) fn new(deps: FleetDeps) -> Self {
        Self {
            deps,
            ships: Vec::new(),
        }
    }

    /// Binds these, and no others: those that are there and in the list become what it says, those that are not in it leave.
    /// All of it or nothing; what leaves is to be waited for with [`Fleet::leave`].
    ///
    /// # Errors
    /// [`BrokenTable`], which the tests rule out.
    pub(super) fn set(
        &mut self,
        smscs: &[Numbered],
        routes: Option<Routes>,
    ) -> Result<(Changes, Leaving), BrokenTable> {
        let settings = smscs.iter().map(|(_, smsc)| Settings::of(smsc));
        let settings = settings.collect::<Result<Vec<_>, _>>()?;
        for (id, smsc) in smscs {
            self.deps.traffic.set_prices(*id, smsc.prices.clone());
        }
        let (mut changes, mut leaving) = (Changes::default(), Vec::new());
        for (numbered, settings) in smscs.iter().zip(settings) {
            match self.ships.iter().position(|ship| ship.outlet.id == numbered.0) {
                None => {
                    changes.added.push(numbered.1.name.clone());
                    let ship = self.launch(numbered, settings);
                    self.ships.push(ship);
                }
                Some(at) => self.refit(at, (numbered, settings), (&mut changes, &mut leaving)),
            }
        }
        let stays = |ship: &mut Ship| smscs.iter().any(|(id, _)| *id == ship.outlet.id);
        let removed: Vec<Ship> = self.ships.extract_if(.., |ship| !stays(ship)).collect();
        self.announce(&removed);
        if let Some(routes) = routes {
            self.deps.traffic.set_routes(routes.served());
            self.deps.routes.replace(routes);
        }
        for ship in removed {
            changes.removed.push(ship.outlet.settings().config.name.clone());
            self.deps.traffic.remove(ship.outlet.id);
            if let Some(stop) = &ship.dispatched {
                stop.cancel();
            }
            self.deps.base.metrics.forget_smsc(&ship.outlet.metrics.name);
            leaving.push((ship.kept, None));
        }
        for ship in &self.ships {
            ship.outlet.doorbell.ring_all(self.deps.base.store.all_partitions());
        }
        Ok((changes, Leaving(leaving)))
    }

    /// What was there becomes what is configured now: at once as far as its sessions do not know of it.
    fn refit(
        &mut self,
        at: usize,
        (numbered, settings): (&Numbered, Settings),
        (changes, leaving): (&mut Changes, &mut Vec<(Kept, Option<Numbered>)>),
    ) {
        let before = self.ships[at].outlet.settings().config.clone();
        let (_, now) = numbered;
        if *now == before {
            return;
        }
        self.ships[at].outlet.set(settings);
        if now.is_bound_like(&before) {
            changes.changed.push(now.name.clone());
            return;
        }
        changes.rebound.push(now.name.clone());
        match (now.bind.transmits(), self.ships[at].dispatched.take()) {
            (false, stop) => stop.iter().for_each(CancellationToken::cancel),
            (true, None) => self.ships[at].dispatched = Some(self.dispatch(&self.ships[at].outlet)),
            (true, stop) => self.ships[at].dispatched = stop,
        }
        let kept = std::mem::take(&mut self.ships[at].kept);
        leaving.push((kept, Some(numbered.clone())));
    }

    /// Tells who rings and who settles which SMSCs there are. What those that are removed answered last may still be on its
    /// way: they are settled until the next change.
    fn announce(&self, removed: &[Ship]) {
        let bell = |ship: &Ship| (ship.outlet.doorbell.clone(), ship.outlet.service.clone());
        self.deps.bells.replace(self.ships.iter().map(bell));
        let all = self.ships.iter().chain(removed);
        self.deps.sides.replace(all.map(|ship| ship.outlet.clone()));
    }

    /// Binds one, and feeds it.
    fn launch(&self, (id, smsc): &Numbered, settings: Settings) -> Ship {
        let base = &self.deps.base;
        let shared = (&self.deps.traffic, &self.deps.seats);
        let outlet = Outlet::new((*id, settings), shared, (&base.metrics, base.clock, &self.deps.gates));
        let outlet = Arc::new(outlet);
        Ship {
            kept: self.deps.binds.keep_up(*id, smsc, &outlet.pool),
            dispatched: smsc.bind.transmits().then(|| self.dispatch(&outlet)),
            outlet,
        }
    }

    fn dispatch(&self, outlet: &Arc<Outlet>) -> CancellationToken {
        let deps = &self.deps;
        let dispatcher = Dispatcher {
            outlet: outlet.clone(),
            routes: deps.routes.clone(),
            gates: deps.gates.clone(),
            store: deps.base.store.clone(),
            leases: deps.leases.clone(),
            orders: deps.campaigns.orders(),
            campaigns: deps.campaigns.clone(),
            pressure: deps.pressure.clone(),
            verdict: deps.base.verdict.clone(),
            struck: deps.struck.clone(),
            feed: deps.feed.clone(),
            seats: deps.seats.clone(),
            clock: deps.base.clock,
        };
        let stop = deps.stage.stop.child_token();
        dispatcher.start(&stop, &deps.stage.tasks);
        stop
    }

    /// Waits until those that leave are unbound, and binds again those that are to be something else. What they have is
    /// answered by then, or in doubt after so long.
    pub(super) async fn leave(&mut self, Leaving(leaving): Leaving, within: Duration) {
        let end = |(kept, next): (Kept, Option<Numbered>)| async move {
            kept.end(within).await;
            next
        };
        for (id, smsc) in join_all(leaving.into_iter().map(end)).await.into_iter().flatten() {
            let Some(at) = self.ships.iter().position(|ship| ship.outlet.id == id) else {
                continue;
            };
            let pool = &self.ships[at].outlet.pool;
            self.ships[at].kept = self.deps.binds.keep_up(id, &smsc, pool);
        }
    }
}
