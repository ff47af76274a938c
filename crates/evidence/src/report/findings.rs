//! What the entries show, in sentences, and for a parcel the way of custody as a strip.

use super::page::{INNER, Ink, MARGIN, Mark, Pages};
use super::parts::{Names, Sources};
use super::text::Face;
use crate::line::Line;
use crate::time::{minutes, seconds};

pub(super) fn draw(page: &mut Pages, sources: &Sources<'_>) {
    page.heading("What this shows", 70.0);
    for (text, ink) in sentences(sources) {
        page.room(14.0);
        page.fill((MARGIN, page.y + 3.2), (4.0, 4.0), ink);
        page.paragraph((MARGIN + 12.0, INNER - 12.0), (Face::Regular, 9.5, Ink::Text), &text);
        page.y += 2.5;
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// The findings, each with the colour of its mark.
fn sentences(sources: &Sources<'_>) -> Vec<(String, Ink)> {
    let (facts, log) = (sources.facts, &sources.statement.log);
    let more = facts.counts.all - facts.counts.asked;
    let mut found = vec![(
        format!(
            "{} the custody log {} and were not changed since; each is proved against the tree of {} entries that the log \
             signed. {} here to prove them.",
            if facts.counts.asked == 1 {
                "1 entry is in".to_owned()
            } else {
                format!("{} entries are in", facts.counts.asked)
            },
            log.origin,
            log.size,
            if more == 1 { "1 more is".to_owned() } else { format!("{more} more are") },
        ),
        Ink::Accent,
    )];
    if let (Some(first), Some(last)) = (facts.first, facts.last) {
        let text = format!(
            "The first is of {}, the last of {} UTC, each by the clock of whoever wrote it.",
            seconds(first),
            seconds(last)
        );
        found.push((text, Ink::Accent));
    }
    found.extend(signed(sources));
    found.push(match facts.alarms {
        0 => ("None of them is an alarm.".to_owned(), Ink::Accent),
        alarms => (format!("{} among them.", counted(alarms, "alarm is", "alarms are")), Ink::Alarm),
    });
    if facts.from_future > 0 {
        let named =
            facts.named_from_future.iter().map(|(index, at)| format!("entry {index} ({})", seconds(*at)));
        let named = named.collect::<Vec<_>>().join(", ");
        let text = format!(
            "{} of a time after this export: {named}. A clock was wrong, or somebody's word is.",
            counted(facts.from_future, "entry is", "entries are")
        );
        found.push((text, Ink::Alarm));
    }
    found.push((
        "That nothing was left out between these entries is not shown: the bundle proves what is in it."
            .to_owned(),
        Ink::Muted,
    ));
    found
}

fn signed(sources: &Sources<'_>) -> Option<(String, Ink)> {
    let signed = &sources.facts.signed;
    if signed.events == 0 {
        return None;
    }
    let covered = match signed.uncovered {
        0 => "a signed head covers every one".to_owned(),
        open => format!("{open} of them no signed head covers yet"),
    };
    let text = format!(
        "{} written and chained by {}, and signed with a key that never leaves it; {covered}. The operator has no such key.",
        counted(signed.events, "event was", "events were"),
        if signed.banks == 1 {
            "the bank itself".to_owned()
        } else {
            format!("{} banks themselves", signed.banks)
        },
    );
    Some((text, if signed.uncovered == 0 { Ink::Accent } else { Ink::Alarm }))
}

/// What a kind means for custody, in two words.
fn milestone(kind: &str) -> Option<(&'static str, bool)> {
    Some(match kind {
        "ParcelDeposited" => ("dropped off", false),
        "CodeIssued" => ("code made", false),
        "NotificationSent" => ("recipient told", false),
        "ParcelCollected" => ("collected", false),
        "ParcelOverdue" => ("overdue", false),
        "ParcelExtended" => ("more time", false),
        "GrantExpired" => ("expired", false),
        "DropOffCancelled" => ("taken back", false),
        "CompartmentForced" => ("door forced", true),
        _ => return None,
    })
}

/// The way of custody of one parcel, when that is what was asked for.
pub(super) fn strip(page: &mut Pages, sources: &Sources<'_>, names: &Names<'_>) {
    const MOST: usize = 6;
    if !sources.statement.request.subject.starts_with("parcel ") {
        return;
    }
    let mut stops: Vec<(&Line, &str, bool)> = Vec::new();
    for (_, line) in &sources.facts.rows {
        let Some((words, alarm)) = milestone(&line.kind) else { continue };
        if !stops.iter().any(|(_, seen, _)| *seen == words) {
            stops.push((line, words, alarm));
        }
    }
    stops.truncate(MOST);
    if stops.len() < 2 {
        return;
    }
    page.heading("The way of custody", 66.0);
    #[expect(clippy::cast_precision_loss, reason = "at most six places on paper")]
    let slot = INNER / stops.len() as f32;
    let y = page.y + 9.0;
    page.mark(Mark::Line {
        from: (MARGIN + slot / 2.0, y),
        to: (MARGIN + INNER - slot / 2.0, y),
        ink: Ink::AccentSoft,
        width: 4.0,
    });
    let mut x = MARGIN + slot / 2.0;
    for (line, words, alarm) in stops {
        let ink = if alarm { Ink::Alarm } else { Ink::Accent };
        let points = [(x, y - 6.5), (x + 6.5, y), (x, y + 6.5), (x - 6.5, y)];
        page.mark(Mark::Shape { points: points.to_vec(), fill: ink });
        page.text_around((x, y + 20.0), (Face::Bold, 8.5, ink), words);
        page.text_around((x, y + 31.0), (Face::Regular, 7.5, Ink::Text), &minutes(line.at));
        let place = line.bank.map(|bank| names.short(&bank.to_string())).unwrap_or_default();
        let place = line.compartment.map_or(place.clone(), |number| format!("{place} · {number:02}"));
        let place = super::text::fitted(Face::Regular, 7.5, &place, slot - 4.0);
        page.text_around((x, y + 41.0), (Face::Regular, 7.5, Ink::Muted), &place);
        x += slot;
    }
    page.y = y + 48.0;
}
