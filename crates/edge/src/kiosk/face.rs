//! The cabinet front as the kiosk draws and names it.

use bailee_domain::bank::screen::DoorAlarm;
use bailee_domain::compartment::{Compartment, CompartmentNo, Reach, Size};
use bailee_ui::i18n::Texts;
use bailee_ui::map::{CellState, Detail, MapCell, MapView};

use super::Setup;

/// The bank's front with its texts' values, made once.
#[derive(Clone, Debug)]
pub struct Face {
    /// What it was made from.
    pub setup: Setup,
    map: MapView,
}

impl Face {
    /// The front of a bank.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let map = MapView {
            id: "map".to_owned(),
            title: String::new(),
            unit_width_mm: setup.unit_width_mm.max(1),
            unit_height_mm: setup.unit_height_mm.max(1),
            compartments: setup.layout.iter().map(cell).collect(),
            highlight: None,
            detail: Detail::Compact,
            link: None,
        };
        Self { setup, map }
    }

    /// The front with one door pointed at. What is in the other doors is nobody's business.
    pub(super) fn pointing(
        &self,
        title: &str,
        door: CompartmentNo,
        state: CellState,
        alarms: &[DoorAlarm],
    ) -> MapView {
        let mut map = self.map.clone();
        map.title = title.to_owned();
        map.highlight = Some(door.0);
        for cell in &mut map.compartments {
            if cell.number == door.0 {
                cell.state = state;
            } else if alarms.iter().any(|alarm| alarm.compartment.0 == cell.number) {
                cell.state = CellState::Alarm;
            }
        }
        map
    }

    /// Where a door is: "top row, second from left".
    pub(super) fn place(&self, texts: Texts, door: CompartmentNo) -> String {
        self.map.place(texts, door.0)
    }

    /// Width and height in millimetres of the smallest door of a size, if the bank has one.
    pub(super) fn opening_mm(&self, size: Size) -> Option<(u32, u32)> {
        let heights = self.setup.layout.iter().filter(|c| c.size == size).map(|c| c.height);
        let height = u32::from(heights.min()?) * u32::from(self.map.unit_height_mm);
        Some((u32::from(self.map.unit_width_mm), height))
    }
}

fn cell(compartment: &Compartment) -> MapCell {
    MapCell {
        number: compartment.number.0,
        column: compartment.column.saturating_add(1),
        row: compartment.row.saturating_add(1),
        width: 1,
        height: compartment.height,
        state: CellState::Free,
        low_reach: compartment.reach == Reach::Low,
        label: compartment.size.code().to_string(),
    }
}
