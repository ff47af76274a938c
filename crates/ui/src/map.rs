//! A bank drawn to scale: every door where it is, its state as colour, icon and word, and the same as a table.
//!
//! Knows positions and states only; what may be opened is decided elsewhere. Physical left stays left in every language.
//! Start at [`MapView::svg`] and [`MapView::table`].

use crate::html::{Html, escape};
use crate::i18n::{Texts, without_isolates};
use crate::layout::icon_url;
use core::fmt::Write as _;
use std::collections::BTreeSet;

/// What a compartment is doing, as shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellState {
    /// Empty, closed, usable.
    Free,
    /// Holds something.
    Occupied,
    /// Empty, but promised.
    Reserved,
    /// The door is open by authority.
    Open,
    /// Taken out of service.
    OutOfService,
    /// Opened without authority, or held open.
    Alarm,
    /// Not known: the sensor or the bank doesn't answer.
    Unknown,
}

impl CellState {
    /// Every state, in legend order.
    pub const ALL: [Self; 7] = [
        Self::Free,
        Self::Occupied,
        Self::Reserved,
        Self::Open,
        Self::OutOfService,
        Self::Alarm,
        Self::Unknown,
    ];

    /// The key of the state's word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Free => "state-free",
            Self::Occupied => "state-occupied",
            Self::Reserved => "state-reserved",
            Self::Open => "state-open",
            Self::OutOfService => "state-out-of-service",
            Self::Alarm => "state-alarm",
            Self::Unknown => "state-unknown",
        }
    }

    /// The symbol in `icons.svg`.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Occupied => "parcel",
            Self::Reserved => "reserved",
            Self::Open => "open",
            Self::OutOfService => "wrench",
            Self::Alarm => "warning",
            Self::Unknown => "unknown",
        }
    }
}

/// One compartment: where it is in the grid of its bank, in grid units counted from 1 at the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapCell {
    /// The number on the door.
    pub number: u16,
    /// First grid column from the left, from 1.
    pub column: u16,
    /// First grid row from the top, from 1.
    pub row: u16,
    /// Columns covered.
    pub width: u16,
    /// Rows covered.
    pub height: u16,
    /// What it is doing.
    pub state: CellState,
    /// Reachable from a wheelchair.
    pub low_reach: bool,
    /// A short word for the table, such as its size; may be empty.
    pub label: String,
}

/// How much a map says inside its doors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Number and icon.
    #[default]
    Compact,
    /// Number, icon and word.
    Full,
}

/// A whole bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapView {
    /// Element id, unique on the page; the table gets `{id}-table`.
    pub id: String,
    /// The bank's name.
    pub title: String,
    /// Millimetres of one grid column.
    pub unit_width_mm: u16,
    /// Millimetres of one grid row.
    pub unit_height_mm: u16,
    /// The doors, in any order.
    pub compartments: Vec<MapCell>,
    /// The door to point at, if any; the others step back.
    pub highlight: Option<u16>,
    /// How much is written inside the doors.
    pub detail: Detail,
    /// Where a door leads, such as `?compartment=`: the number is appended; `None` makes the map a mere picture.
    pub link: Option<String>,
}

const FRAME: u32 = 24;

impl MapView {
    /// The bank as a drawing: a picture with a name, or a group of links when doors lead somewhere.
    #[must_use]
    pub fn svg(&self, texts: Texts) -> Html {
        let (width, height) = self.extent_mm();
        let role = if self.link.is_some() { "group" } else { "img" };
        let class = if self.highlight.is_some() { "map pointing" } else { "map" };
        let mut out = format!(
            r#"<svg id="{}" class="{class}" viewBox="0 0 {} {}" role="{role}" aria-label="{}" direction="ltr">"#,
            escape(&self.id),
            width + 2 * FRAME,
            height + 2 * FRAME,
            escape(&self.name(texts)),
        );
        let _ = write!(
            out,
            r#"<rect class="frame" x="3" y="3" width="{}" height="{}" rx="14"/>"#,
            width + 2 * FRAME - 6,
            height + 2 * FRAME - 6
        );
        for cell in &self.compartments {
            self.draw(&mut out, cell, texts);
        }
        out.push_str("</svg>");
        Html::from_escaped(out)
    }

    /// The same facts as rows, for people who can't use the drawing.
    #[must_use]
    pub fn table(&self, texts: Texts) -> Html {
        let mut out = format!(
            r#"<table class="table" id="{}-table"><caption class="hidden">{}</caption><thead><tr>"#,
            escape(&self.id),
            escape(&texts.t1("map-table", "bank", &self.title)),
        );
        for key in ["map-number", "map-place", "map-size", "map-state"] {
            let _ = write!(out, r#"<th scope="col">{}</th>"#, escape(&texts.t(key)));
        }
        out.push_str("</tr></thead><tbody>");
        for cell in &self.compartments {
            self.row(&mut out, cell, texts);
        }
        out.push_str("</tbody></table>");
        Html::from_escaped(out)
    }

    /// Where a door is, in words: "top row, second from left"; empty when there is no such door.
    #[must_use]
    pub fn place(&self, texts: Texts, number: u16) -> String {
        without_isolates(&self.place_words(texts, number))
    }

    fn place_words(&self, texts: Texts, number: u16) -> String {
        let Some(cell) = self.compartments.iter().find(|cell| cell.number == number) else {
            return String::new();
        };
        let column_cells = self.compartments.iter().filter(|other| other.column == cell.column);
        let rows: BTreeSet<u16> = column_cells.map(|other| other.row).collect();
        let row = rows.iter().position(|&row| row == cell.row).map_or(1, |at| at + 1);
        let row_words = match (row, rows.len()) {
            (_, 1) => String::new(),
            (1, _) => texts.t("place-top"),
            (n, all) if n == all => texts.t("place-bottom"),
            (n, all) => texts.t2("place-row", "row", n, "rows", all),
        };
        let columns: BTreeSet<u16> = self.compartments.iter().map(|other| other.column).collect();
        let column = columns.iter().position(|&column| column == cell.column).map_or(1, |at| at + 1);
        match (columns.len(), row_words.is_empty()) {
            (1, _) => row_words,
            (_, true) => texts.t1("place-column", "column", column),
            (_, false) => {
                texts.t2("place-both", "row", row_words, "column", texts.t1("place-column", "column", column))
            }
        }
    }

    /// A door's full name: "Compartment 07, top row, second from left".
    #[must_use]
    pub fn door_name(&self, texts: Texts, number: u16) -> String {
        texts.t2("map-door", "number", format!("{number:02}"), "place", self.place(texts, number))
    }

    /// The states that occur, with their counts, for a legend.
    #[must_use]
    pub fn counts(&self) -> Vec<(CellState, usize)> {
        let count = |state| self.compartments.iter().filter(|cell| cell.state == state).count();
        CellState::ALL.into_iter().map(|state| (state, count(state))).filter(|(_, n)| *n > 0).collect()
    }

    /// What a screen reader says for the whole drawing.
    fn name(&self, texts: Texts) -> String {
        if let Some(number) = self.highlight {
            return self.door_name(texts, number);
        }
        let states: Vec<String> =
            self.counts().into_iter().map(|(state, n)| format!("{} {n}", texts.t(state.key()))).collect();
        texts.t2("map-name", "bank", &self.title, "states", states.join(", "))
    }

    fn extent_mm(&self) -> (u32, u32) {
        let columns = self.compartments.iter().map(|cell| cell.column - 1 + cell.width).max().unwrap_or(1);
        let rows = self.compartments.iter().map(|cell| cell.row - 1 + cell.height).max().unwrap_or(1);
        (u32::from(columns) * u32::from(self.unit_width_mm), u32::from(rows) * u32::from(self.unit_height_mm))
    }

    fn draw(&self, out: &mut String, cell: &MapCell, texts: Texts) {
        let x = FRAME + u32::from(cell.column - 1) * u32::from(self.unit_width_mm);
        let y = FRAME + u32::from(cell.row - 1) * u32::from(self.unit_height_mm);
        let width = u32::from(cell.width) * u32::from(self.unit_width_mm);
        let height = u32::from(cell.height) * u32::from(self.unit_height_mm);
        let middle = y + height / 2;
        let class = if self.highlight == Some(cell.number) { "door here" } else { "door" };
        let word = texts.t(cell.state.key());
        let name = match (&self.link, self.detail) {
            (Some(_), Detail::Compact) => format!(r#" aria-label="{:02}, {}""#, cell.number, escape(&word)),
            _ => String::new(),
        };
        let word = match self.detail {
            Detail::Full => format!(r#" <tspan x="{}">{}</tspan>"#, x + 104, escape(&word)),
            Detail::Compact => String::new(),
        };
        let open = self
            .link
            .as_ref()
            .map_or_else(|| "g".to_owned(), |link| format!(r#"a href="{}{}""#, escape(link), cell.number));
        let _ = write!(
            out,
            r#"<{open} class="{class} {}"{name}><rect x="{}" y="{}" width="{}" height="{}"/><text x="{}" y="{middle}">{:02}{word}</text><use href="{}" x="{}" y="{}" width="60" height="60"/>"#,
            cell.state.key(),
            x + 6,
            y + 6,
            width.saturating_sub(12),
            height.saturating_sub(12),
            x + 26,
            cell.number,
            icon_url(cell.state.icon()),
            x + width.saturating_sub(82),
            middle.saturating_sub(30),
        );
        if cell.low_reach {
            let _ =
                write!(out, r#"<path d="M{} {}h{}"/>"#, x + 20, y + height - 14, width.saturating_sub(40));
        }
        out.push_str(if self.link.is_some() { "</a>" } else { "</g>" });
    }

    fn row(&self, out: &mut String, cell: &MapCell, texts: Texts) {
        let number = match &self.link {
            Some(link) => format!(r#"<a href="{}{}">{:02}</a>"#, escape(link), cell.number, cell.number),
            None => format!("{:02}", cell.number),
        };
        let reach = if cell.low_reach { format!(" · {}", texts.t("map-low-reach")) } else { String::new() };
        let _ = write!(
            out,
            r#"<tr><th scope="row">{number}</th><td>{}</td><td>{}</td><td class="{}">{}</td></tr>"#,
            escape(&self.place(texts, cell.number)),
            escape(&format!("{}{reach}", cell.label)),
            cell.state.key(),
            escape(&texts.t(cell.state.key())),
        );
    }
}

/// Two banks for pictures and tests.
pub mod samples {
    use super::{CellState, Detail, MapCell, MapView};

    /// Heights of one column from the top, in grid units, with the size's letter.
    fn column(cells: &mut Vec<MapCell>, column: u16, heights: &[(u16, &str)], states: &[CellState]) {
        let mut row = 1;
        for &(height, size) in heights {
            let number = u16::try_from(cells.len()).map_or(u16::MAX, |n| n + 1);
            let state =
                states.get(usize::from(number) % states.len().max(1)).copied().unwrap_or(CellState::Free);
            let low_reach = row >= 9;
            cells.push(MapCell {
                number,
                column,
                row,
                width: 1,
                height,
                state,
                low_reach,
                label: size.to_owned(),
            });
            row += height;
        }
    }

    fn bank(id: &str, title: &str, columns: &[&[(u16, &str)]], states: &[CellState]) -> MapView {
        let mut compartments = Vec::new();
        for (heights, at) in columns.iter().zip(1..) {
            column(&mut compartments, at, heights, states);
        }
        MapView {
            id: id.to_owned(),
            title: title.to_owned(),
            unit_width_mm: 450,
            unit_height_mm: 120,
            compartments,
            highlight: None,
            detail: Detail::Compact,
            link: None,
        }
    }

    const SMALL: &[(u16, &str)] =
        &[(1, "S"), (1, "S"), (2, "M"), (2, "M"), (2, "M"), (4, "L"), (1, "S"), (1, "S")];
    const LARGE: &[(u16, &str)] = &[(2, "M"), (2, "M"), (4, "L"), (6, "XL")];

    /// Twelve doors in two columns.
    #[must_use]
    pub fn twelve() -> MapView {
        use CellState::{Free, Occupied, Reserved};
        bank("map-lobby", "Lobby", &[SMALL, LARGE], &[Free, Occupied, Free, Free, Occupied, Reserved, Free])
    }

    /// Twenty-four doors in three columns, with one of every state.
    #[must_use]
    pub fn twenty_four() -> MapView {
        use CellState::{Alarm, Free, Occupied, Open, OutOfService, Unknown};
        let states = [
            Free,
            Occupied,
            Occupied,
            Free,
            Open,
            Free,
            Occupied,
            OutOfService,
            Free,
            Occupied,
            Alarm,
            Free,
            Unknown,
        ];
        bank("map-garage", "Garage", &[SMALL, SMALL, SMALL], &states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    #[test]
    fn a_door_is_named_by_where_it_is() {
        let map = samples::twelve();
        let name = |locale, number| without_isolates(&map.door_name(Texts::new(locale), number));
        assert_eq!(name(Locale::En, 1), "Compartment 01, top row, first from left");
        assert_eq!(name(Locale::En, 3), "Compartment 03, row 3 of 8, first from left");
        assert_eq!(name(Locale::En, 12), "Compartment 12, bottom row, second from left");
        assert_eq!(name(Locale::Ar, 9), "الخزانة 09، الصف العلوي، الثانية من اليسار");
    }

    #[test]
    fn every_door_is_drawn_and_every_name_escaped() {
        let mut map = samples::twenty_four();
        map.title = "<b>".to_owned();
        let svg = map.svg(Texts::default()).to_string();
        assert_eq!(svg.matches("<g class=\"door").count(), 24);
        assert!(!svg.contains("<b>"));
        assert_eq!(map.table(Texts::default()).to_string().matches("scope=\"row\"").count(), 24);
    }

    #[test]
    fn the_drawing_is_to_scale() {
        let map = samples::twelve();
        assert_eq!(map.extent_mm(), (900, 1680));
        let svg = map.svg(Texts::default()).to_string();
        assert!(svg.contains(r#"viewBox="0 0 948 1728""#), "{svg}");
    }

    #[test]
    fn a_highlighted_door_names_the_picture() {
        let mut map = samples::twelve();
        map.highlight = Some(9);
        let svg = without_isolates(map.svg(Texts::default()).as_str());
        assert!(
            svg.contains(r#"role="img" aria-label="Compartment 09, top row, second from left""#),
            "{svg}"
        );
        assert_eq!(svg.matches("door here").count(), 1);
    }
}
