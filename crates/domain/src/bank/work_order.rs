//! Work orders: a technician's right to open some doors for a time, and no other.
//!
//! A door that holds a parcel stays shut to a technician even when the order names it: whoever writes orders at the
//! platform may not thereby open what belongs to others. Such a door takes an administrator's signature or two officers.

use alloc::collections::BTreeSet;

use super::io::{Answer, Record};
use super::{Bank, Turn};
use crate::compartment::CompartmentNo;
use crate::event::EventKind;
use crate::grant::Verifier;
use crate::id::{GrantId, PersonId, WorkOrderId};
use crate::time::WallTime;

/// At most this many work orders are open at one bank.
pub const MAX_WORK_ORDERS: usize = 16;
/// No work order names more doors.
pub const MAX_ORDER_DOORS: usize = 256;
/// No work order lives longer than this from now.
const LONGEST_ORDER_MS: i64 = 14 * 86_400_000;

/// A technician, some doors, a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    /// Its id.
    pub order: WorkOrderId,
    /// Who may work.
    pub technician: PersonId,
    /// On which doors.
    pub doors: BTreeSet<CompartmentNo>,
    /// Until when.
    pub expires: WallTime,
    /// Proves the code the technician was sent for it; without one only a badge of theirs will do.
    pub verifier: Option<Verifier>,
}

impl Bank {
    pub(super) fn open_work_order(&mut self, turn: &mut Turn<'_>, order: WorkOrder) -> Answer {
        if let Some(known) = self.lasting.work_orders.get(&order.order) {
            return if *known == order { Answer::Done } else { Answer::Superseded };
        }
        let left_ms = order.expires.since_ms(turn.now.wall);
        let sound = !order.doors.is_empty()
            && order.doors.len() <= MAX_ORDER_DOORS
            && (1..=LONGEST_ORDER_MS).contains(&left_ms)
            && self.lasting.work_orders.len() < MAX_WORK_ORDERS
            // A verifier covers the bytes of its subject's id, not its kind.
            && !self.lasting.grants.contains_key(&GrantId::from_bytes(order.order.to_bytes()));
        if !sound {
            return Answer::Invalid;
        }
        if order.doors.iter().any(|door| self.layout.find(*door).is_none()) {
            return Answer::NoSuchCompartment;
        }
        let WorkOrder { order: id, technician, expires, .. } = order;
        self.record(turn, Record::WorkOrder(order));
        self.event(turn, EventKind::WorkOrderOpened { order: id, technician, expires });
        Answer::Done
    }

    pub(super) fn close_work_order(&mut self, turn: &mut Turn<'_>, order: WorkOrderId) -> Answer {
        if self.lasting.work_orders.contains_key(&order) {
            self.event(turn, EventKind::WorkOrderClosed { order });
        }
        Answer::Done
    }

    pub(super) fn expire_work_orders(&mut self, turn: &mut Turn<'_>) {
        let orders = self.lasting.work_orders.values();
        let over: alloc::vec::Vec<_> =
            orders.filter(|o| turn.now.wall >= o.expires).map(|o| o.order).collect();
        for order in over {
            self.event(turn, EventKind::WorkOrderClosed { order });
        }
    }

    /// The doors of an order that its technician may open now.
    pub(super) fn doors_of(&self, order: WorkOrderId, now: WallTime) -> alloc::vec::Vec<CompartmentNo> {
        let order = self.lasting.work_orders.get(&order).filter(|order| now < order.expires);
        let doors = order.into_iter().flat_map(|order| order.doors.iter().copied());
        doors.filter(|door| !self.lasting.contents.contains_key(door)).collect()
    }
}
